use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use sark_core::ContentHash;
use sark_core::secret::Secret;
use sark_feeds::Fetcher;
use sark_registry::feed::{self, Feed, FetchError, Fetched, Location, Source as _};

use crate::server::{Says, Server, head, ok, with_headers};

const FEED: &str = "apiVersion: sark/v1
kind: EndpointFeed
metadata: { name: test, owner: netsec }
spec:
  title: Test
  urls: [\"https://lists.example.com/x\"]
  format: text
  schedule: \"0 0 * * * *\"
  outputs:
    - { endpoint: co/relays, title: Co, kind: vpn, role: relay, sharedness: dedicated }
  limits: { mostOctets: 1MiB }
  transport: { timeout: 10s, private: true }
";

/// A feed at these addresses, of at most 1 MiB, that may be on loopback.
pub fn feed(urls: &[String]) -> Feed {
    let mut feed = feed::parse("test.yaml", FEED).unwrap().remove(0);
    feed.location = Location::Urls(urls.to_vec());
    feed
}

/// Knows one secret.
pub fn fetcher() -> Fetcher {
    Fetcher::new(Arc::new(|reference| match reference.to_string().as_str() {
        "env:FEED_TOKEN" => Ok(Secret::new("hunter2".into())),
        other => Err(format!("{other} is not there")),
    }))
}

pub fn octets(fetched: Fetched) -> Vec<Vec<u8>> {
    match fetched {
        Fetched::Copy { parts, .. } => parts.into_iter().map(|part| part.octets).collect(),
        Fetched::Unchanged => panic!("unchanged"),
    }
}

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

async fn error(says: Says) -> FetchError {
    let server = Server::new([("/x", says)]).await;
    let asked = fetcher().fetch(&feed(&[server.url("/x")]), None).await;
    asked.expect_err("it must not be taken")
}

/// What a server can do to us; each has its word.
#[tokio::test]
async fn hostile_answers_have_their_words() {
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000);
    let cases = [
        ("truncated", Says::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort".to_vec())),
        (
            "truncated",
            Says::Raw(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".to_vec(),
            ),
        ),
        ("too-large", Says::Endless),
        (
            "too-large",
            Says::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n".to_vec()),
        ),
        ("too-large", with_headers(&bomb, "Content-Encoding: gzip\r\n")),
        ("too-large", ok(&bomb)),
        ("decompress", with_headers(b"this is no gzip", "Content-Encoding: gzip\r\n")),
        ("decompress", ok(&gzip(b"192.0.2.1")[..20])),
        ("status", head("403 Forbidden")),
        ("status", head("500 Oops")),
        ("nothing-yet", head("304 Not Modified")),
        ("redirect", head("302 Found\r\nLocation: /x")),
        ("redirect", head("302 Found\r\nLocation: ftp://lists.example.com/")),
        ("redirect", head("302 Found\r\nLocation: file:///etc/passwd")),
        ("redirect", head("302 Found\r\nLocation: data:,192.0.2.1")),
        ("redirect", head("307 Temporary Redirect")),
        ("redirect", head("300 Multiple Choices")),
        ("unreachable", Says::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())),
    ];
    for (code, says) in cases {
        let error = error(says).await;
        assert_eq!(error.code(), code, "{error:?}");
        assert!(!error.to_string().is_empty() && !error.help().is_empty());
    }
}

/// An answer that drips costs no more than the feed's time.
#[tokio::test]
async fn a_slow_drip_ends() {
    let server = Server::new([("/x", Says::Drip)]).await;
    let mut feed = feed(&[server.url("/x")]);
    feed.transport.timeout = Duration::from_secs(1);
    let error = fetcher().fetch(&feed, None).await.unwrap_err();
    assert_eq!(error.code(), "too-slow", "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let server = Server::new([]).await;
    let url = server.url("/x");
    drop(server);
    tokio::task::yield_now().await;
    let error = fetcher().fetch(&feed(&[url]), None).await.unwrap_err();
    assert_eq!(error.code(), "unreachable", "{error:?}");
}

/// A public feed has no business inside: literally, by name, or by redirect. Plain HTTP neither.
#[tokio::test]
async fn a_public_feed_does_not_lead_inside() {
    for (url, code) in [
        ("https://127.0.0.1:9/x", "private-address"),
        ("https://[::1]:9/x", "private-address"),
        ("https://10.1.2.3/x", "private-address"),
        ("https://169.254.169.254/latest/meta-data", "private-address"),
        ("https://[::ffff:127.0.0.1]:9/x", "private-address"),
        ("https://localhost:9/x", "private-address"),
        ("http://lists.example.com/x", "settings"),
        ("file:///etc/passwd", "settings"),
        ("not an address", "settings"),
    ] {
        let mut feed = feed(&[url.to_owned()]);
        feed.transport.private = false;
        let error = fetcher().fetch(&feed, None).await.unwrap_err();
        assert_eq!(error.code(), code, "{url}: {error:?}");
    }
}

#[tokio::test]
async fn gzip_is_unpacked_said_or_not() {
    let packed = gzip(b"192.0.2.0/24\n");
    let encoded = with_headers(&packed, "Content-Encoding: gzip\r\n");
    let server = Server::new([("/a", encoded), ("/b.gz", ok(&packed))]).await;
    let feed = feed(&[server.url("/a"), server.url("/b.gz")]);
    let parts = octets(fetcher().fetch(&feed, None).await.unwrap());
    assert_eq!(parts, [b"192.0.2.0/24\n".to_vec(), b"192.0.2.0/24\n".to_vec()]);
}

/// What is unchanged is not sent again; of several parts all are, if one changed.
#[tokio::test]
async fn conditions() {
    let server = Server::new([("/a", Says::Tagged("a")), ("/b", ok(b"b"))]).await;
    let one = feed(&[server.url("/a")]);
    let fetcher = fetcher();
    let Fetched::Copy { validators, .. } = fetcher.fetch(&one, None).await.unwrap() else {
        panic!("unchanged")
    };
    let again = fetcher.fetch(&one, Some(&validators)).await.unwrap();
    assert_eq!(again, Fetched::Unchanged);

    let both = feed(&[server.url("/a"), server.url("/b")]);
    let Fetched::Copy { parts, validators } =
        fetcher.fetch(&both, Some(&validators)).await.unwrap()
    else {
        panic!("unchanged")
    };
    assert_eq!(parts.len(), 2);
    let parts = octets(fetcher.fetch(&both, Some(&validators)).await.unwrap());
    assert_eq!(parts, [b"a".to_vec(), b"b".to_vec()], "/a was unchanged, /b has no tag");

    // "Not modified" to a question that was not whether.
    let plain = feed(&[server.url("/b")]);
    let Fetched::Copy { validators, .. } = fetcher.fetch(&plain, None).await.unwrap() else {
        panic!("unchanged")
    };
    server.set("/b", head("304 Not Modified"));
    let error = fetcher.fetch(&plain, Some(&validators)).await.unwrap_err();
    assert_eq!(error.code(), "nothing-yet", "{error:?}");
}

/// A header's secret is sent, and is in no error.
#[tokio::test]
async fn secrets_are_sent_and_not_told() {
    let server = Server::new([("/x", ok(b"x")), ("/no", head("401 No"))]).await;
    let mut feed = feed(&[server.url("/x")]);
    feed.transport.headers = vec![("Authorization".into(), "env:FEED_TOKEN".into())];
    fetcher().fetch(&feed, None).await.unwrap();
    assert!(server.heads()[0].contains("authorization: hunter2"), "{:?}", server.heads());
    feed.location = Location::Urls(vec![server.url("/no")]);
    let error = fetcher().fetch(&feed, None).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
    feed.transport.headers[0].1 = "env:ABSENT".into();
    let error = fetcher().fetch(&feed, None).await.unwrap_err();
    assert_eq!(error.code(), "settings");
    assert!(error.to_string().contains("env:ABSENT"), "{error}");
}

/// A secret was given to one server, and is not carried to another.
#[tokio::test]
async fn secrets_stay_with_their_server() {
    let other = Server::new([("/y", ok(b"y"))]).await;
    let away = head(&format!("302 Found\r\nLocation: {}", other.url("/y")));
    let home = head("302 Found\r\nLocation: /z");
    let server = Server::new([("/away", away), ("/home", home), ("/z", ok(b"z"))]).await;
    let mut feed = feed(&[server.url("/away")]);
    fetcher().fetch(&feed, None).await.unwrap();
    feed.transport.headers = vec![("X-Api-Key".into(), "env:FEED_TOKEN".into())];
    let error = fetcher().fetch(&feed, None).await.unwrap_err();
    assert_eq!(error.code(), "redirect", "{error:?}");
    assert!(!other.heads().iter().any(|head| head.contains("hunter2")));
    feed.location = Location::Urls(vec![server.url("/home")]);
    assert_eq!(octets(fetcher().fetch(&feed, None).await.unwrap()), [b"z".to_vec()]);
}

#[tokio::test]
async fn a_pinned_copy_is_the_only_one() {
    let server = Server::new([("/x", ok(b"192.0.2.1\n"))]).await;
    let mut feed = feed(&[server.url("/x")]);
    let hash = ContentHash::of(b"192.0.2.1\n").to_string();
    feed.trust.sha256 = Some(hash.trim_start_matches("sha256:").to_owned());
    fetcher().fetch(&feed, None).await.unwrap();
    feed.trust.sha256 = Some("0".repeat(64));
    let error = fetcher().fetch(&feed, None).await.unwrap_err();
    assert_eq!(error.code(), "untrusted", "{error:?}");
}

/// Ten gigabytes are offered, and a few are no more in memory than the limit.
#[tokio::test]
async fn ten_gigabytes_cost_the_limit() {
    let peak = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let before = peak();
    for _ in 0..5 {
        assert_eq!(error(Says::Endless).await.code(), "too-large");
    }
    let grown = peak().saturating_sub(before);
    assert!(grown < 256 << 10, "{grown} KiB more resident");
}

/// Pages of a TAXII collection, and servers that never end or lose the thread.
#[tokio::test]
async fn taxii_pages() {
    let root =
        |server: &Server| Location::Taxii { root: server.url("/api/"), collection: "c".into() };
    let first = ok(br#"{"more":true,"next":"2","objects":[]}"#);
    let last = ok(br#"{"objects":[]}"#);
    let server = Server::new([
        ("/api/collections/c/objects/", first),
        ("/api/collections/c/objects/?next=2", last),
    ])
    .await;
    let mut feed = feed(&[]);
    feed.location = root(&server);
    assert_eq!(octets(fetcher().fetch(&feed, None).await.unwrap()).len(), 2);
    assert!(server.heads()[0].contains("accept: application/taxii+json;version=2.1"));

    for page in [br#"{"more":true}"#.as_slice(), b"<html>"] {
        let server = Server::new([("/api/collections/c/objects/", ok(page))]).await;
        feed.location = root(&server);
        let error = fetcher().fetch(&feed, None).await.unwrap_err();
        assert_eq!(error.code(), "truncated", "{error:?}");
    }

    // Pages without end, pages in a circle, and pages that are too much together.
    let circle = ok(br#"{"more":true,"next":"2"}"#);
    for (says, code, part) in [
        (Says::Pages(1), "endless", "after 1000 pages it says more"),
        (circle, "endless", "page 2 leads to one that was there"),
        (Says::Pages(300 << 10), "too-large", "more than 1048576 octets"),
    ] {
        let at = "/api/collections/c/objects/";
        let second = "/api/collections/c/objects/?next=2";
        let server = Server::new([(at, says.clone())]).await;
        if matches!(says, Says::Raw(_)) {
            server.set(second, says);
        }
        feed.location = root(&server);
        let error = fetcher().fetch(&feed, None).await.unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

/// Of several documents the limit is one, and is told as it was set.
#[tokio::test]
async fn a_limit_is_told_whole() {
    let half = ok(&vec![b'#'; 600 << 10]);
    let packed = ok(&gzip(&vec![b'#'; 600 << 10]));
    let server = Server::new([("/a", half.clone()), ("/b", half), ("/c", packed)]).await;
    for second in ["/b", "/c"] {
        let feed = feed(&[server.url("/a"), server.url(second)]);
        let error = fetcher().fetch(&feed, None).await.unwrap_err();
        let told = format!("{} sends more than 1048576 octets", server.url(second));
        assert_eq!(error.to_string(), told);
    }
}

/// A copy with its publisher's signature; the secret goes along to the feed's own server, and to no
/// other.
#[tokio::test]
async fn signatures_are_checked_and_asked_for_with_the_secret() {
    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    const SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835\tfile:test\tprehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==";
    let signature = || ("/x.minisig", ok(SIGNATURE.as_bytes()));
    let server = Server::new([("/x", ok(b"test")), ("/y", ok(b"tess")), signature()]).await;
    let other = Server::new([signature()]).await;
    let mut feed = feed(&[server.url("/x")]);
    feed.transport.headers = vec![("X-Api-Key".into(), "env:FEED_TOKEN".into())];
    for (at, is_sent) in [(&server, true), (&other, false)] {
        feed.trust.minisign = Some((KEY.to_owned(), at.url("/x.minisig")));
        assert_eq!(octets(fetcher().fetch(&feed, None).await.unwrap()), [b"test".to_vec()]);
        let heads = at.heads();
        let asked = heads.iter().find(|head| head.contains("/x.minisig")).unwrap();
        assert_eq!(asked.contains("x-api-key: hunter2"), is_sent, "{asked}");
    }
    feed.location = Location::Urls(vec![server.url("/y")]);
    let error = fetcher().fetch(&feed, None).await.unwrap_err();
    assert_eq!(error.code(), "untrusted", "{error:?}");
}
