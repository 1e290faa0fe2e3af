//! A generic webhook, signed as Standard Webhooks says
//! (github.com/standard-webhooks/standard-webhooks, spec 1.0.0).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sark_core::secret::Secret;
use serde_json::json;
use sha2::Sha256;

use super::{HttpSink, Post};
use crate::message::Message;
use crate::template::Words;
use crate::verdict::{Answer, Verdict};

/// Shortest and longest key, in octets, as the specification wants it.
const KEY: std::ops::RangeInclusive<usize> = 24..=64;

/// A key that messages are signed with.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

/// A key that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Another form.
    #[error("a signing key is written whsec_ and then base64")]
    Form,
    /// Too short or too long.
    #[error("a signing key has 24 to 64 octets")]
    Length,
}

impl SigningKey {
    /// Of `whsec_<base64>`.
    pub fn parse(secret: &Secret) -> Result<Self, KeyError> {
        let text = secret.reveal().strip_prefix("whsec_").ok_or(KeyError::Form)?;
        let octets = STANDARD.decode(text).map_err(|_| KeyError::Form)?;
        if KEY.contains(&octets.len()) { Ok(Self(octets)) } else { Err(KeyError::Length) }
    }

    fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Where.
    pub url: Secret,
    /// Signs with all of them, so that a receiver can change its key in peace.
    pub keys: Vec<SigningKey>,
    /// More headers.
    pub headers: Vec<(String, Secret)>,
}

impl HttpSink for Webhook {
    fn post(&self, message: &Message, words: &Words, id: &str, now: Timestamp) -> Post {
        let body = json!({
            "type": format!("alert.{}", message.kind.as_str()),
            "timestamp": message.at,
            "data": { "title": words.title, "text": words.text, "alert": message },
        });
        let mut post = Post::json(&self.url, &body);
        post.headers.extend(self.headers.iter().cloned());
        let seconds = now.as_second();
        let signatures: Vec<_> =
            self.keys.iter().map(|key| key.sign(id, seconds, &post.body)).collect();
        let post = post.with("webhook-id", id).with("webhook-timestamp", seconds.to_string());
        if signatures.is_empty() {
            return post;
        }
        post.with("webhook-signature", signatures.join(" "))
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        match answer.status {
            // It may be under way by an earlier attempt.
            409 => answer.later(),
            410 => Verdict::Dead {
                why: format!("{}: the receiver wants no more of these", answer.told()),
            },
            _ => answer.usual(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference implementations.
    #[test]
    fn the_signature_is_the_specifications() {
        let key = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
        let key = SigningKey::parse(&key).unwrap();
        let signature =
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn keys() {
        let parse = |text: &str| SigningKey::parse(&Secret::new(text.into())).map(|_| ());
        assert_eq!(parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Err(KeyError::Form));
        assert_eq!(parse("whsec_!"), Err(KeyError::Form));
        assert_eq!(parse("whsec_c2hvcnQ="), Err(KeyError::Length));
    }
}
