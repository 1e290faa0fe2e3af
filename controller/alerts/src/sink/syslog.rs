//! Syslog (RFC 5424) in frames with counted octets (RFC 5425 section 4.3, RFC 6587 section 3.4.1).

use jiff::Timestamp;
use sark_core::decision::Severity;

use crate::message::Message;
use crate::template::Words;

/// Number of the SD-ID: the one reserved for documentation (RFC 5612), until there is one of ours.
const ENTERPRISE: u32 = 32473;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syslog {
    /// 0 to 23; 13 is log audit, 16 to 23 are local0 to local7.
    pub facility: u8,
}

impl Syslog {
    /// One frame.
    #[must_use]
    pub fn frame(&self, message: &Message, words: &Words, id: &str) -> Vec<u8> {
        let mut data = format!("[sark@{ENTERPRISE}");
        let mut param = |name: &str, value: &str| {
            data.push_str(&format!(" {}=\"{}\"", name_of(name), value_of(value)));
        };
        param("id", id);
        param("key", &message.key);
        param("kind", message.kind.as_str());
        param("severity", message.severity.as_str());
        param("actor", &message.actor);
        param("count", &message.count.to_string());
        param("sequence", &message.sequence.to_string());
        for (name, value) in message.facts() {
            param(&format!("fact.{name}"), &value);
        }
        data.push(']');
        // MSG-UTF8 begins with a byte order mark (section 6.4).
        let text = format!("\u{feff}{} {}", words.title, words.text);
        self.framed(message, &data, &text)
    }

    /// A frame of this structured data and text.
    pub(super) fn framed(&self, message: &Message, data: &str, text: &str) -> Vec<u8> {
        let pri = u32::from(self.facility) * 8 + severity(message);
        let host = printable(&message.source, 255);
        let id = printable(&message.event, 32);
        let line = format!("<{pri}>1 {} {host} sarkd - {id} {data} {text}", stamp(message.at));
        let mut frame = format!("{} ", line.len()).into_bytes();
        frame.extend_from_slice(line.as_bytes());
        frame
    }
}

/// RFC 5424 section 6.2.3 allows six digits of a second.
fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// RFC 5424 section 6.2.1.
fn severity(message: &Message) -> u32 {
    match (message.is_resolved(), message.severity) {
        (true, _) | (false, Severity::Low) => 5,
        (_, Severity::Info) => 6,
        (_, Severity::Medium) => 4,
        (_, Severity::High) => 3,
        (_, Severity::Critical) => 2,
    }
}

/// PRINTUSASCII, `-` if nothing is left.
fn printable(text: &str, most: usize) -> String {
    let text: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

/// SD-NAME: at most 32, without `=`, `]` and `"`.
fn name_of(text: &str) -> String {
    let fits = |c: &char| c.is_ascii_graphic() && !matches!(c, '=' | ']' | '"');
    printable(&text.chars().filter(fits).collect::<String>(), 32)
}

/// PARAM-VALUE: `"`, `\` and `]` are escaped (section 6.3.3).
fn value_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\\' | ']') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
