//! What the first octets are, before any of them is read as TLS.

use crate::error::Refusal;
use crate::iana::record;

/// What a client speaks that does not speak TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// A request line of HTTP/1 (RFC 9112 §3).
    Http,
    /// The preface of HTTP/2 (RFC 9113 §3.4).
    Http2,
    /// An identification string of SSH (RFC 4253 §4.2).
    Ssh,
    /// None of these.
    Other,
}

/// What can be said of the octets so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// It depends on the next one.
    Unclear,
    /// Handshake records.
    Tls,
    Not(Protocol),
    Refused(Refusal),
}

const HTTP2: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SSH: &str = "SSH-";

/// With the space after them: RFC 9110 §9.3, RFC 5789, QUERY, and WebDAV's (RFC 4918, RFC 5323, RFC 3253).
const METHODS: [&str; 20] = [
    "GET ",
    "POST ",
    "HEAD ",
    "PUT ",
    "CONNECT ",
    "OPTIONS ",
    "DELETE ",
    "PATCH ",
    "TRACE ",
    "QUERY ",
    "PROPFIND ",
    "PROPPATCH ",
    "MKCOL ",
    "COPY ",
    "MOVE ",
    "LOCK ",
    "UNLOCK ",
    "SEARCH ",
    "REPORT ",
    "MKACTIVITY ",
];

/// Looks at no more than the longest beginning above.
pub(crate) fn opening(octets: &[u8]) -> Opening {
    match octets {
        [] => Opening::Unclear,
        [first, rest @ ..] if record::TYPES.contains(first) => match rest {
            [] => Opening::Unclear,
            [3, ..] => match *first {
                record::HANDSHAKE => Opening::Tls,
                record::ALERT => Opening::Refused(Refusal::Alert),
                other => Opening::Refused(Refusal::FirstRecord(other)),
            },
            _ => Opening::Not(Protocol::Other),
        },
        [first, rest @ ..] if first & 0x80 != 0 => sslv2(rest),
        _ => text(octets),
    }
}

/// After the first octet of a two-octet record header: length, CLIENT-HELLO, version (RFC 5246 §E.2).
fn sslv2(rest: &[u8]) -> Opening {
    match rest {
        [] | [_] | [_, 1] | [_, 1, 0 | 3] => Opening::Unclear,
        [_, 1, 0, 2, ..] | [_, 1, 3, _, ..] => Opening::Refused(Refusal::Sslv2),
        _ => Opening::Not(Protocol::Other),
    }
}

fn text(octets: &[u8]) -> Opening {
    let mut unclear = false;
    let mut is = |octets: &[u8], whole: &str| {
        unclear |= whole.as_bytes().starts_with(octets);
        octets.starts_with(whole.as_bytes())
    };
    if is(octets, HTTP2) {
        return Opening::Not(Protocol::Http2);
    }
    if is(octets, SSH) {
        return Opening::Not(Protocol::Ssh);
    }
    // A server skips an empty line before the request (RFC 9112 §2.2).
    let line = octets.strip_prefix(b"\r\n").unwrap_or(octets);
    if METHODS.iter().any(|method| is(line, method)) {
        return Opening::Not(Protocol::Http);
    }
    if unclear || octets == b"\r" { Opening::Unclear } else { Opening::Not(Protocol::Other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict, and after how many octets.
    fn verdict(octets: &[u8]) -> (Opening, usize) {
        for end in 0..=octets.len() {
            let opening = opening(&octets[..end]);
            if opening != Opening::Unclear {
                // Nothing that follows changes it.
                assert_eq!(super::opening(octets), opening, "{octets:x?} {end}");
                return (opening, end);
            }
        }
        (Opening::Unclear, octets.len())
    }

    #[test]
    fn protocols() {
        for (octets, protocol, after) in [
            (&b"GET / HTTP/1.1\r\n"[..], Protocol::Http, 4),
            (b"PATCH /v1 HTTP/1.1\r\n", Protocol::Http, 6),
            (b"PROPPATCH /a HTTP/1.1\r\n", Protocol::Http, 10),
            (b"\r\nCONNECT a:443 HTTP/1.1\r\n", Protocol::Http, 10),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0", Protocol::Http2, 24),
            (b"PRI * HTTP/2.0\r\nHost: a\r\n", Protocol::Other, 17),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Protocol::Ssh, 4),
            (b"get / HTTP/1.1\r\n", Protocol::Other, 1),
            (b"GETS / HTTP/1.1\r\n", Protocol::Other, 4),
            (b"\r\n\r\nGET / HTTP/1.1\r\n", Protocol::Other, 3),
            (b"\r\r", Protocol::Other, 2),
            (b"EHLO example\r\n", Protocol::Other, 1),
            (b"HELP", Protocol::Other, 3),
            (b"\x16\xfe\xff\0", Protocol::Other, 2),
            (b"\x15\x02", Protocol::Other, 2),
            (b"\0\0\0\x08\x04\xd2\x16\x2f", Protocol::Other, 1),
            (b"\x80\x2e\x02", Protocol::Other, 3),
            (b"\x80\x2e\x01\x04", Protocol::Other, 4),
            (b"\x80\x2e\x01\0\x03", Protocol::Other, 5),
            (b"\xff\xfb\x18", Protocol::Other, 3),
        ] {
            assert_eq!(
                verdict(octets),
                (Opening::Not(protocol), after),
                "{}",
                octets.escape_ascii()
            );
        }
    }

    #[test]
    fn tls_and_what_is_refused() {
        for (octets, expected, after) in [
            (&b"\x16\x03\x01"[..], Opening::Tls, 2),
            (b"\x16\x03\xff", Opening::Tls, 2),
            (b"\x15\x03\x01\0\x02\x02\x28", Opening::Refused(Refusal::Alert), 2),
            (b"\x14\x03\x03\0\x01\x01", Opening::Refused(Refusal::FirstRecord(20)), 2),
            (b"\x17\x03\x03", Opening::Refused(Refusal::FirstRecord(23)), 2),
            (b"\x80\x2e\x01\0\x02", Opening::Refused(Refusal::Sslv2), 5),
            (b"\xff\x2e\x01\x03\x01", Opening::Refused(Refusal::Sslv2), 5),
            (b"", Opening::Unclear, 0),
            (b"\x16", Opening::Unclear, 1),
            (b"\x80\x2e\x01\x03", Opening::Unclear, 4),
            (b"PRI * HT", Opening::Unclear, 8),
            (b"\r\nDELET", Opening::Unclear, 7),
            (b"P", Opening::Unclear, 1),
        ] {
            assert_eq!(verdict(octets), (expected, after), "{}", octets.escape_ascii());
        }
    }
}
