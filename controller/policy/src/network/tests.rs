//! What people write, what it means, and what they are told.

mod bad;
mod times;

use std::fmt::Write;

use jiff::SignedDuration;
use proptest::prelude::*;
use sark_core::storage::PolicyFile;
use sark_registry::Kind;

use super::*;

pub(super) fn file(name: &str, text: &str) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.to_owned() }
}

fn parse(text: &str) -> Result<PolicySet, String> {
    parse_set(&[file("a.yaml", text)]).map_err(|mistakes| {
        mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")
    })
}

#[track_caller]
fn good(text: &str) -> Vec<Policy> {
    parse(text).unwrap_or_else(|mistakes| panic!("{mistakes}")).policies
}

/// A policy with this spec.
fn with_spec(spec: &str) -> String {
    let mut text =
        "apiVersion: sark/v1\nkind: FlowSpecPolicy\nmetadata: { name: x }\nspec:\n".to_owned();
    for line in spec.lines() {
        let _ = writeln!(text, "  {line}");
    }
    text
}

#[track_caller]
fn one(spec: &str) -> Policy {
    good(&with_spec(spec)).remove(0)
}

fn shipped() -> Vec<PolicyFile> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| file(&path.display().to_string(), &std::fs::read_to_string(&path).unwrap()))
        .collect()
}

#[test]
fn shipped_policies_work_together() {
    let files = shipped();
    assert_eq!(files.len(), 6);
    for file in &files {
        assert!(
            file.text.starts_with("# yaml-language-server: $schema=flowspec-policy.schema.json\n"),
            "{}",
            file.name
        );
    }
    let set = parse_set(&files).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let names: Vec<_> =
        set.policies.iter().map(|policy| (policy.name.as_str(), policy.priority)).collect();
    assert_eq!(
        names,
        [
            ("allow-contracted-llm", 420),
            ("block-tor-vpn", 500),
            ("inspect-llm", 300),
            ("inspect-other-llm", 410),
            ("mark-and-sample", 150),
            ("quarantine-host", 900),
            ("rate-limit-untrusted", 200),
        ],
    );
}

#[test]
fn shipped_policies_name_what_the_registry_has() {
    let snapshot = sark_registry::seed();
    for policy in parse_set(&shipped()).unwrap().policies {
        let Some(to) = policy.to else { continue };
        for slug in to.providers.iter().chain(&to.tunnels) {
            let known = snapshot.iter().any(|endpoint| endpoint.provider == *slug);
            assert!(known, "{}: {slug}", policy.name);
        }
    }
}

const EVERYTHING: &str = r#"
# A comment.
apiVersion: sark/v1
kind: FlowSpecPolicy
metadata: { name: everything, owner: netsec, ticket: SEC-1, description: all fields }
spec:
  priority: 7
  from: [10.30.0.0/16, "2001:db8::/32", 10.20.0.0/16, 10.20.0.0/16]
  to:
    providers: [openai]
    services: [anthropic/api]
    kinds: [chat, api]
    tunnels: [ngrok]
    prefixes: [192.0.2.0/24]
    names: [API.Example.com., bücher.example]
  protocol: [udp, tcp]
  ports: [8000-8100, 443, 8101, 8050-8070]
  sourcePorts: [1024-65535]
  packetLength: [0-128, 1500]
  dscp: [ef, 10-12, 46]
  fragment: [first, "!is"]
  action:
    redirect: { to: inspection, copy: true }
    mark: { dscp: ef }
    sample: {}
  whenProxyDown: drop
  schedule:
    zone: Europe/Paris
    windows: [{ days: [fri-mon, wed], from: 22:00, to: 06:30 }, { from: 12:00, to: 24:00 }]
  expires: 1d12h
"#;

#[test]
fn every_field() {
    let policy = good(EVERYTHING).remove(0);
    let range = |first, last| Range { first, last };
    assert_eq!(
        (policy.name.as_str(), policy.owner.as_deref(), policy.ticket.as_deref()),
        ("everything", Some("netsec"), Some("SEC-1"))
    );
    assert_eq!(policy.place, Place { file: "a.yaml".into(), line: 3 });
    assert_eq!((policy.priority, policy.from_line), (7, 8));
    assert_eq!(
        policy.from,
        ["10.20.0.0/16", "10.30.0.0/16", "2001:db8::/32"].map(|prefix| prefix.parse().unwrap())
    );
    assert_eq!(
        policy.to,
        Some(Destinations {
            line: 10,
            providers: vec!["openai".into()],
            services: vec!["anthropic/api".into()],
            kinds: vec![Kind::Api, Kind::Chat],
            tunnels: vec!["ngrok".into()],
            prefixes: vec!["192.0.2.0/24".parse().unwrap()],
            names: vec!["api.example.com".into(), "xn--bcher-kva.example".into()],
        })
    );
    assert_eq!(policy.protocols, [Protocol::Number(6), Protocol::Number(17)]);
    assert_eq!(policy.ports, [range(443, 443), range(8000, 8101)]);
    assert_eq!(policy.source_ports, [range(1024, 65535)]);
    assert_eq!(policy.packet_length, [range(0, 128), range(1500, 1500)]);
    assert_eq!(policy.dscp, [range(10, 12), range(46, 46)]);
    assert_eq!(
        policy.fragment,
        [
            FragmentMatch { bit: FragmentBit::Is, set: false },
            FragmentMatch { bit: FragmentBit::First, set: true }
        ],
    );
    assert_eq!(
        policy.action.verdict,
        Verdict::RedirectPool { pool: "inspection".into(), copy: true }
    );
    assert_eq!(
        (policy.action.mark, policy.action.sample, policy.action.line),
        (Some(46), true, 23)
    );
    assert_eq!(policy.when_proxy_down, WhenProxyDown::Drop);
    assert_eq!(policy.expires, Some(Expiry::After(SignedDuration::from_hours(36))));
    let schedule = policy.schedule.unwrap();
    assert_eq!(schedule.zone.iana_name(), Some("Europe/Paris"));
    let days: Vec<_> =
        schedule.windows[1].days.iter().map(|day| day.to_monday_one_offset()).collect();
    assert_eq!(days, [1, 3, 5, 6, 7]);
    assert_eq!(
        (schedule.windows[0].from, schedule.windows[0].to),
        (jiff::civil::time(12, 0, 0, 0), jiff::civil::time(0, 0, 0, 0))
    );
}

#[test]
fn defaults() {
    let policy = one("from: [10.0.0.0/8]\naction: accept");
    assert_eq!(policy.priority, 100);
    assert_eq!(policy.to, None);
    assert_eq!(policy.when_proxy_down, WhenProxyDown::Withdraw);
    assert!(
        policy.protocols.is_empty()
            && policy.ports.is_empty()
            && policy.schedule.is_none()
            && policy.expires.is_none()
    );
}

#[test]
fn actions() {
    let action = |text: &str| one(&format!("from: [10.0.0.0/8]\naction: {text}")).action;
    let verdict = |text: &str| action(text).verdict;
    assert_eq!(verdict("drop"), Verdict::Drop);
    assert_eq!(verdict("{ drop: {} }"), Verdict::Drop);
    assert_eq!(verdict("{ drop: }"), Verdict::Drop);
    assert_eq!(verdict("accept"), Verdict::Accept);
    let sample = action("sample");
    assert_eq!((sample.verdict, sample.mark, sample.sample), (Verdict::Accept, None, true));
    let mark = action("{ mark: { dscp: cs1 } }");
    assert_eq!((mark.verdict, mark.mark, mark.sample), (Verdict::Accept, Some(8), false));
    assert_eq!(action("{ accept: {}, mark: { dscp: 0 }, sample: {} }").mark, Some(0));
    for (text, bytes) in [
        ("1", 1),
        ("10k", 10_000),
        ("10M", 10_000_000),
        ("2G", 2_000_000_000),
        ("10MB", 10_000_000),
        ("5B", 5),
    ] {
        let limit = verdict(&format!("{{ rateLimit: {{ bytesPerSecond: {text} }} }}"));
        assert_eq!(limit, Verdict::RateLimit(RateLimit::BytesPerSecond(bytes)), "{text}");
    }
    let limit = verdict("{ rateLimit: { packetsPerSecond: 5k } }");
    assert_eq!(limit, Verdict::RateLimit(RateLimit::PacketsPerSecond(5000)));
    for (text, target) in [
        ("65001:100", RouteTarget::As2 { asn: 65001, value: 100 }),
        ("65001:4294967295", RouteTarget::As2 { asn: 65001, value: u32::MAX }),
        ("192.0.2.1:100", RouteTarget::Ipv4 { address: "192.0.2.1".parse().unwrap(), value: 100 }),
        ("4200000001:100", RouteTarget::As4 { asn: 4_200_000_001, value: 100 }),
    ] {
        assert_eq!(
            verdict(&format!("{{ redirect: {{ vrf: \"{text}\" }} }}")),
            Verdict::RedirectVrf(target)
        );
    }
}

#[test]
fn a_version_is_the_meaning() {
    let version = |text: &str| good(text).remove(0).version;
    let base = version(EVERYTHING);
    // Where this changes, every running policy begins anew: `expires` counts again.
    assert_eq!(base.short(), "ee52b6650e8f");
    for (same, with) in [
        ("# A comment.", "# Another."),
        ("owner: netsec", "owner: soc"),
        ("description: all fields", "description: other"),
        (
            "[10.30.0.0/16, \"2001:db8::/32\", 10.20.0.0/16, 10.20.0.0/16]",
            "[\"2001:0db8::/32\", 10.20.0.0/16, 10.30.0.0/16]",
        ),
        ("[udp, tcp]", "[6, 17]"),
        ("[8000-8100, 443, 8101, 8050-8070]", "[443, 8000-8101]"),
        ("[ef, 10-12, 46]", "[10, 11, 12, 46]"),
        ("dscp: ef", "dscp: 46"),
        ("1d12h", "36h"),
        ("  priority: 7\n", "\n\n  priority: 7\n"),
    ] {
        let text = EVERYTHING.replacen(same, with, 1);
        assert_ne!(text, EVERYTHING);
        assert_eq!(version(&text), base, "{with}");
    }
    for (other, with) in [
        ("priority: 7", "priority: 8"),
        ("name: everything", "name: anything"),
        ("443", "444"),
        ("[openai]", "[mistral]"),
        ("copy: true", "copy: false"),
        ("whenProxyDown: drop", "whenProxyDown: keep"),
        ("Europe/Paris", "Europe/Rome"),
        ("06:30", "06:31"),
        ("1d12h", "1d13h"),
        ("sample: {}", ""),
        ("\"!is\"", "is"),
    ] {
        let text = EVERYTHING.replacen(other, with, 1);
        assert_ne!(version(&text), base, "{with}");
    }
}

#[test]
fn the_version_of_a_set_is_its_policies() {
    let a = with_spec("from: [10.0.0.0/8]\naction: drop");
    let b = a.replace("name: x", "name: y");
    let both = format!("{a}---\n{b}");
    let of = |files: &[PolicyFile]| parse_set(files).unwrap().version;
    let base = of(&[file("a", &a), file("b", &b)]);
    assert_eq!(base, of(&[file("z", &b), file("c", &a)]));
    assert_eq!(base, of(&[file("both", &both)]));
    assert_ne!(base, of(&[file("a", &a)]));
    assert_ne!(base, of(&[file("a", &a), file("b", &b.replace("y }", "y, owner: soc }"))]));
    assert_eq!(of(&[]), of(&[]));
}

#[test]
fn documents_know_their_first_line() {
    let a = with_spec("from: [10.0.0.0/8]\naction: drop");
    let both = format!("# head\n{a}---\n# second\n{}", a.replace("name: x", "name: y"));
    let lines: Vec<_> = good(&both).iter().map(|policy| policy.place.line).collect();
    assert_eq!(lines, [2, 10]);
}

proptest! {
    #[test]
    fn arbitrary_text_is_no_panic(text in "\\PC*") {
        let _ = parse(&text);
    }

    /// One value of a good policy replaced by anything at all.
    #[test]
    fn arbitrary_values_are_no_panic(at in 0usize..60, value in "[\\PC]{0,20}|[0-9.:/-]{0,30}|[a-z!{}\\[\\], :\"'&*]{0,30}") {
        let spots: Vec<_> = EVERYTHING.match_indices([':', ',', '[']).map(|(spot, _)| spot).collect();
        let spot = spots[at % spots.len()] + 1;
        let end = EVERYTHING[spot..].find([',', ']', '}', '\n']).map_or(EVERYTHING.len(), |end| spot + end);
        let text = format!("{} {value}{}", &EVERYTHING[..spot], &EVERYTHING[end..]);
        if let Err(mistakes) = parse(&text) {
            prop_assert!(!mistakes.is_empty());
        }
    }
}
