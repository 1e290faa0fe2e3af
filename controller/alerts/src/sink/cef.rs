//! ArcSight Common Event Format, version 0 (Micro Focus, "Implementing ArcSight Common Event Format",
//! revision 25), as the text of a syslog frame: `|` and `\` are escaped in the header, `=`, `\` and
//! line ends in the extension.

use sark_core::decision::Severity;

use super::Syslog;
use crate::message::{Message, cut};
use crate::template::Words;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cef {
    /// The frame around it.
    pub syslog: Syslog,
    /// Version of the product that tells it.
    pub version: String,
}

impl Cef {
    /// One frame.
    #[must_use]
    pub fn frame(&self, message: &Message, words: &Words, id: &str) -> Vec<u8> {
        self.syslog.framed(message, "-", &self.line(message, words, id))
    }

    /// The line within.
    #[must_use]
    pub fn line(&self, message: &Message, words: &Words, id: &str) -> String {
        let head = [
            "SARK".to_owned(),
            "sarkd".to_owned(),
            self.version.clone(),
            message.event.clone(),
            cut(&words.title, 512),
            severity(message.severity).to_string(),
        ];
        let head: Vec<_> = head.iter().map(|text| header(text)).collect();
        let mut pairs = vec![
            ("rt", message.at.as_millisecond().to_string()),
            ("start", message.first_at.as_millisecond().to_string()),
            ("externalId", id.to_owned()),
            ("dvchost", message.source.clone()),
            ("act", message.kind.as_str().to_owned()),
            ("cnt", message.count.to_string()),
            ("msg", cut(&words.text, 1023)),
            ("cs1", message.key.clone()),
            ("cs1Label", "alertKey".to_owned()),
        ];
        let about = &message.about;
        if let Some(flow) = about.flow {
            pairs.extend([
                ("src", flow.source.ip().to_string()),
                ("spt", flow.source.port().to_string()),
                ("dst", flow.destination.ip().to_string()),
                ("dpt", flow.destination.port().to_string()),
            ]);
        }
        pairs.extend(about.host.clone().map(|host| ("dhost", host)));
        pairs.extend(about.process.clone().map(|process| ("dproc", process)));
        pairs.extend(about.user.clone().map(|user| ("suser", user)));
        let facts: Vec<_> =
            message.facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        if !facts.is_empty() {
            pairs.extend([("cs2", cut(&facts.join("; "), 4000)), ("cs2Label", "facts".to_owned())]);
        }
        let pairs: Vec<_> =
            pairs.iter().map(|(key, value)| format!("{key}={}", extension(value))).collect();
        format!("CEF:0|{}|{}", head.join("|"), pairs.join(" "))
    }
}

fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 3,
        Severity::Medium => 5,
        Severity::High => 8,
        Severity::Critical => 10,
    }
}

fn header(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\r', '\n'], " ")
}

fn extension(text: &str) -> String {
    text.replace('\\', "\\\\").replace('=', "\\=").replace('\r', "\\r").replace('\n', "\\n")
}
