//! Splunk: sent, and asked whether it was indexed.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sark_alerts::sink::{Acknowledged, HttpSink as _, Splunk};
use sark_alerts::{Message, Verdict, Words};
use sark_outbound::Client;

use super::Deliver;
use super::http::send;

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(500);

/// See the module.
pub(super) struct ToSplunk {
    pub(super) client: Client,
    pub(super) sink: Splunk,
}

#[async_trait]
impl Deliver for ToSplunk {
    async fn deliver(&self, message: &Message, words: &Words, id: &str, now: Timestamp) -> Verdict {
        let heard = match send(&self.client, self.sink.post(message, words, id, now), now).await {
            Ok(heard) => heard,
            Err(verdict) => return verdict,
        };
        let verdict = self.sink.judge(&heard.answer());
        let (Verdict::Delivered { .. }, Some(ack)) = (&verdict, self.sink.ack_id(&heard.body))
        else {
            return verdict;
        };
        // The sink's time ends this: it is sent again then, and is there twice perhaps. `alert_id`
        // tells.
        loop {
            tokio::time::sleep(PAUSE).await;
            match send(&self.client, self.sink.ask(ack), now).await {
                Ok(heard) => match Splunk::acknowledged(ack, &heard.body) {
                    Acknowledged::Yes => return verdict,
                    Acknowledged::NotYet => {}
                    Acknowledged::Unknown => {
                        let why =
                            format!("received, but not acknowledged: {}", heard.answer().told());
                        return Verdict::Retry { after: None, why };
                    }
                },
                Err(verdict) => return verdict,
            }
        }
    }
}
