//! What each kind of receiver is sent, as octets, and what its answers mean. Sources are the
//! vendors' own pages, named in each file.

mod cef;
mod elastic;
mod file;
mod pagerduty;
mod sentinel;
mod slack;
mod splunk;
mod syslog;
mod teams;
mod webhook;

use jiff::Timestamp;
use sark_core::secret::Secret;

use crate::message::Message;
use crate::template::Words;
use crate::verdict::{Answer, Verdict};

pub use cef::Cef;
pub use elastic::{Elastic, ElasticLogin};
pub use file::json_line;
pub use pagerduty::PagerDuty;
pub use sentinel::{Sentinel, Token};
pub use slack::Slack;
pub use splunk::{Acknowledged, Splunk};
pub use syslog::Syslog;
pub use teams::Teams;
pub use webhook::{KeyError, SigningKey, Webhook};

/// One HTTP `POST`.
#[derive(Debug, Clone)]
pub struct Post {
    /// Where: it may be a secret.
    pub url: Secret,
    /// Names and values: some are secrets.
    pub headers: Vec<(String, Secret)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Post {
    pub(crate) fn json(url: &Secret, body: &serde_json::Value) -> Self {
        let json = ("content-type".to_owned(), Secret::new("application/json".to_owned()));
        Self { url: url.clone(), headers: vec![json], body: body.to_string().into_bytes() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), Secret::new(value.into())));
        self
    }
}

/// A receiver that is told by one `POST`.
pub trait HttpSink: Send + Sync {
    /// What is sent. `id` is the idempotency key of the delivery.
    fn post(&self, message: &Message, words: &Words, id: &str, now: Timestamp) -> Post;

    /// What the answer means.
    fn judge(&self, answer: &Answer<'_>) -> Verdict;
}

/// Drops facts, the last first, until it fits.
fn fitting(
    facts: &[(String, String)],
    most: usize,
    build: impl Fn(&[(String, String)]) -> serde_json::Value,
) -> serde_json::Value {
    let mut many = facts.len();
    loop {
        let value = build(&facts[..many]);
        if many == 0 || value.to_string().len() <= most {
            return value;
        }
        many -= 1;
    }
}

#[cfg(test)]
pub(crate) mod tests;
