//! One `POST`, and what the answer means.

use async_trait::async_trait;
use jiff::Timestamp;
use sark_alerts::sink::{HttpSink, Post};
use sark_alerts::{Answer, Message, Verdict, Words};
use sark_outbound::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use sark_outbound::{Client, OutboundError, Request};

use super::Deliver;
use crate::chain;

/// What of an answer is read.
const BEGINNING: usize = 16 << 10;

/// See the module.
pub(super) struct OverHttp {
    pub(super) client: Client,
    pub(super) sink: Box<dyn HttpSink>,
}

/// An answer as far as it matters.
pub(super) struct Heard {
    status: u16,
    retry_after: Option<String>,
    pub(super) body: Vec<u8>,
    now: Timestamp,
}

impl Heard {
    pub(super) fn answer(&self) -> Answer<'_> {
        let Self { status, retry_after, body, now } = self;
        Answer { status: *status, retry_after: retry_after.as_deref(), body, now: *now }
    }
}

#[async_trait]
impl Deliver for OverHttp {
    async fn deliver(&self, message: &Message, words: &Words, id: &str, now: Timestamp) -> Verdict {
        match send(&self.client, self.sink.post(message, words, id, now), now).await {
            Ok(heard) => self.sink.judge(&heard.answer()),
            Err(verdict) => verdict,
        }
    }
}

/// Sends; the verdict if there is no answer. Neither has an address: it may be a secret.
pub(super) async fn send(client: &Client, post: Post, now: Timestamp) -> Result<Heard, Verdict> {
    let never = |why: &str| Verdict::Dead { why: why.to_owned() };
    let url = post.url.reveal().parse().map_err(|_| never("its address is no URL"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &post.headers {
        let name = HeaderName::try_from(name)
            .map_err(|_| never(&format!("{name:?} is no name of a header")))?;
        let mut value = HeaderValue::try_from(value.reveal())
            .map_err(|_| never(&format!("the value of {name} cannot be in a header")))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    let request = Request::post(url, headers, post.body);
    let answer = client.send(request).await.map_err(|error| unanswered(&error))?;
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.map(str::to_owned);
    let status = answer.status().as_u16();
    let body = answer.beginning(BEGINNING).await;
    Ok(Heard { status, retry_after, body, now })
}

fn unanswered(error: &OutboundError) -> Verdict {
    let why = chain(error);
    match error {
        OutboundError::NotPublic(_) => Verdict::Dead {
            why: format!("{why}: if it is yours, name its network under privateAddresses"),
        },
        _ => Verdict::Retry { after: None, why },
    }
}
