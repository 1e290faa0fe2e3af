//! A line of a local file: JSON, as of the webhook.

use serde_json::json;

use crate::message::Message;
use crate::template::Words;

/// One line with its end.
#[must_use]
pub fn json_line(message: &Message, words: &Words, id: &str) -> Vec<u8> {
    let line = json!({ "id": id, "title": words.title, "text": words.text, "alert": message });
    format!("{line}\n").into_bytes()
}
