//! Microsoft Sentinel: a token first, kept until it is old.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use sark_alerts::sink::{Sentinel, Token};
use sark_alerts::{Message, Verdict, Words};
use sark_outbound::Client;

use super::Deliver;
use super::http::send;

/// See the module. After a failure it is made anew, and so its token.
pub(super) struct ToSentinel {
    client: Client,
    sink: Sentinel,
    token: Mutex<Option<Token>>,
}

impl ToSentinel {
    pub(super) fn new(client: Client, sink: Sentinel) -> Self {
        Self { client, sink, token: Mutex::new(None) }
    }

    async fn token(&self, now: Timestamp) -> Result<Token, Verdict> {
        let kept = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(token) = kept.filter(|token| token.until > now) {
            return Ok(token);
        }
        let heard = send(&self.client, self.sink.ask_token(), now).await?;
        let token = Sentinel::token(&heard.answer())?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }
}

#[async_trait]
impl Deliver for ToSentinel {
    async fn deliver(&self, message: &Message, words: &Words, id: &str, now: Timestamp) -> Verdict {
        let token = match self.token(now).await {
            Ok(token) => token,
            Err(verdict) => return verdict,
        };
        match send(&self.client, self.sink.post(message, words, id, &token), now).await {
            Ok(heard) => self.sink.judge(&heard.answer()),
            Err(verdict) => verdict,
        }
    }
}
