//! Splunk HTTP Event Collector (help.splunk.com, "HTTP Event Collector", "Troubleshoot": codes). An
//! answer means received; with `channel`, `indexed` is asked for (Enterprise only).

use jiff::Timestamp;
use sark_core::secret::Secret;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{HttpSink, Post};
use crate::message::Message;
use crate::template::Words;
use crate::verdict::{Answer, Verdict};

/// See the module.
#[derive(Debug, Clone)]
pub struct Splunk {
    /// `https://host:8088`.
    pub url: Secret,
    /// HEC token.
    pub token: Secret,
    /// Of the token's, if none.
    pub index: Option<String>,
    /// Channel (a GUID), if indexing is to be acknowledged.
    pub channel: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    code: Option<u64>,
    #[serde(rename = "ackId")]
    ack: Option<u64>,
}

/// Whether it was indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// It was.
    Yes,
    /// Not yet.
    NotYet,
    /// It cannot be known: the answer is none.
    Unknown,
}

impl HttpSink for Splunk {
    fn post(&self, message: &Message, words: &Words, id: &str, _now: Timestamp) -> Post {
        let mut event = Map::new();
        event.insert("time".into(), json!(seconds(message.at)));
        event.insert("host".into(), json!(message.source));
        event.insert("source".into(), json!("sark"));
        event.insert("sourcetype".into(), json!("sark:alert"));
        if let Some(index) = &self.index {
            event.insert("index".into(), json!(index));
        }
        let body = json!({ "id": id, "title": words.title, "text": words.text, "alert": message });
        event.insert("event".into(), body);
        // Indexed fields are text, numbers or lists of text.
        let fields = json!({
            "alert_id": id, "alert_key": message.key, "severity": message.severity,
            "kind": message.kind, "event_name": message.event,
        });
        event.insert("fields".into(), fields);
        self.to("/services/collector/event", &Value::Object(event))
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        let said: Option<Said> = serde_json::from_slice(answer.body).ok();
        match (answer.status, said.as_ref().and_then(|said| said.code)) {
            (200..=299, Some(0) | None) => answer.usual(),
            // 8: internal error, 9: server busy, 18: no room, 23: shutting down.
            (_, Some(8 | 9 | 18 | 23)) => answer.later(),
            (500..=599, _) | (408 | 429, _) => answer.later(),
            _ => answer.never(),
        }
    }
}

impl Splunk {
    fn to(&self, path: &str, body: &Value) -> Post {
        let url = format!("{}{path}", self.url.reveal().trim_end_matches('/'));
        let post = Post::json(&Secret::new(url), body)
            .with("authorization", format!("Splunk {}", self.token.reveal()));
        match &self.channel {
            Some(channel) => post.with("x-splunk-request-channel", channel.clone()),
            None => post,
        }
    }

    /// The number to ask for, if acknowledgement is wanted and offered.
    #[must_use]
    pub fn ack_id(&self, body: &[u8]) -> Option<u64> {
        self.channel.as_ref()?;
        serde_json::from_slice::<Said>(body).ok()?.ack
    }

    /// The question whether it was indexed.
    #[must_use]
    pub fn ask(&self, ack: u64) -> Post {
        let channel = self.channel.as_deref().unwrap_or_default();
        self.to(&format!("/services/collector/ack?channel={channel}"), &json!({ "acks": [ack] }))
    }

    /// The answer to it.
    #[must_use]
    pub fn acknowledged(ack: u64, body: &[u8]) -> Acknowledged {
        let value: Option<Value> = serde_json::from_slice(body).ok();
        match value.as_ref().and_then(|value| value["acks"][ack.to_string()].as_bool()) {
            Some(true) => Acknowledged::Yes,
            Some(false) => Acknowledged::NotYet,
            None => Acknowledged::Unknown,
        }
    }
}

/// Seconds since 1970 with milliseconds, as HEC wants them.
fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}
