//! Names that say what their value is.

/// Without `-`, `_` and capitals.
const WHOLE: &[&str] = &[
    "authorization",
    "proxyauthorization",
    "cookie",
    "setcookie",
    "passwd",
    "passphrase",
    "secret",
    "credentials",
    // What people and agents wrote, and what models answered.
    "prompt",
    "prompts",
    "promptbody",
    "prompttext",
    "systemprompt",
    "completion",
    "completions",
    "messages",
    "contents",
    "systeminstruction",
    "requestbody",
    "responsebody",
    "toolarguments",
    "tooloutput",
];

/// Ends of such names: `OPENAI_API_KEY`, `x-goog-api-key`.
const ENDS: &[&str] = &[
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "signingkey",
    "routingkey",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "authtoken",
    "oauthtoken",
    "apitoken",
    "bearertoken",
    "sessiontoken",
    "clientsecret",
    "webhooksecret",
    "password",
];

/// Longer ones are no names.
const LONGEST: usize = 64;

/// Whether the value of what has this name is left out.
pub(super) fn is_secret(name: &str) -> bool {
    if name.len() > LONGEST || name.len() < 6 {
        return false;
    }
    let mut plain = [0_u8; LONGEST];
    let mut length = 0;
    for octet in name.bytes().filter(|octet| !matches!(octet, b'-' | b'_')) {
        if let Some(place) = plain.get_mut(length) {
            *place = octet.to_ascii_lowercase();
            length += 1;
        }
    }
    let plain = plain.get(..length).unwrap_or_default();
    WHOLE.iter().any(|whole| whole.as_bytes() == plain)
        || ENDS.iter().any(|end| plain.ends_with(end.as_bytes()))
}

/// A reference to a secret is none, and nothing is nothing.
pub(super) fn is_harmless(value: &str) -> bool {
    value.is_empty()
        || value.starts_with("file:/")
        || value.starts_with("[redacted:")
        || value.strip_prefix("env:").is_some_and(|name| {
            name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_')
        })
}
