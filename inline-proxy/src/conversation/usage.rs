//! Asking a server how many tokens a stream takes, where it does not say so by itself.

use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sark_detect::{UsageAsked, ask_for_usage};

use super::Conversation;
use super::ask::Read;
use crate::answers::Usage;
use crate::body::Outgoing;

/// Headers by which somebody vouches for the body: RFC 9530, its forerunners, RFC 9421, AWS.
const VOUCH: [&str; 7] = [
    "content-digest",
    "repr-digest",
    "digest",
    "content-md5",
    "signature",
    "x-amz-content-sha256",
    "x-amz-security-token",
];

impl Conversation {
    /// The body that asks, if the answer would not say its usage otherwise and the body may be changed.
    pub(super) fn asking(
        &self,
        headers: &HeaderMap,
        body: &Outgoing,
        read: &mut Read,
    ) -> Option<Bytes> {
        let asked = read.asked.as_mut().filter(|asked| asked.usage == UsageAsked::Missing)?;
        let may = self.proxy.answers.usage == Usage::Ask && !is_vouched_for(headers);
        let octets = read.opened.as_deref().unwrap_or(body.octets());
        let asking = may.then(|| ask_for_usage(octets)).flatten();
        if asking.is_none() {
            // What comes is what the client asked for.
            asked.usage = UsageAsked::Always;
        }
        asking.map(Bytes::from)
    }
}

/// Whether a changed body would not be believed.
pub(super) fn is_vouched_for(headers: &HeaderMap) -> bool {
    let by_aws = headers.get_all(AUTHORIZATION).iter().any(|value| {
        let scheme = value.as_bytes().get(..4).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"AWS4")
    });
    by_aws || VOUCH.iter().any(|name| headers.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_somebody_vouches_for_stays() {
        for (name, value, expected) in [
            ("authorization", "Bearer sk-1", false),
            ("authorization", "AWS4-HMAC-SHA256 Credential=x", true),
            ("authorization", "AWS4-ECDSA-P256-SHA256 Credential=x", true),
            ("content-digest", "sha-256=:x:", true),
            ("content-type", "application/json", false),
        ] {
            let headers = [(name.parse().unwrap(), value.parse().unwrap())].into_iter().collect();
            assert_eq!(is_vouched_for(&headers), expected, "{name}: {value}");
        }
    }
}
