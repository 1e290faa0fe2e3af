//! Octets → text, and text → subject.

use std::{borrow::Cow, net::IpAddr};

use ipnet::IpNet;
use sark_registry::feed::Subject;

use crate::{ParseError, Part};

/// A part without its byte order mark; or why it is no feed of any form.
pub(crate) fn open<'a>(part: &Part<'a>) -> Result<&'a [u8], ParseError> {
    let name = || part.name.to_owned();
    let octets = part.octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(part.octets);
    let start = octets.trim_ascii_start();
    if start.is_empty() {
        return Err(ParseError::Empty { part: name() });
    }
    if start.starts_with(b"<") {
        return Err(ParseError::WebPage { part: name() });
    }
    let packed =
        [(&b"\x1f\x8b"[..], "gzip"), (b"PK\x03\x04", "zip"), (b"\x28\xb5\x2f\xfd", "zstd")];
    if let Some((_, how)) = packed.into_iter().find(|(magic, _)| octets.starts_with(magic)) {
        return Err(ParseError::Compressed { part: name(), how });
    }
    Ok(octets)
}

/// Lines with their numbers from 1, without white space at either end (so without CR). What is not
/// UTF-8 becomes U+FFFD, which no address or name has.
pub(crate) fn lines(octets: &[u8]) -> impl Iterator<Item = (usize, Cow<'_, str>)> {
    let lines = octets.split(|&octet| octet == b'\n').map(<[u8]>::trim_ascii);
    lines.map(String::from_utf8_lossy).enumerate().map(|(at, line)| (at + 1, line))
}

/// Prefix, address or name. A prefix with host bits set is refused: it may mean the address or the
/// network.
pub(crate) fn subject(text: &str) -> Result<Subject, String> {
    let text = text.trim();
    if let Some(prefix) = prefix(text) {
        return prefix.map(Subject::Prefix);
    }
    let name = text.parse().map_err(|error| brief(&format!("{error}")))?;
    Ok(Subject::Name(name))
}

/// Prefix or address; a name is a mistake.
pub(crate) fn address(text: &str) -> Result<Subject, String> {
    let text = text.trim();
    prefix(text)
        .unwrap_or_else(|| Err(format!("{} is not an address or prefix", few(text))))
        .map(Subject::Prefix)
}

/// `None` if it does not look like one.
fn prefix(text: &str) -> Option<Result<IpNet, String>> {
    if text.contains('/') {
        let Ok(net) = text.parse::<IpNet>() else {
            return Some(Err(format!("{} is not a prefix", few(text))));
        };
        let whole = net.trunc();
        return Some(if net == whole {
            Ok(net)
        } else {
            Err(format!("{net} has host bits set: {whole}, or one address?"))
        });
    }
    text.parse::<IpAddr>().ok().map(|address| Ok(IpNet::from(address)))
}

/// Host of a URL, or the text itself if it has no scheme.
pub(crate) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(inner) = host.strip_prefix('[') {
        return inner.split(']').next().unwrap_or_default();
    }
    host.split(':').next().unwrap_or_default()
}

/// The first characters of a text, quoted.
pub(crate) fn few(text: &str) -> String {
    let mut start: String = text.chars().take(24).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("{start:?}")
}

/// A message that may quote the feed, cut.
pub(crate) fn brief(message: &str) -> String {
    const MOST: usize = 120;
    if message.chars().nth(MOST).is_none() {
        return message.to_owned();
    }
    message.chars().take(MOST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects() {
        for (text, expected) in [
            ("192.0.2.0/24", "192.0.2.0/24"),
            (" 192.0.2.1 ", "192.0.2.1/32"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("WWW.Example.com.", "www.example.com"),
            ("*.api.example.com", "*.api.example.com"),
        ] {
            assert_eq!(subject(text).unwrap().to_string(), expected);
        }
        for (text, part) in [
            ("192.0.2.1/24", "host bits set: 192.0.2.0/24"),
            ("192.0.2.0/33", "not a prefix"),
            ("/", "not a prefix"),
            ("300.0.2.1", "address"),
            ("", "missing"),
            ("localhost", "one label"),
            ("a\u{fffd}.example", "not a valid"),
        ] {
            let reason = subject(text).unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
        }
        assert!(address("example.com").is_err());
        assert!(subject(&"x".repeat(100_000)).unwrap_err().len() < 400);
    }

    #[test]
    fn hosts() {
        for (url, expected) in [
            ("https://user@example.com:8443/a?b", "example.com"),
            ("http://[2001:db8::1]:80/", "2001:db8::1"),
            ("example.com/path", "example.com"),
            ("https://", ""),
        ] {
            assert_eq!(host(url), expected);
        }
    }
}
