//! What of a request nobody may see: not in a record, not in a log.

use std::borrow::Cow;

use http::HeaderName;

use crate::percent::decode;

/// Headers that are or carry a key, a token or a session, of requests and of answers.
const HEADERS: [&str; 21] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-goog-iam-authorization-token",
    "x-amz-security-token",
    "x-auth-token",
    "x-access-token",
    "x-token",
    "x-openai-api-key",
    "ocp-apim-subscription-key",
    "cf-aig-authorization",
    "cf-access-client-secret",
    "x-csrf-token",
    "cookie",
    "set-cookie",
    // A session of MCP can be taken over by who knows it.
    "mcp-session-id",
    // A browser's key for OpenAI's realtime API.
    "sec-websocket-protocol",
    "www-authenticate",
    "proxy-authenticate",
];

/// Parameters of a query.
const PARAMETERS: [&str; 12] = [
    "key",
    "api_key",
    "api-key",
    "apikey",
    "access_token",
    "token",
    "sig",
    "signature",
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
    "sessionid",
];

/// Whether a header may carry a credential. Those that are named like one count as well.
#[must_use]
pub fn is_credential(name: &HeaderName) -> bool {
    let name = name.as_str();
    let ends = ["-api-key", "-secret", "-token", "-password", "-authorization"];
    HEADERS.contains(&name) || ends.iter().any(|end| name.ends_with(end))
}

/// Path and query with the values of parameters that are credentials replaced.
#[must_use]
pub fn redacted(path: &str) -> Cow<'_, str> {
    let Some((before, query)) = path.split_once('?') else { return Cow::Borrowed(path) };
    let is_secret = |pair: &str| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        PARAMETERS.contains(&decode(name).to_ascii_lowercase().as_str())
    };
    if !query.split('&').any(is_secret) {
        return Cow::Borrowed(path);
    }
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(pair) => Cow::Owned(format!("{name}=redacted")),
        _ => Cow::Borrowed(pair),
    });
    let pairs: Vec<_> = pairs.collect();
    Cow::Owned(format!("{before}?{}", pairs.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_parameters() {
        for (name, is_it) in [
            ("authorization", true),
            ("x-goog-api-key", true),
            ("x-acme-api-key", true),
            ("x-vendor-token", true),
            ("user-agent", false),
            ("anthropic-version", false),
            ("x-ratelimit-remaining-tokens", false),
        ] {
            assert_eq!(is_credential(&HeaderName::from_static(name)), is_it, "{name}");
        }
        for (path, expected) in [
            ("/v1/models", "/v1/models"),
            ("/v1/m:g?alt=sse", "/v1/m:g?alt=sse"),
            ("/v1/m:g?alt=sse&key=AIza&x=1", "/v1/m:g?alt=sse&key=redacted&x=1"),
            ("/?K%65y=a=b", "/?K%65y=redacted"),
            ("/?api_key", "/?api_key"),
        ] {
            assert_eq!(redacted(path), expected);
        }
    }
}
