//! The resolver against a real server: Debian's unbound.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod scripted;
mod unbound;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;

use hickory_resolver::proto::rr::RecordType;
use sark_registry::ageing::Answered;
use sark_registry::resolve::{Answer, Hint, Resolve, ResolveError, Settings, SettingsMistake};
use sark_resolver::{SettingsError, resolver};
use scripted::Scripted;
use unbound::{Unbound, free};

const RECORDS: &str = r#"
local-zone: "example." static
local-data: "both.example. 300 A 192.0.2.1"
local-data: "both.example. 300 A 192.0.2.2"
local-data: "both.example. 60 AAAA 2001:db8::1"
local-data: "four.example. 300 A 192.0.2.4"
local-data: "service.example. 300 A 192.0.2.5"
local-data: "service.example. 90 HTTPS 2 . ipv4hint=192.0.2.6 ipv6hint=2001:db8::6"
local-data: "service.example. 90 HTTPS 1 other.example. port=8443 ipv4hint=192.0.2.5"
local-data: "alias.example. 40 HTTPS 0 both.example."
local-data: "nowhere.example. 40 HTTPS 0 ."
local-data: "round.example. 40 HTTPS 0 about.example."
local-data: "about.example. 40 HTTPS 0 round.example."
local-zone: "refused.example." refuse
"#;

fn settings(server: &str) -> Settings {
    let text = serde_json::json!({ "name": "site", "server": server, "timeoutSeconds": 5 });
    serde_json::from_value(text).unwrap()
}

fn asks(server: &str, authority: Option<PathBuf>) -> Arc<dyn Resolve> {
    resolver(&Settings { ca_file: authority, ..settings(server) }).unwrap()
}

fn plain(server: &Unbound) -> Arc<dyn Resolve> {
    asks(&server.plain.to_string(), None)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn addresses(all: &[(&str, u32)]) -> Vec<Answered> {
    all.iter().map(|&(address, ttl)| Answered { address: ip(address), ttl }).collect()
}

fn answer(all: &[(&str, u32)], chain: &[&str]) -> Answer {
    Answer {
        resolver: "site".into(),
        addresses: addresses(all),
        chain: chain.iter().map(|&name| name.to_owned()).collect(),
        hints: vec![],
        dnssec: None,
    }
}

const BOTH: &[(&str, u32)] = &[("192.0.2.1", 300), ("192.0.2.2", 300), ("2001:db8::1", 60)];

#[tokio::test]
async fn addresses_of_both_families() {
    let server = Unbound::start(RECORDS);
    let resolver = plain(&server);
    assert_eq!(resolver.resolve("both.example").await, Ok(answer(BOTH, &[])));
    let four = answer(&[("192.0.2.4", 300)], &[]);
    assert_eq!(resolver.resolve("four.example").await, Ok(four), "NODATA of one family");
    let over_tcp = asks(&format!("tcp://{}", server.plain), None);
    assert_eq!(over_tcp.resolve("both.example").await, Ok(answer(BOTH, &[])));
}

/// More than fits an answer over UDP.
#[tokio::test]
async fn large_answers_come_over_tcp() {
    let line = |n| format!("local-data: \"large.example. 300 A 198.51.100.{n}\"\n");
    let records: String = (0..200).map(line).collect();
    let server = Unbound::start(&format!("local-zone: \"example.\" static\n{records}"));
    let found = plain(&server).resolve("large.example").await.unwrap();
    assert_eq!(found.addresses.len(), 200);
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let all = [("192.0.2.8", 300), ("2001:db8::8", 300)];
    let cases: [(&[_], bool); 3] =
        [(&[RecordType::A], false), (&[RecordType::AAAA], false), (&[RecordType::HTTPS], true)];
    for (kinds, whole) in cases {
        let server = Scripted::failing(kinds).await;
        let found = asks(&server.at.to_string(), None).resolve("www.example").await;
        match found {
            Ok(found) => assert!(whole && found == answer(&all, &[]), "{kinds:?}: {found:?}"),
            Err(error) => {
                assert!(!whole && error.code() == "resolve-refused", "{kinds:?}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn secure_if_a_validating_resolver_says_so() {
    let dnssec = async |server: SocketAddr, validates| {
        let settings = Settings { validates, ..settings(&server.to_string()) };
        resolver(&settings).unwrap().resolve("both.example").await.unwrap().dnssec
    };
    let secure = Scripted::failing(&[]).await;
    assert_eq!(dnssec(secure.at, true).await, Some(true));
    assert_eq!(dnssec(secure.at, false).await, None, "nobody says that it validates");
    let unsigned = Unbound::start(RECORDS);
    assert_eq!(dnssec(unsigned.plain, true).await, Some(false));
}

#[tokio::test]
async fn hints_by_priority() {
    let server = Unbound::start(RECORDS);
    let found = plain(&server).resolve("service.example").await.unwrap();
    let all = [("192.0.2.5", 90), ("192.0.2.6", 90), ("2001:db8::6", 90)];
    assert_eq!(found.addresses, addresses(&all), "the least TTL counts");
    let hint = |priority, target: &str, all: &[&str], port| Hint {
        priority,
        target: target.to_owned(),
        addresses: all.iter().map(|text| ip(text)).collect(),
        port,
        ech: false,
    };
    let first = hint(1, "other.example", &["192.0.2.5"], Some(8443));
    let second = hint(2, "service.example", &["192.0.2.6", "2001:db8::6"], None);
    assert_eq!(found.hints, [first, second]);
}

#[tokio::test]
async fn aliases() {
    let server = Unbound::start(RECORDS);
    let resolver = plain(&server);
    let all = [("192.0.2.1", 40), ("192.0.2.2", 40), ("2001:db8::1", 40)];
    let found = resolver.resolve("alias.example").await;
    assert_eq!(found, Ok(answer(&all, &["both.example"])));
    assert_eq!(resolver.resolve("nowhere.example").await, Ok(answer(&[], &[])));
    let round = resolver.resolve("round.example").await;
    assert_eq!(round, Err(ResolveError::Chain { name: "round.example".to_owned(), most: 8 }));
}

#[tokio::test]
async fn no_such_name_is_an_answer() {
    let server = Unbound::start(RECORDS);
    let found = plain(&server).resolve("absent.example").await;
    assert_eq!(found, Ok(answer(&[], &[])));
}

#[tokio::test]
async fn refused_is_none() {
    let server = Unbound::start(RECORDS);
    let error = plain(&server).resolve("www.refused.example").await.unwrap_err();
    let ResolveError::Answered { resolver, name, code } = error else { panic!("{error}") };
    assert_eq!((&*resolver, &*name), ("site", "www.refused.example"));
    assert!(code.to_lowercase().contains("refused"), "{code}");
}

/// Unbound follows CNAME records among those that it asks for itself, so another holds them.
#[tokio::test]
async fn cname_chain_in_order() {
    let records = r#"
local-zone: "example." static
local-data: "www.example. 300 CNAME edge.example.net."
local-zone: "example.net." static
local-data: "edge.example.net. 30 CNAME host.example.org."
local-zone: "example.org." static
local-data: "host.example.org. 120 A 192.0.2.7"
local-data: "host.example.org. 20 AAAA 2001:db8::7"
"#;
    let far = Unbound::start(records);
    let near = format!(
        "do-not-query-localhost: no\nlocal-zone: \"example.\" nodefault\n\
         forward-zone:\nname: \".\"\nforward-addr: {}@{}\n",
        far.plain.ip(),
        far.plain.port()
    );
    let near = Unbound::start(&near);
    let found = plain(&near).resolve("www.example").await;
    let chain = ["edge.example.net", "host.example.org"];
    let all = [("192.0.2.7", 30), ("2001:db8::7", 20)];
    assert_eq!(found, Ok(answer(&all, &chain)));
}

#[tokio::test]
async fn nobody_answers() {
    let error = asks(&format!("tcp://{}", free()), None).resolve("both.example").await.unwrap_err();
    let ResolveError::Connection { why, .. } = &error else { panic!("nobody listens: {error}") };
    assert!(why.contains("refused"), "{why}");
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut settings = settings(&silent.local_addr().unwrap().to_string());
    settings.timeout_seconds = 1;
    let error = resolver(&settings).unwrap().resolve("both.example").await.unwrap_err();
    let (site, name) = ("site".into(), "both.example".to_owned());
    assert_eq!(error, ResolveError::Timeout { resolver: site, name, seconds: 1 });
}

fn over_tls(at: SocketAddr) -> String {
    format!("tls://{at}#dns.example")
}

fn over_https(at: SocketAddr) -> String {
    format!("https://{at}/dns-query#dns.example")
}

#[tokio::test]
async fn over_tls_and_https() {
    let server = Unbound::start(RECORDS);
    for text in [over_tls(server.tls), over_https(server.https)] {
        let resolver = asks(&text, Some(server.authority()));
        assert_eq!(resolver.resolve("both.example").await, Ok(answer(BOTH, &[])), "{text}");
        let absent = resolver.resolve("absent.example").await;
        assert_eq!(absent, Ok(answer(&[], &[])), "{text}");
    }
}

#[tokio::test]
async fn only_whom_it_trusts() {
    let server = Unbound::start(RECORDS);
    let stranger = over_tls(server.tls).replace("dns.example", "other.example");
    for (text, authority) in [
        (over_tls(server.tls), None),
        (over_https(server.https), None),
        (stranger, Some(server.authority())),
    ] {
        let error = asks(&text, authority).resolve("both.example").await.unwrap_err();
        let ResolveError::Connection { why, .. } = &error else { panic!("{text}: {error}") };
        assert!(why.contains("certificate"), "{text}: {why}");
    }
}

#[tokio::test]
async fn names_that_are_none() {
    let resolver = asks("192.0.2.53", None);
    for name in ["", ".", "*.example", "a..example", "a b.example", "ü.example"] {
        let error = resolver.resolve(name).await;
        assert_eq!(error, Err(ResolveError::Name { name: name.to_owned() }));
    }
}

#[test]
fn settings_that_are_refused() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = settings("192.0.2.53");
        change(&mut settings);
        resolver(&settings).err().unwrap()
    };
    let mistake = |change| match refused(change) {
        SettingsError::Mistake { mistake, .. } => mistake,
        other => panic!("{other}"),
    };
    assert_eq!(mistake(|s| s.name.clear()), SettingsMistake::Name);
    assert_eq!(mistake(|s| s.timeout_seconds = 0), SettingsMistake::Timeout(0));
    let authorities = |s: &mut Settings| s.ca_file = Some("/nonexistent/ca.pem".into());
    assert_eq!(mistake(authorities), SettingsMistake::Authorities, "plain DNS has no certificate");
    let missing = refused(|s| {
        s.server = "tls://192.0.2.53".parse().unwrap();
        s.ca_file = Some("/nonexistent/ca.pem".into());
    });
    assert!(matches!(missing, SettingsError::Authorities { .. }));
    let unknown = r#"{"name": "site", "server": "192.0.2.53", "client": true}"#;
    assert!(serde_json::from_str::<Settings>(unknown).is_err());
}
