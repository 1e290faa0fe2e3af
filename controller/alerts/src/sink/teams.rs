//! Microsoft Teams by a Workflow ("When a Teams webhook request is received"): an Adaptive Card 1.4
//! (adaptivecards.io) in a message of at most 28 KB. 202 means that the flow has it, not that it was
//! posted.

use jiff::Timestamp;
use sark_core::decision::Severity;
use sark_core::secret::Secret;
use serde_json::{Value, json};

use super::{HttpSink, Post, fitting};
use crate::message::{Kind, Message};
use crate::template::Words;
use crate::verdict::{Answer, Verdict};

const MOST: usize = 27_000;

/// See the module.
#[derive(Debug, Clone)]
pub struct Teams {
    /// Where; it is the secret.
    pub url: Secret,
}

impl HttpSink for Teams {
    fn post(&self, message: &Message, words: &Words, _id: &str, _now: Timestamp) -> Post {
        let body = fitting(&message.facts(), MOST, |facts| body(message, words, facts));
        Post::json(&self.url, &body)
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        // The retired connectors said in a 200 that they were throttled.
        let throttled = String::from_utf8_lossy(answer.body).contains("HTTP error 429");
        if throttled { answer.later() } else { answer.usual() }
    }
}

fn body(message: &Message, words: &Words, facts: &[(String, String)]) -> Value {
    let color = match (message.kind, message.severity) {
        (Kind::Resolved | Kind::Test, _) => "good",
        (_, Severity::Critical | Severity::High) => "attention",
        (_, Severity::Medium) => "warning",
        (_, Severity::Low | Severity::Info) => "accent",
    };
    let fact =
        |(name, value): &(String, String)| json!({ "title": plain(name), "value": plain(value) });
    let more = [
        ("severity".to_owned(), message.severity.to_string()),
        ("alert".to_owned(), message.key.clone()),
    ];
    let facts: Vec<_> = more.iter().chain(facts).map(fact).collect();
    let mut actions = Vec::new();
    if let Some(url) = message.runbook.as_ref().filter(|page| page.starts_with("https://")) {
        actions.push(json!({ "type": "Action.OpenUrl", "title": "Runbook", "url": url }));
    }
    json!({ "type": "message", "attachments": [{
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": null,
        "content": {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [
                { "type": "TextBlock", "text": plain(&words.title), "weight": "bolder",
                  "size": "medium", "wrap": true, "color": color },
                { "type": "TextBlock", "text": plain(&words.text), "wrap": true },
                { "type": "FactSet", "facts": facts },
            ],
            "actions": actions,
        },
    }]})
}

/// Without its subset of Markdown: a name in an alert makes no link.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '[' | ']' | '*' | '_' | '`' | '#') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
