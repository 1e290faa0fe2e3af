//! Slack's incoming webhooks (docs.slack.dev, "Sending messages using incoming webhooks" and "Block
//! Kit"): 50 blocks, 150 characters in a header, 3000 in a section, 2000 in a field of which a
//! section has 10; `&`, `<` and `>` are escaped, without which text could mention everybody.

use jiff::Timestamp;
use sark_core::decision::Severity;
use sark_core::secret::Secret;
use serde_json::{Value, json};

use super::{HttpSink, Post};
use crate::message::{Kind, Message, cut};
use crate::template::Words;
use crate::verdict::{Answer, Verdict};

/// See the module.
#[derive(Debug, Clone)]
pub struct Slack {
    /// Where; it is the secret.
    pub url: Secret,
}

impl HttpSink for Slack {
    fn post(&self, message: &Message, words: &Words, _id: &str, _now: Timestamp) -> Post {
        Post::json(&self.url, &body(message, words))
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        answer.usual()
    }
}

fn body(message: &Message, words: &Words) -> Value {
    let mut blocks = vec![
        json!({ "type": "header", "text": {
            "type": "plain_text", "emoji": true,
            "text": cut(&format!("{} {}", mark(message), words.title), 150),
        }}),
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": escaped(&words.text, 3000) } }),
    ];
    for ten in message.facts().chunks(10) {
        let field = |(name, value): &(String, String)| json!({ "type": "mrkdwn", "text": format!("*{}*\n{}", escaped(name, 200), escaped(value, 1700)) });
        blocks.push(
            json!({ "type": "section", "fields": ten.iter().map(field).collect::<Vec<_>>() }),
        );
    }
    let mut foot = format!("{} · {}", message.source, message.key);
    if let Some(runbook) = &message.runbook {
        foot = format!("{foot} · {runbook}");
    }
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": escaped(&foot, 2000) }] }));
    json!({ "text": escaped(&words.title, 3000), "blocks": blocks })
}

fn mark(message: &Message) -> &'static str {
    match (message.kind, message.severity) {
        (Kind::Resolved, _) => ":white_check_mark:",
        (Kind::Test, _) => ":wave:",
        (_, Severity::Critical | Severity::High) => ":red_circle:",
        (_, Severity::Medium) => ":large_orange_circle:",
        (_, Severity::Low | Severity::Info) => ":large_blue_circle:",
    }
}

/// Cut before it is escaped, so that no entity is cut in two; an entity has up to five characters.
fn escaped(text: &str, most: usize) -> String {
    let mut most_of_it = most;
    loop {
        let part = cut(text, most_of_it);
        let text = part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        if text.chars().count() <= most {
            return text;
        }
        most_of_it /= 2;
    }
}
