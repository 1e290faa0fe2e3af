//! The gate: what a copy may not do, and that ordinary change passes.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;
use sark_registry::{
    doubt::{Verdict, judge},
    feed::{self, AsnRange, Content, Entry, Feed, Label, Parsed, Subject},
};

/// A feed of ordinary limits, with these lines in `spec` beside.
fn feed(lines: &str) -> Feed {
    let text = format!(
        "apiVersion: sark/v1\nkind: EndpointFeed\nmetadata: {{ name: own, owner: netsec }}\nspec:\n  \
         title: Own\n  urls: [\"https://lists.example.com/a\"]\n  format: text\n  \
         schedule: \"0 0 4 * * *\"\n{lines}\n"
    );
    feed::parse("own.yaml", &text).unwrap().remove(0)
}

const OUTPUT: &str = "  outputs: [{ endpoint: own/a, title: A, kind: vpn }]\n";

fn plain(limits: &str) -> Feed {
    feed(&format!("{OUTPUT}  limits: {{ {limits} }}"))
}

fn entry(subject: &str) -> Entry {
    let subject = match subject.parse::<IpNet>() {
        Ok(prefix) => Subject::Prefix(prefix),
        Err(_) => Subject::Name(subject.parse().unwrap()),
    };
    Entry { subject, labels: Vec::new(), ports: Vec::new() }
}

fn parsed(content: Content) -> Parsed {
    Parsed { content, published: None, skipped: Vec::new(), skipped_count: 0 }
}

fn copy<T: AsRef<str>>(subjects: &[T]) -> Parsed {
    parsed(Content::Entries(subjects.iter().map(|subject| entry(subject.as_ref())).collect()))
}

/// Codes of a verdict; of an accepted one none.
fn codes(verdict: &Verdict) -> Vec<&'static str> {
    match verdict {
        Verdict::Accept { .. } => Vec::new(),
        Verdict::Hold { reasons, .. } => reasons.iter().map(|doubt| doubt.code()).collect(),
    }
}

fn hosts(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| format!("{}/32", std::net::Ipv4Addr::from(0x0808_0000 + n))).collect()
}

#[test]
fn a_first_copy_is_judged_by_what_it_holds() {
    for (limits, subjects, expected) in [
        ("", &["1.2.3.0/24", "2606:4700::/32", "*.vpn.example.com"][..], &[][..]),
        ("", &["0.0.0.0/0"], &["default-route"]),
        ("", &["::/0", "1.2.3.0/24"], &["default-route"]),
        ("privateRanges: true", &["0.0.0.0/0"], &["default-route"]),
        ("", &["127.0.0.1/32"], &["special-range"]),
        ("privateRanges: true", &["224.0.0.1/32"], &["special-range"]),
        ("", &["169.254.169.254/32"], &["special-range"]),
        ("", &["fe80::1/128"], &["special-range"]),
        ("", &["4000::/32"], &["special-range"]),
        ("", &["10.1.2.3/32"], &["private-range"]),
        ("", &["100.64.1.0/24", "fd00::/48"], &["private-range"]),
        ("", &["192.0.2.0/24"], &["private-range"]),
        ("privateRanges: true", &["192.0.2.0/24", "10.0.0.0/16", "2001:db8::/32"], &[]),
        ("", &["1.2.0.0/15"], &["too-wide"]),
        ("", &["2606:4700::/31"], &["too-wide"]),
        ("widestIpv4: 15", &["1.2.0.0/15"], &[]),
        ("widestIpv4: 32", &["1.2.3.0/31"], &["too-wide"]),
        // A wide prefix that holds a private one is both.
        ("", &["172.0.0.0/8"], &["private-range", "too-wide"]),
        ("", &[], &["empty"]),
        ("leastEntries: 0", &[], &[]),
        ("leastEntries: 3", &["1.2.3.0/24", "1.2.4.0/24"], &["too-few"]),
        ("mostEntries: 1", &["1.2.3.0/24", "1.2.4.0/24"], &["too-many"]),
    ] {
        let verdict = judge(&plain(limits), None, &copy(subjects), &[]);
        assert_eq!(codes(&verdict), expected, "{limits} {subjects:?}");
    }
}

#[test]
fn change_is_bounded() {
    let (old, few) = (hosts(0..100), hosts(0..10));
    for (limits, current, proposed, expected) in [
        ("", &old, hosts(0..100), &[][..]),
        ("", &old, hosts(0..125), &[]),
        ("", &old, hosts(0..126), &["change-share"]),
        ("", &old, hosts(25..100), &[]),
        ("", &old, hosts(26..100), &["change-share"]),
        // Both that came and that went count.
        ("", &old, hosts(13..113), &["change-share"]),
        ("", &old, hosts(12..112), &[]),
        ("", &few, hosts(0..30), &[]),
        ("", &few, hosts(0..31), &["change-share"]),
        ("", &old, hosts(100_000..100_100), &["change-share", "another-list"]),
        ("", &few, hosts(100_000..100_010), &["another-list"]),
        ("change: { percent: 100 }", &old, hosts(100_000..100_100), &[]),
        ("change: { percent: 0, entries: 0 }", &old, hosts(0..101), &["change-share"]),
        ("leastEntries: 0", &old, Vec::new(), &["empty", "change-share"]),
    ] {
        let verdict = judge(&plain(limits), Some(&copy(current)), &copy(&proposed), &[]);
        assert_eq!(codes(&verdict), expected, "{limits} {}", proposed.len());
    }
    let verdict = judge(&plain(""), Some(&copy(&old)), &copy(&hosts(10..110)), &[]);
    let change = verdict.change();
    assert_eq!((change.added, change.removed), (10, 10));
    assert_eq!(change.added_sample[0], "8.8.0.100/32");
    assert_eq!(change.removed_sample[0], "8.8.0.0/32");
}

#[test]
fn a_poisoned_list_looks_like_one() {
    let owner = ["160.79.104.0/23", "2607:6bc0::/48"];
    // Every digit altered, in a list too short for the rule of change.
    let verdict =
        judge(&plain(""), Some(&copy(&owner)), &copy(&["160.79.114.0/23", "2607:6bd0::/48"]), &[]);
    assert_eq!(codes(&verdict), ["altered", "another-list"]);
    let Verdict::Hold { reasons, .. } = &verdict else { panic!() };
    let told = reasons[0].to_string();
    assert!(told.contains("160.79.104.0/23 became 160.79.114.0/23"), "{told}");
    assert!(reasons[0].help().contains("digit by digit"));

    // Hosts with neighbouring numbers come and go: only most of the list is a pattern.
    let churn = judge(&plain(""), Some(&copy(&hosts(0..100))), &copy(&hosts(5..105)), &[]);
    assert!(churn.is_accepted(), "{churn:?}");

    for (now, held) in [
        ("api.openai.example", false),
        ("api.example.com", false),
        ("api.exarnple.com", true),
        ("api.examp1e.com", true),
        ("api.exampel.com", false),
        ("api.example.co", true),
        ("xn--xample-2of.com", true),
        ("api2.example.com", false),
    ] {
        let (old, new) = (["api.example.com", "a.b.dev"], ["api.example.com", "a.b.dev", now]);
        let verdict = judge(&plain(""), Some(&copy(&old)), &copy(&new), &[]);
        let expected: &[&str] = if held { &["look-alike"] } else { &[] };
        assert_eq!(codes(&verdict), expected, "{now}");
    }
}

#[test]
fn few_entries_can_be_many_addresses() {
    let old = hosts(0..200);
    let with = |more: &[&str]| {
        let mut all = old.clone();
        all.extend(more.iter().map(|one| (*one).to_owned()));
        codes(&judge(&plain("widestIpv4: 8"), Some(&copy(&old)), &copy(&all), &[]))
    };
    assert!(with(&["9.9.0.0/17"]).is_empty());
    assert_eq!(with(&["9.0.0.0/10"]), ["grown"]);
    assert_eq!(with(&["2606::/31"]), ["too-wide", "grown"]);
}

#[test]
fn what_is_protected_is_no_feeds() {
    let protected = [
        ("proxies".to_owned(), "1.2.3.0/28".parse().unwrap()),
        ("x".into(), "9.9.9.9/32".parse().unwrap()),
    ];
    let judge_with = |feed: &Feed, subject: &str, current: Option<&Parsed>| {
        codes(&judge(feed, current, &copy(&[subject]), &protected))
    };
    for subject in ["1.2.3.4/32", "1.2.3.0/24", "9.9.9.9/32"] {
        assert_eq!(judge_with(&plain(""), subject, None), ["protected"], "{subject}");
    }
    assert!(judge_with(&plain(""), "1.2.3.16/32", None).is_empty());
    // What a person accepted is not doubted again.
    assert!(judge_with(&plain(""), "1.2.3.4/32", Some(&copy(&["1.2.3.4/32"]))).is_empty());
    // A cloud's range is context.
    let cloud =
        feed("  outputs: [{ endpoint: own/a, title: A, kind: asset, sharedness: cloud }]\n");
    assert!(judge_with(&cloud, "1.2.0.0/16", None).is_empty());
}

#[test]
fn an_entry_is_what_the_output_says() {
    let labelled = |key, value: &str| {
        let labels = vec![Label { key, value: value.into() }];
        parsed(Content::Entries(vec![Entry { labels, ..entry("1.2.3.4/32") }]))
    };
    assert_eq!(codes(&judge(&plain(""), None, &labelled("role", "exit"), &[])), ["role"]);
    assert!(judge(&plain(""), None, &labelled("role", "relay"), &[]).is_accepted());
    assert!(judge(&plain(""), None, &labelled("role", "guard"), &[]).is_accepted());

    let select =
        feed("  outputs: [{ endpoint: own/a, title: A, kind: vpn, select: { role: [relay] } }]\n");
    let verdict = judge(&select, None, &labelled("role", "exit"), &[]);
    let Verdict::Accept { warnings, .. } = verdict else { panic!("{verdict:?}") };
    let warned: Vec<_> = warnings.iter().map(|doubt| doubt.code()).collect();
    assert_eq!(warned, ["not-selected", "empty-output"]);

    // The same address for another output is another entry.
    let two = feed(
        "  outputs:
    - { endpoint: own/a, title: A, kind: vpn, select: { role: [relay] } }
    - { endpoint: own/b, title: A, kind: vpn, role: exit, select: { role: [exit] } }
",
    );
    let verdict = judge(&two, Some(&labelled("role", "exit")), &labelled("role", "relay"), &[]);
    assert_eq!((verdict.change().added, verdict.change().removed), (1, 1));
}

#[test]
fn more_rubbish_than_content_is_another_format() {
    let proposed = Parsed { skipped_count: 101, ..copy(&hosts(0..100)) };
    assert_eq!(codes(&judge(&plain(""), None, &proposed, &[])), ["unusable"]);
    let proposed = Parsed { skipped_count: 100, ..copy(&hosts(0..100)) };
    assert!(judge(&plain(""), None, &proposed, &[]).is_accepted());
}

#[test]
fn lookup_tables_are_bound_by_size_and_change() {
    let asn = plain("leastEntries: 10, change: { entries: 2 }");
    let table = |range: std::ops::Range<u32>, asn| {
        let range = range.map(|n| AsnRange {
            first: std::net::Ipv4Addr::from(n << 8).into(),
            last: std::net::Ipv4Addr::from((n << 8) + 255).into(),
            asn,
            name: "EXAMPLE".into(),
        });
        parsed(Content::Asns(range.collect()))
    };
    let of = |current: &Parsed, new: &Parsed| codes(&judge(&asn, Some(current), new, &[]));
    assert!(of(&table(0..100, 64500), &table(0..110, 64500)).is_empty());
    assert_eq!(of(&table(0..100, 64500), &table(0..5, 64500)), ["too-few", "change-share"]);
    // The whole list moved to another owner.
    let moved = of(&table(0..100, 64500), &table(0..100, 64501));
    assert_eq!(moved, ["change-share", "another-list"]);

    let list = |rules: &[&str]| parsed(Content::Suffixes(Arc::from(rules.join("\n").as_str())));
    let rules: Vec<String> = (0..100).map(|n| format!("s{n}.example")).collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    assert!(of(&list(&rules), &list(&rules[..80])).is_empty());
    assert_eq!(of(&list(&rules), &list(&rules[..70])), ["change-share"]);
    assert_eq!(of(&list(&rules), &list(&["// nothing"])), ["empty", "change-share"]);
}

#[test]
fn a_million_entries_are_judged_in_bounded_words() {
    let wide: Vec<String> = (0..1_000_000u32)
        .map(|n| format!("{}/32", std::net::Ipv4Addr::from(0x0a00_0000 + n)))
        .collect();
    let verdict = judge(&plain(""), Some(&copy(&hosts(0..1000))), &copy(&wide), &[]);
    let Verdict::Hold { reasons, change } = &verdict else { panic!() };
    assert!(reasons.iter().all(|doubt| doubt.to_string().len() < 500));
    assert!(change.added_sample.len() == 100 && change.added == 1_000_000);
}

fn any_prefix() -> impl Strategy<Value = IpNet> {
    prop_oneof![
        (any::<u32>(), 0..=32u8)
            .prop_map(|(bits, len)| IpNet::from(Ipv4Net::new(bits.into(), len).unwrap()).trunc()),
        (any::<u128>(), 0..=128u8)
            .prop_map(|(bits, len)| IpNet::from(Ipv6Net::new(bits.into(), len).unwrap()).trunc()),
        (0x2600..0x2610u128, 20..=64u8).prop_map(|(bits, len)| {
            IpNet::from(Ipv6Net::new((bits << 112).into(), len).unwrap()).trunc()
        }),
    ]
}

fn any_entries() -> impl Strategy<Value = Parsed> {
    let entry = any_prefix().prop_map(|prefix| Entry {
        subject: Subject::Prefix(prefix),
        labels: Vec::new(),
        ports: Vec::new(),
    });
    prop::collection::vec(entry, 0..8).prop_map(|entries| parsed(Content::Entries(entries)))
}

proptest! {
    /// Whatever comes first, what is accepted is within the limits, and nobody's range is in it.
    #[test]
    fn an_accepted_copy_holds_nothing_it_may_not(
        copy in any_entries(),
        current in proptest::option::of(any_entries()),
        protected in any_prefix(),
    ) {
        let feed = plain("leastEntries: 0");
        let protected = [("site".to_owned(), protected)];
        let verdict = judge(&feed, current.as_ref(), &copy, &protected);
        prop_assert_eq!(&verdict, &judge(&feed, current.as_ref(), &copy, &protected));
        let Content::Entries(entries) = &copy.content else { unreachable!() };
        if !verdict.is_accepted() {
            return Ok(());
        }
        let known = |prefix: &IpNet| match current.as_ref().map(|copy| &copy.content) {
            Some(Content::Entries(old)) => old.iter().any(|e| e.subject == Subject::Prefix(*prefix)),
            _ => false,
        };
        for entry in entries {
            let Subject::Prefix(prefix) = entry.subject else { continue };
            prop_assert_ne!(prefix.prefix_len(), 0);
            for special in ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "fe80::/10", "::/8"] {
                let special: IpNet = special.parse().unwrap();
                prop_assert!(!special.contains(&prefix) && !prefix.contains(&special), "{}", prefix);
            }
            if known(&prefix) {
                continue;
            }
            let widest = if prefix.addr().is_ipv4() { 16 } else { 32 };
            prop_assert!(prefix.prefix_len() >= widest);
            let (_, site) = &protected[0];
            prop_assert!(!site.contains(&prefix) && !prefix.contains(site));
            let private: IpNet = "10.0.0.0/8".parse().unwrap();
            prop_assert!(!private.contains(&prefix));
        }
    }

    /// A copy that equals the one in use is accepted if that was within the limits.
    #[test]
    fn what_does_not_change_is_not_doubted(copy in any_entries()) {
        let feed = plain("leastEntries: 0");
        if judge(&feed, None, &copy, &[]).is_accepted() {
            let again = judge(&feed, Some(&copy), &copy, &[]);
            prop_assert!(again.is_accepted());
            prop_assert_eq!(again.change().added + again.change().removed, 0);
        }
    }
}
