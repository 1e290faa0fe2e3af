//! The name in server_name (RFC 6066 §3).

use std::net::Ipv6Addr;

/// Why octets are no host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No octets.
    #[error("it is empty")]
    Empty,
    /// More than 253.
    #[error("it has {0} octets")]
    Long(usize),
    /// A NUL: what ends there for one reader goes on for another.
    #[error("it has a NUL")]
    Nul,
    /// Names beyond ASCII are sent as A-labels.
    #[error("it is not ASCII")]
    NotAscii,
    /// Not a letter, digit, hyphen, underscore or dot.
    #[error("it has octet {0:#04x}")]
    Octet(u8),
    /// The RFC wants the name without its root.
    #[error("it ends in a dot")]
    TrailingDot,
    /// Empty, or longer than 63 octets.
    #[error("it has a label of {0} octets")]
    Label(usize),
    /// An address, or what some readers take for one: a last label that is a number.
    #[error("it is an IP address")]
    Address,
}

/// The name in lower case. A-labels stay as they are. Underscores pass: they are in use.
pub(crate) fn host_name(octets: &[u8]) -> Result<Box<str>, NameError> {
    if octets.is_empty() {
        return Err(NameError::Empty);
    }
    if octets.contains(&0) {
        return Err(NameError::Nul);
    }
    let text = std::str::from_utf8(octets).ok().filter(|text| text.is_ascii());
    let text = text.ok_or(NameError::NotAscii)?;
    if is_ipv6(text) {
        return Err(NameError::Address);
    }
    let is_odd = |octet: &u8| !(octet.is_ascii_alphanumeric() || b"-_.".contains(octet));
    if let Some(&octet) = octets.iter().find(|octet| is_odd(octet)) {
        return Err(NameError::Octet(octet));
    }
    if text.ends_with('.') {
        return Err(NameError::TrailingDot);
    }
    if octets.len() > 253 {
        return Err(NameError::Long(octets.len()));
    }
    let mut last = "";
    for label in text.split('.') {
        if label.is_empty() || label.len() > 63 {
            return Err(NameError::Label(label.len()));
        }
        last = label;
    }
    if is_number(last) {
        return Err(NameError::Address);
    }
    Ok(text.to_ascii_lowercase().into_boxed_str())
}

fn is_ipv6(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = inner.split_once('%').map_or(inner, |(address, _zone)| address);
    address.parse::<Ipv6Addr>().is_ok()
}

/// In any of the ways in which old resolvers read numbers; no top-level domain is one.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    hex.map_or_else(
        || label.bytes().all(|octet| octet.is_ascii_digit()),
        |hex| hex.bytes().all(|octet| octet.is_ascii_hexdigit()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (given, name) in [
            ("api.openai.com", "api.openai.com"),
            ("API.OpenAI.Com", "api.openai.com"),
            ("localhost", "localhost"),
            ("xn--Bcher-kva.example", "xn--bcher-kva.example"),
            ("_dmarc.a_b.example", "_dmarc.a_b.example"),
            ("r3---sn-4g5e6nz7.example", "r3---sn-4g5e6nz7.example"),
            ("1e100.net", "1e100.net"),
            ("10.0.0.1.example", "10.0.0.1.example"),
            ("0xample", "0xample"),
        ] {
            assert_eq!(host_name(given.as_bytes()).as_deref(), Ok(name));
        }
    }

    #[test]
    fn not_names() {
        let label = "a".repeat(64);
        let long = "abc.".repeat(63) + "ab";
        for (given, error) in [
            ("", NameError::Empty),
            ("api.openai.com\0.evil.example", NameError::Nul),
            ("bücher.example", NameError::NotAscii),
            ("a b", NameError::Octet(b' ')),
            ("a/b", NameError::Octet(b'/')),
            ("*.example", NameError::Octet(b'*')),
            ("example:443", NameError::Octet(b':')),
            ("user@example", NameError::Octet(b'@')),
            ("example.com.", NameError::TrailingDot),
            (".", NameError::TrailingDot),
            (".example", NameError::Label(0)),
            ("a..example", NameError::Label(0)),
            (label.as_str(), NameError::Label(64)),
            (long.as_str(), NameError::Long(254)),
            ("10.0.0.1", NameError::Address),
            ("10.1", NameError::Address),
            ("2130706433", NameError::Address),
            ("0x7f.0x1", NameError::Address),
            ("example.0X", NameError::Address),
            ("::1", NameError::Address),
            ("[2001:db8::1]", NameError::Address),
            ("fe80::1%eth0", NameError::Address),
            ("::ffff:192.0.2.1", NameError::Address),
        ] {
            assert_eq!(host_name(given.as_bytes()), Err(error), "{given}");
        }
        assert_eq!(host_name(&[0xff, 0xfe]), Err(NameError::NotAscii));
        assert!(host_name(&long.as_bytes()[1..]).is_ok());
    }
}
