//! packet → [proxy] → request → decision → audit
//!
//! Heads of requests and answers on their way: what belongs to one connection stays on it (RFC 9110
//! §7.6.1), and what could be read in two ways is refused (RFC 9112 §6.3, §11.2).
//!
//! ```text
//!    head ─ check ─ authority ─ strip ─ … decision … ─ address ─→ head for the next connection
//!             └─ BadHead ─┘
//! ```
//!
//! No I/O, no clock, no panic on octets from outside: `fuzz/` has a target.
//!
//! [proxy]: check

use std::net::Ipv6Addr;

use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Uri, Version};

/// Beside those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 3] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authorization"),
];

/// Why a request is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHead {
    /// Both say where it ends. hyper takes the length out before we see it, and closes after the request;
    /// this is for who reads otherwise.
    #[error("the request has Content-Length and Transfer-Encoding")]
    TwoLengths,
    /// Two that differ, or one that is a list.
    #[error("the request has more than one Content-Length")]
    ManyLengths,
    /// Not chunked alone.
    #[error("the request has a Transfer-Encoding other than chunked")]
    Coding,
    /// Two readers could take it for two things.
    #[error("the request has more than one Content-Type")]
    ManyTypes,
    /// Nobody is named.
    #[error("the request names no host")]
    NoHost,
    /// More than one, or none that can be read.
    #[error("the request names more than one host, or one that is none")]
    ManyHosts,
}

/// Refuses what two readers could read differently. HTTP/2 has lengths of its own.
pub fn check(version: Version, headers: &HeaderMap) -> Result<(), BadHead> {
    if headers.get_all(CONTENT_TYPE).iter().nth(1).is_some() {
        return Err(BadHead::ManyTypes);
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    let is_number =
        |value: &HeaderValue| !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit);
    if lengths.next().is_some() || length.is_some_and(|value| !is_number(value)) {
        return Err(BadHead::ManyLengths);
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if length.is_some() {
            return Err(BadHead::TwoLengths);
        }
        let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
        if !is_chunked || codings.next().is_some() || version != Version::HTTP_11 {
            return Err(BadHead::Coding);
        }
    }
    Ok(())
}

/// The host that the request names: of its URI, or else of `Host`; both, and they agree.
pub fn authority(uri: &Uri, headers: &HeaderMap) -> Result<Authority, BadHead> {
    let mut hosts = headers.get_all(HOST).iter();
    let of_header = match hosts.next() {
        None => None,
        Some(host) => Some(Authority::try_from(host.as_bytes()).map_err(|_| BadHead::ManyHosts)?),
    };
    if hosts.next().is_some() {
        return Err(BadHead::ManyHosts);
    }
    match (uri.authority(), of_header) {
        (None, None) => Err(BadHead::NoHost),
        (None, Some(host)) => Ok(host),
        (Some(authority), None) => Ok(authority.clone()),
        (Some(authority), Some(host)) if *authority == host => Ok(host),
        (Some(_), Some(_)) => Err(BadHead::ManyHosts),
    }
    .and_then(|authority| {
        // A user's name in front is not a host's, and hides one.
        let reads_once = !authority.as_str().contains('@') && is_host(&authority);
        if reads_once { Ok(authority) } else { Err(BadHead::ManyHosts) }
    })
}

/// A name, or an address in brackets, and a port if there is one: `Authority` takes more for one.
fn is_host(authority: &Authority) -> bool {
    let named = authority.host();
    let is_named = match named.strip_prefix('[') {
        Some(rest) => {
            rest.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
        }
        None => !host(authority).is_empty() && !named.contains(['[', ']']),
    };
    let is_number = |port: &str| {
        port.bytes().all(|octet| octet.is_ascii_digit())
            && (port.is_empty() || port.parse::<u16>().is_ok())
    };
    let beside = authority.as_str().strip_prefix(named);
    is_named
        && beside
            .is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(is_number))
}

/// The host of an authority, as names are compared: lower case, no dot at the end, no brackets.
#[must_use]
pub fn host(authority: &Authority) -> String {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// What a field lists. Octets that are no ASCII in one of its parts hide no other.
fn listed(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(name).into_iter();
    values.flat_map(|value| value.as_bytes().split(|octet| *octet == b',')).map(<[u8]>::trim_ascii)
}

/// Takes out what is between two neighbours only. `upgrade` stays if the connection becomes another.
pub fn strip(headers: &mut HeaderMap, upgrades: bool) {
    let named: Vec<HeaderName> = listed(headers, CONNECTION)
        .filter_map(|name| HeaderName::try_from(name).ok())
        .filter(|name| !(upgrades && *name == UPGRADE))
        // Whoever names these would take away what others decide by.
        .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
        .collect();
    let wants_trailers = listed(headers, TE).any(|coding| coding.eq_ignore_ascii_case(b"trailers"));
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    for name in [CONNECTION, TE, TRANSFER_ENCODING, EXPECT] {
        headers.remove(name);
    }
    if wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if upgrades {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    } else {
        headers.remove(UPGRADE);
    }
}

/// Takes the same out of an answer. What it says of its trailers stays.
pub fn strip_answer(headers: &mut HeaderMap, upgrades: bool) {
    let trailers: Vec<HeaderValue> = headers.get_all(TRAILER).iter().cloned().collect();
    strip(headers, upgrades);
    headers.remove(TE);
    headers.remove(TRAILER);
    for trailer in trailers {
        headers.append(TRAILER, trailer);
    }
}

/// Whether the client asks for another protocol on this connection (RFC 9110 §7.8).
#[must_use]
pub fn asks_upgrade(version: Version, headers: &HeaderMap) -> bool {
    version == Version::HTTP_11
        && headers.contains_key(UPGRADE)
        && listed(headers, CONNECTION).any(|name| name.eq_ignore_ascii_case(b"upgrade"))
}

/// A path that is empty in a URI is sent as `/` (RFC 9112 §3.2.1, RFC 9113 §8.3.1).
fn from_root(path: PathAndQuery) -> Result<PathAndQuery, http::Error> {
    match path.as_str() {
        // What it says of an empty one, too.
        "/" => Ok(PathAndQuery::from_static("/")),
        query if query.starts_with('?') => Ok(PathAndQuery::try_from(format!("/{query}"))?),
        _ => Ok(path),
    }
}

/// The URI for a connection of this version, and the `Host` beside it: HTTP/2 has both in one.
pub fn address(
    version: Version,
    scheme: Scheme,
    authority: &Authority,
    path: PathAndQuery,
    headers: &mut HeaderMap,
) -> Result<Uri, http::Error> {
    headers.remove(HOST);
    let path = from_root(path)?;
    if version == Version::HTTP_2 {
        return Uri::builder()
            .scheme(scheme)
            .authority(authority.clone())
            .path_and_query(path)
            .build();
    }
    headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
    Ok(Uri::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        lines.iter().map(pair).collect()
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for (lines, expected) in [
            (&[("content-length", "5")][..], Ok(())),
            (&[("transfer-encoding", "chunked")], Ok(())),
            (&[("transfer-encoding", "Chunked")], Ok(())),
            (
                &[("content-length", "5"), ("transfer-encoding", "chunked")],
                Err(BadHead::TwoLengths),
            ),
            (&[("content-length", "5"), ("content-length", "6")], Err(BadHead::ManyLengths)),
            (&[("content-length", "5"), ("content-length", "5")], Err(BadHead::ManyLengths)),
            (&[("content-length", "5, 5")], Err(BadHead::ManyLengths)),
            (&[("content-length", "+5")], Err(BadHead::ManyLengths)),
            (&[("content-length", "")], Err(BadHead::ManyLengths)),
            (&[("transfer-encoding", "gzip, chunked")], Err(BadHead::Coding)),
            (&[("transfer-encoding", "xchunked")], Err(BadHead::Coding)),
            (
                &[("transfer-encoding", "chunked"), ("transfer-encoding", "identity")],
                Err(BadHead::Coding),
            ),
        ] {
            assert_eq!(check(Version::HTTP_11, &headers(lines)), expected, "{lines:?}");
        }
        let chunked = headers(&[("transfer-encoding", "chunked")]);
        assert_eq!(check(Version::HTTP_10, &chunked), Err(BadHead::Coding));
    }

    #[test]
    fn one_host_is_named() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let named = |text, lines: &[_]| {
            authority(&uri(text), &headers(lines)).map(|authority| host(&authority))
        };
        assert_eq!(named("/", &[("host", "API.Example.:443")]).as_deref(), Ok("api.example"));
        assert_eq!(named("/", &[("host", "[2001:db8::1]:443")]).as_deref(), Ok("2001:db8::1"));
        assert_eq!(named("https://a.example/", &[]).as_deref(), Ok("a.example"));
        assert_eq!(
            named("https://a.example/", &[("host", "A.example")]).as_deref(),
            Ok("a.example")
        );
        assert_eq!(named("/", &[]), Err(BadHead::NoHost));
        assert_eq!(named("https://a.example/", &[("host", "b.example")]), Err(BadHead::ManyHosts));
        assert_eq!(named("/", &[("host", "a"), ("host", "a")]), Err(BadHead::ManyHosts));
        assert_eq!(named("/", &[("host", "a.example@b.example")]), Err(BadHead::ManyHosts));
        assert_eq!(named("/", &[("host", "a b")]), Err(BadHead::ManyHosts));
        for none in [
            "",
            ":443",
            ".",
            ".:443",
            "x[2001:db8::1]",
            "[2001:db8::1]x",
            "[a.example]",
            "[]",
            "a:x",
            "a:65536",
        ] {
            assert_eq!(named("/", &[("host", none)]), Err(BadHead::ManyHosts), "{none}");
        }
    }

    #[test]
    fn what_belongs_to_a_connection_stays_on_it() {
        let mut lines = headers(&[
            ("connection", "close, X-Mine, host, content-length"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "Basic x"),
            ("te", "trailers, deflate"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("host", "a.example"),
            ("content-length", "5"),
            ("accept", "*/*"),
        ]);
        strip(&mut lines, false);
        let left = headers(&[
            ("host", "a.example"),
            ("content-length", "5"),
            ("accept", "*/*"),
            ("te", "trailers"),
        ]);
        assert_eq!(lines, left);

        let mut lines = headers(&[("connection", "Upgrade"), ("upgrade", "websocket")]);
        assert!(asks_upgrade(Version::HTTP_11, &lines));
        strip(&mut lines, true);
        assert_eq!(lines, headers(&[("connection", "upgrade"), ("upgrade", "websocket")]));
    }

    #[test]
    fn octets_beside_a_name_do_not_hide_it() {
        let mut lines = headers(&[("x-mine", "1"), ("x-other", "2")]);
        lines.append(CONNECTION, HeaderValue::from_bytes(b"\xff, X-Mine ,\xb3x-other").unwrap());
        strip(&mut lines, false);
        assert_eq!(lines, headers(&[("x-other", "2")]));
    }

    #[test]
    fn an_answer_keeps_all_that_it_says_of_trailers() {
        let mut lines = HeaderMap::new();
        for (name, value) in [("trailer", "a"), ("trailer", "b"), ("connection", "trailer")] {
            lines.append(name, HeaderValue::from_static(value));
        }
        strip_answer(&mut lines, false);
        let left: Vec<_> = lines.get_all(TRAILER).iter().collect();
        assert_eq!(left, ["a", "b"]);
        assert_eq!(lines.keys_len(), 1);
    }

    #[test]
    fn an_empty_path_is_sent_as_one() {
        let of = |version, target: &str| {
            let uri: Uri = target.parse().unwrap();
            let path = uri.path_and_query().unwrap().clone();
            let authority = uri.authority().unwrap();
            address(version, Scheme::HTTP, authority, path, &mut HeaderMap::new()).unwrap()
        };
        for (target, path) in [
            ("http://a.example", "/"),
            ("http://a.example#x", "/"),
            ("http://a.example?x", "/?x"),
            ("http://a.example/x?y", "/x?y"),
        ] {
            assert_eq!(of(Version::HTTP_11, target).to_string(), path);
            let sent = of(Version::HTTP_2, target);
            assert_eq!(sent.path_and_query().unwrap().as_str(), path);
            assert_eq!(sent.to_string(), format!("http://a.example{path}"));
        }
    }
}
