//! Elasticsearch and what speaks like it: `_bulk` with `create` and an id of ours, so that a document
//! that is there already is no second one (elastic.co, "Bulk API"); fields of the Elastic Common
//! Schema.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sark_core::decision::Severity;
use sark_core::secret::Secret;
use serde_json::{Value, json};

use super::{HttpSink, Post};
use crate::message::{Kind, Message};
use crate::template::Words;
use crate::verdict::{Answer, Verdict};

/// See the module.
#[derive(Debug, Clone)]
pub struct Elastic {
    /// `https://host:9200`.
    pub url: Secret,
    /// Index or data stream.
    pub index: String,
    /// Who we are.
    pub login: ElasticLogin,
}

/// Who we are to it.
#[derive(Debug, Clone)]
pub enum ElasticLogin {
    /// Nobody.
    None,
    /// An API key, encoded as Elasticsearch gives it out.
    ApiKey(Secret),
    /// User name and password.
    Basic(String, Secret),
}

impl HttpSink for Elastic {
    fn post(&self, message: &Message, words: &Words, id: &str, _now: Timestamp) -> Post {
        let action = json!({ "create": { "_index": self.index, "_id": id } });
        let body = format!("{action}\n{}\n", document(message, words, id)).into_bytes();
        let url = format!("{}/_bulk", self.url.reveal().trim_end_matches('/'));
        let lines = ("content-type".to_owned(), Secret::new("application/x-ndjson".to_owned()));
        let post = Post { url: Secret::new(url), headers: vec![lines], body };
        match &self.login {
            ElasticLogin::None => post,
            ElasticLogin::ApiKey(key) => {
                post.with("authorization", format!("ApiKey {}", key.reveal()))
            }
            ElasticLogin::Basic(user, password) => {
                let both = STANDARD.encode(format!("{user}:{}", password.reveal()));
                post.with("authorization", format!("Basic {both}"))
            }
        }
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        if !(200..=299).contains(&answer.status) {
            return answer.usual();
        }
        let Ok(value) = serde_json::from_slice::<Value>(answer.body) else {
            return Verdict::Retry { after: None, why: "the answer is none of _bulk".to_owned() };
        };
        let item = &value["items"][0]["create"];
        let status = item["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let said = item["error"]["reason"].as_str().unwrap_or_default();
        let answer = Answer { status: status.unwrap_or(500), body: said.as_bytes(), ..*answer };
        match status {
            Some(409) => Verdict::Delivered { said: "it was there already".to_owned() },
            _ => answer.usual(),
        }
    }
}

fn document(message: &Message, words: &Words, id: &str) -> Value {
    let about = &message.about;
    let severity = match message.severity {
        Severity::Info => 1,
        Severity::Low => 21,
        Severity::Medium => 47,
        Severity::High => 73,
        Severity::Critical => 99,
    };
    json!({
        "@timestamp": message.at,
        "message": words.title,
        "ecs": { "version": "8.17.0" },
        "event": {
            "id": id, "kind": if message.kind == Kind::Test { "event" } else { "alert" },
            "action": message.event, "severity": severity, "provider": "sark",
            "start": message.first_at, "reason": words.text, "sequence": message.sequence,
        },
        "observer": { "name": message.source, "product": "sarkd", "vendor": "SARK" },
        "source": about.flow.map(|f| json!({ "ip": f.source.ip(), "port": f.source.port() })),
        "destination":
            about.flow.map(|f| json!({ "ip": f.destination.ip(), "port": f.destination.port() })),
        "host": about.host.as_ref().map(|name| json!({ "name": name })),
        "user": about.user.as_ref().map(|name| json!({ "name": name })),
        "sark": { "alert": message },
    })
}
