//! Names that say what their value is.

/// Of a name without `-`, `_` and capitals.
fn is_whole(name: &[u8]) -> bool {
    matches!(
        name,
        b"authorization"
            | b"proxyauthorization"
            | b"cookie"
            | b"setcookie"
            | b"passwd"
            | b"passphrase"
            | b"secret"
            | b"credentials"
            // What people and agents wrote, and what models answered.
            | b"prompt"
            | b"prompts"
            | b"promptbody"
            | b"prompttext"
            | b"systemprompt"
            | b"completion"
            | b"completions"
            | b"messages"
            | b"contents"
            | b"systeminstruction"
            | b"requestbody"
            | b"responsebody"
            | b"toolarguments"
            | b"tooloutput"
    )
}

/// Ends of such names, `OPENAI_API_KEY`, `x-goog-api-key`: of what, and of which.
const ENDS: &[(&str, &[&str])] = &[
    ("key", &["api", "access", "secret", "private", "signing", "routing"]),
    ("token", &["access", "refresh", "id", "auth", "oauth", "api", "bearer", "session"]),
    ("secret", &["client", "webhook"]),
    ("password", &[""]),
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
    let ends = |(what, which): &(&str, &[&str])| {
        let before = plain.strip_suffix(what.as_bytes());
        before.is_some_and(|before| which.iter().any(|which| before.ends_with(which.as_bytes())))
    };
    is_whole(plain) || ENDS.iter().any(ends)
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
