//! A head that hyper would have read: what is let through has one reading, what belongs to the connection
//! is gone and nothing else is, and what is sent on is read as what was decided on. The first octet
//! chooses the versions, and what the connection becomes.
#![no_main]

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, Version};
use libfuzzer_sys::fuzz_target;

/// Beside those that `Connection` names.
const OF_CONNECTION: [&str; 5] =
    ["keep-alive", "proxy-connection", "proxy-authorization", "transfer-encoding", "expect"];

fuzz_target!(|input: &[u8]| {
    let Some((&choice, octets)) = input.split_first() else { return };
    let mut lines = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut lines);
    if !matches!(request.parse(octets), Ok(httparse::Status::Complete(_))) {
        return;
    }
    let Some(Ok(uri)) = request.path.map(Uri::try_from) else { return };
    let version = match request.version {
        _ if choice & 1 != 0 => Version::HTTP_2,
        Some(0) => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    let mut headers = HeaderMap::new();
    for line in &*request.headers {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line.value)) else { return };
        headers.append(name, value);
    }

    let upgrades = choice & 2 != 0 && sark_head::asks_upgrade(version, &headers);
    assert!(!upgrades || headers.contains_key(UPGRADE));
    let stripped = strip(&headers, upgrades);
    strip_answer(&headers, upgrades);

    if sark_head::check(version, &headers).is_err() {
        return;
    }
    has_one_length(version, request.headers);
    let Ok(authority) = sark_head::authority(&uri, &headers) else { return };
    names_one_host(&uri, request.headers, &authority);
    let onward = if choice & 4 != 0 { Version::HTTP_2 } else { Version::HTTP_11 };
    sent_on(onward, &uri, &authority, stripped);
});

fn values<'l>(lines: &[httparse::Header<'l>], name: &HeaderName) -> Vec<&'l [u8]> {
    let named = lines.iter().filter(|line| line.name.eq_ignore_ascii_case(name.as_str()));
    named.map(|line| line.value).collect()
}

/// By the lines as they came.
fn has_one_length(version: Version, lines: &[httparse::Header<'_>]) {
    let lengths = values(lines, &CONTENT_LENGTH);
    let codings = values(lines, &http::header::TRANSFER_ENCODING);
    assert!(lengths.len() + codings.len() <= 1);
    assert!(lengths.iter().all(|length| length.iter().all(u8::is_ascii_digit)));
    assert!(lengths.iter().all(|length| !length.is_empty()));
    assert!(codings.iter().all(|coding| coding.eq_ignore_ascii_case(b"chunked")));
    assert!(codings.is_empty() || version == Version::HTTP_11);
    assert!(values(lines, &http::header::CONTENT_TYPE).len() <= 1);
}

fn names_one_host(uri: &Uri, lines: &[httparse::Header<'_>], authority: &Authority) {
    let hosts = values(lines, &HOST);
    let of_uri = uri.authority().map(|authority| authority.as_str().as_bytes());
    assert!(hosts.len() <= 1 && (hosts.len() == 1 || of_uri.is_some()));
    for named in hosts.into_iter().chain(of_uri) {
        assert!(named.eq_ignore_ascii_case(authority.as_str().as_bytes()));
        assert!(!named.contains(&b'@'));
    }
    let host = sark_head::host(authority);
    assert!(!host.is_empty() && !host.contains(['[', ']', '/', '@', ' ']));
    assert_eq!(host, host.to_ascii_lowercase());
    // Nothing is beside it but a port.
    let whole = authority.as_str();
    let (before, port) = match whole.rsplit_once(':') {
        Some((before, port)) if !port.contains(']') => (before, port),
        _ => (whole, ""),
    };
    assert!(port.is_empty() || (port.parse::<u16>().is_ok() && !port.starts_with('+')));
    if let Some(address) = before.strip_prefix('[') {
        assert_eq!(address.strip_suffix(']').map(str::to_ascii_lowercase), Some(host));
    } else {
        assert!(!before.contains(':'));
        assert_eq!(before.strip_suffix('.').unwrap_or(before).to_ascii_lowercase(), host);
    }
}

/// The names that `Connection` has, those apart without which a request is another.
fn named(headers: &HeaderMap, upgrades: bool) -> Vec<HeaderName> {
    let parts = headers.get_all(CONNECTION).iter().flat_map(|value| {
        let parts = value.as_bytes().split(|octet| *octet == b',');
        parts.filter_map(|part| HeaderName::from_bytes(part.trim_ascii()).ok())
    });
    let kept = |name: &HeaderName| {
        [HOST, CONTENT_LENGTH, TE, CONNECTION].contains(name) || (upgrades && *name == UPGRADE)
    };
    parts.filter(|name| !kept(name)).collect()
}

fn strip(before: &HeaderMap, upgrades: bool) -> HeaderMap {
    let mut headers = before.clone();
    sark_head::strip(&mut headers, upgrades);
    let named = named(before, upgrades);
    assert!(named.iter().all(|name| !headers.contains_key(name)), "{before:?} {headers:?}");
    assert!(OF_CONNECTION.iter().all(|name| !headers.contains_key(*name)));
    let connection: Vec<_> = headers.get_all(CONNECTION).iter().collect();
    if upgrades {
        assert_eq!(connection, ["upgrade"]);
    } else {
        assert!(connection.is_empty() && !headers.contains_key(UPGRADE));
    }
    let te: Vec<_> = headers.get_all(TE).iter().collect();
    assert!(te.is_empty() || te == ["trailers"]);
    // All else is there as it was.
    let gone = |name: &HeaderName| {
        [CONNECTION, TE].contains(name)
            || (!upgrades && *name == UPGRADE)
            || OF_CONNECTION.contains(&name.as_str())
            || named.contains(name)
    };
    for name in before.keys().filter(|name| !gone(name)) {
        assert!(before.get_all(name) == headers.get_all(name), "{name}");
    }
    assert!(
        headers.keys().all(|name| [CONNECTION, TE].contains(name) || before.contains_key(name))
    );
    let mut again = headers.clone();
    sark_head::strip(&mut again, upgrades);
    assert_eq!(again, headers);
    headers
}

fn strip_answer(before: &HeaderMap, upgrades: bool) {
    let mut headers = before.clone();
    sark_head::strip_answer(&mut headers, upgrades);
    let mut as_request = before.clone();
    sark_head::strip(&mut as_request, upgrades);
    as_request.remove(TE);
    assert!(before.get_all(TRAILER) == headers.get_all(TRAILER));
    let mut again = headers.clone();
    sark_head::strip_answer(&mut again, upgrades);
    assert_eq!(again, headers);
    headers.remove(TRAILER);
    as_request.remove(TRAILER);
    assert_eq!(headers, as_request);
}

/// Whoever reads it next reads the same host and path.
fn sent_on(version: Version, uri: &Uri, authority: &Authority, mut headers: HeaderMap) {
    let slash = PathAndQuery::from_static("/");
    let path = uri.path_and_query().cloned().unwrap_or(slash);
    let root = if path.as_str().starts_with('?') { "/" } else { "" };
    let of_path = format!("{root}{}", path.as_str());
    let sent = sark_head::address(version, Scheme::HTTPS, authority, path, &mut headers);
    let Ok(sent) = sent else {
        assert!(version == Version::HTTP_2, "{authority} {of_path}");
        return;
    };
    assert_eq!(sark_head::authority(&sent, &headers).as_ref(), Ok(authority));
    assert_eq!(sent.path_and_query().map(PathAndQuery::as_str), Some(of_path.as_str()));
    assert!(of_path.starts_with('/') || of_path == "*");
    assert_eq!(sark_head::check(version, &headers), Ok(()));
    if version == Version::HTTP_2 {
        assert!(!headers.contains_key(HOST));
        return;
    }
    // As octets.
    let mut octets = format!("GET {sent} HTTP/1.1\r\n").into_bytes();
    for (name, value) in &headers {
        octets.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    octets.extend(b"\r\n");
    let mut lines = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut lines);
    let read = request.parse(&octets);
    assert_eq!(read, Ok(httparse::Status::Complete(octets.len())));
    assert_eq!(request.path, Some(of_path.as_str()));
    assert_eq!(values(request.headers, &HOST), [authority.as_str().as_bytes()]);
    assert_eq!(request.headers.len(), headers.len());
}
