//! PagerDuty Events API v2 (PagerDuty/developer-docs, `events-API-v2`): `dedup_key` of at most 255
//! characters, `summary` of 1024, an event of 512 KB. 400 is for good, 429 for a minute.

use std::time::Duration;

use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::decision::Severity;
use sark_core::secret::Secret;
use serde_json::{Map, Value, json};

use super::{HttpSink, Post};
use crate::message::{Kind, Message, cut};
use crate::template::Words;
use crate::verdict::{Answer, Verdict};

/// See the module.
#[derive(Debug, Clone)]
pub struct PagerDuty {
    /// `https://events.pagerduty.com/v2/enqueue`.
    pub url: Secret,
    /// Integration key of the service.
    pub routing_key: Secret,
}

impl HttpSink for PagerDuty {
    fn post(&self, message: &Message, words: &Words, _id: &str, _now: Timestamp) -> Post {
        Post::json(&self.url, &self.body(message, words))
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        match (answer.status, answer.later()) {
            (429, Verdict::Retry { after: None, why }) => {
                Verdict::Retry { after: Some(Duration::from_secs(60)), why }
            }
            _ => answer.usual(),
        }
    }
}

impl PagerDuty {
    fn body(&self, message: &Message, words: &Words) -> Value {
        let action = match message.kind {
            Kind::Resolved => "resolve",
            Kind::Opened | Kind::Again | Kind::Worse | Kind::Test => "trigger",
        };
        let mut details: Map<String, Value> =
            message.facts().into_iter().map(|(name, value)| (name, value.into())).collect();
        details.insert("text".into(), words.text.clone().into());
        details.insert("count".into(), message.count.into());
        details.insert("actor".into(), message.actor.clone().into());
        let link = message.runbook.as_ref().filter(|page| page.starts_with("https://"));
        let links: Vec<_> =
            link.iter().map(|url| json!({ "href": url, "text": "Runbook" })).collect();
        json!({
            "routing_key": self.routing_key.reveal(),
            "event_action": action,
            "dedup_key": dedup_key(message),
            "client": "SARK",
            "links": links,
            "payload": {
                "summary": cut(&words.title, 1024),
                "source": message.source,
                "severity": severity(message.severity),
                "timestamp": message.at.to_string(),
                "component": "sarkd",
                "group": message.event.split('.').next().unwrap_or_default(),
                "class": message.event,
                "custom_details": details,
            },
        })
    }
}

/// One incident for each alert of an installation.
fn dedup_key(message: &Message) -> String {
    let key = format!("{}/{}", message.source, message.key);
    if key.chars().count() <= 255 {
        return key;
    }
    let hash = ContentHash::of(key.as_bytes()).to_string();
    format!("{}#{}", cut(&key, 180), hash.strip_prefix("sha256:").unwrap_or(&hash))
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low | Severity::Medium => "warning",
        Severity::High => "error",
        Severity::Critical => "critical",
    }
}
