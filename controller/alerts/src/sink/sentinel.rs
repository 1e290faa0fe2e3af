//! Microsoft Sentinel by the Logs Ingestion API (learn.microsoft.com, "Logs Ingestion API in Azure
//! Monitor", version 2023-01-01): a JSON array of at most 1 MB to a stream of a data collection rule,
//! with a token of Entra's client credentials flow.

use jiff::Timestamp;
use sark_core::secret::Secret;
use serde::Deserialize;
use serde_json::json;

use super::Post;
use crate::message::Message;
use crate::template::Words;
use crate::verdict::{Answer, Verdict};

/// See the module.
#[derive(Debug, Clone)]
pub struct Sentinel {
    /// `https://<dce>.ingest.monitor.azure.com`.
    pub endpoint: Secret,
    /// Immutable id of the rule: `dcr-…`.
    pub rule: String,
    /// `Custom-SarkAlerts_CL`.
    pub stream: String,
    /// `https://login.microsoftonline.com`.
    pub authority: String,
    /// Tenant.
    pub tenant: String,
    /// Application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
}

/// A bearer token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub token: Secret,
    /// It is not used from then on.
    pub until: Timestamp,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u32,
}

impl Sentinel {
    /// The question for a token.
    #[must_use]
    pub fn ask_token(&self) -> Post {
        let authority = self.authority.trim_end_matches('/');
        let url = format!("{authority}/{}/oauth2/v2.0/token", escaped(&self.tenant));
        let body = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
            escaped(&self.client_id),
            escaped(self.client_secret.reveal()),
            escaped("https://monitor.azure.com/.default"),
        );
        let form = "application/x-www-form-urlencoded".to_owned();
        let headers = vec![("content-type".to_owned(), Secret::new(form))];
        Post { url: Secret::new(url), headers, body: body.into_bytes() }
    }

    /// The answer to it. What is said of a failure has no secret: Entra repeats none.
    pub fn token(answer: &Answer<'_>) -> Result<Token, Verdict> {
        match answer.usual() {
            Verdict::Delivered { .. } => {}
            Verdict::Retry { after, why } => {
                return Err(Verdict::Retry { after, why: format!("token: {why}") });
            }
            Verdict::Dead { why } => return Err(Verdict::Dead { why: format!("token: {why}") }),
        }
        let granted: Granted = serde_json::from_slice(answer.body)
            .map_err(|_| Verdict::Dead { why: "token: the answer is none".to_owned() })?;
        // Two minutes early: it travels, and clocks differ.
        let lasts = i64::from(granted.expires_in.saturating_sub(120));
        let until = answer.now + jiff::SignedDuration::from_secs(lasts);
        Ok(Token { token: Secret::new(granted.access_token), until })
    }

    /// What is sent.
    #[must_use]
    pub fn post(&self, message: &Message, words: &Words, id: &str, token: &Token) -> Post {
        let url = format!(
            "{}/dataCollectionRules/{}/streams/{}?api-version=2023-01-01",
            self.endpoint.reveal().trim_end_matches('/'),
            escaped(&self.rule),
            escaped(&self.stream),
        );
        let row = json!([{
            "TimeGenerated": message.at, "AlertId": id, "AlertKey": message.key,
            "Kind": message.kind, "Severity": message.severity, "Title": words.title,
            "Text": words.text, "EventName": message.event, "Actor": message.actor,
            "Count": message.count, "Source": message.source, "FirstSeen": message.first_at,
            "Runbook": message.runbook, "Facts": message.facts, "About": message.about,
            "Evidence": message.evidence,
        }]);
        Post::json(&Secret::new(url), &row)
            .with("authorization", format!("Bearer {}", token.token.reveal()))
    }

    /// What the answer means. A 401 with a token that was thought good is for another token.
    #[must_use]
    pub fn judge(&self, answer: &Answer<'_>) -> Verdict {
        match answer.status {
            401 => answer.later(),
            _ => answer.usual(),
        }
    }
}

/// Percent-encoded but for RFC 3986's unreserved characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
