//! Feed documents: those that ship, what they may say, and that hostile ones are refused where they
//! are wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use sark_registry::{
    Role, Sharedness, Snapshot,
    feed::{Format, Limits, Location, Transport, feeds, load, parse},
    seed,
};

/// A document with these lines of `spec` in place of a good one's; an empty value takes the line out.
fn document(changes: &[(&str, &str)]) -> String {
    let mut lines = vec![
        ("title", " Own list"),
        ("urls", " [\"https://lists.example.com/a.txt\"]"),
        ("format", " text"),
        ("schedule", " \"0 17 4 * * *\""),
        ("outputs", " [{ endpoint: own/list, title: Own, kind: vpn }]"),
    ];
    for (key, value) in changes {
        match lines.iter_mut().find(|(known, _)| known == key) {
            Some(line) => line.1 = value,
            None => lines.push((key, value)),
        }
    }
    let lines = lines.iter().filter(|(_, value)| !value.is_empty());
    let spec: String = lines.map(|(key, value)| format!("  {key}:{value}\n")).collect();
    format!(
        "apiVersion: sark/v1\nkind: EndpointFeed\nmetadata: {{ name: own, owner: netsec }}\nspec:\n{spec}"
    )
}

#[test]
fn those_that_ship_claim_no_more_than_they_may() {
    let feeds = feeds();
    assert!(feeds.len() >= 35, "{}", feeds.len());
    assert!(feeds.is_sorted_by(|a, b| a.name < b.name));
    let seed = Snapshot::build(seed());
    let mut minutes = BTreeSet::new();
    for feed in &feeds {
        let name = &feed.name;
        assert!(feed.licence.is_some(), "{name} says no licence, not even that none is stated");
        let schedule = feed.schedule.to_string();
        let minute = schedule.split(' ').nth(1).unwrap();
        assert!(minutes.insert(minute.to_owned()), "{name} is asked when another is");
        assert!(feed.limits.change.percent <= 25 && !feed.limits.private_ranges, "{name}");
        assert!(!feed.transport.private, "{name}");
        if let Location::Urls(urls) = &feed.location {
            assert!(urls.iter().all(|url| url.starts_with("https://")), "{name}");
        }
        let lookup = matches!(feed.format, Format::IpToAsn | Format::PublicSuffixes);
        assert_eq!(feed.outputs.is_empty(), lookup, "{name}");
        for output in &feed.outputs {
            // A policy for a vendor selects no cloud: context has providers of its own.
            let context = output.kind == sark_registry::Kind::Asset && output.role == Role::Ingress;
            let slug = output.endpoint.split('/').next().unwrap();
            let other = ["cloudflare", "fastly"].contains(&slug);
            assert!(!context || other || seed.by_provider(slug).next().is_none(), "{name}");
            assert!(output.verified || output.sharedness >= Sharedness::Cloud, "{name}");
            assert!(output.verified || output.confidence <= 80, "{name}");
            // What it adds to is what it says.
            let Some(known) = seed.by_id(&output.endpoint) else { continue };
            let own = (output.kind, output.role);
            assert_eq!((known.kind, known.role), own, "{name} {}", known.id);
            assert!(known.sharedness >= output.sharedness, "{name} {}", known.id);
            assert!(output.verified >= known.verified, "{name} {}", known.id);
        }
    }
    let off = |name: &str| feeds.iter().any(|feed| feed.name == name && !feed.enabled);
    for name in ["x4bnet-vpn", "dibdot-doh", "proton-vpn-relays", "public-suffixes", "azure"] {
        assert!(off(name), "{name}");
    }
    assert!(!off("cloudflare") && !off("tor-relays") && !off("aws"));
}

#[test]
fn what_a_feed_does_not_say_is_the_least() {
    let feeds = parse("own.yaml", &document(&[])).unwrap();
    let [feed] = &feeds[..] else { panic!("{feeds:?}") };
    assert_eq!((feed.name.as_str(), feed.owner.as_str(), feed.enabled), ("own", "netsec", true));
    assert_eq!(feed.schedule.to_string(), "0 17 4 * * * *");
    assert_eq!((&feed.limits, &feed.transport), (&Limits::default(), &Transport::default()));
    assert_eq!((feed.limits.widest_ipv4, feed.limits.widest_ipv6), (16, 32));
    assert_eq!((feed.limits.change.percent, feed.limits.change.entries), (25, 20));
    assert_eq!(feed.limits.most_octets.get(), 64 << 20);
    let output = &feed.outputs[0];
    assert_eq!((output.role, output.sharedness), (Role::Relay, Sharedness::Cdn));
    assert_eq!((output.confidence, output.verified), (50, false));
}

#[test]
fn all_that_can_be_said() {
    let feeds = parse(
        "own.yaml",
        &document(&[
            ("enabled", " false"),
            ("licence", " our own"),
            ("urls", " [\"http://192.0.2.1:8080/a.csv\"]"),
            ("format", " csv"),
            ("csv", " { delimiter: tab, header: true, subject: prefix, tag: region }"),
            (
                "outputs",
                " [{ endpoint: own/list, title: Own, kind: vpn, role: exit, sharedness: provider, \
                 confidence: 90, verified: true, ports: [udp/2, tcp/1, tcp/1], select: { tag: [a, b] } }]",
            ),
            (
                "limits",
                " { widestIpv4: 20, widestIpv6: 40, change: { percent: 10, entries: 0 }, \
                 leastEntries: 2, mostEntries: 9, mostOctets: 1MiB, privateRanges: true }",
            ),
            (
                "transport",
                " { timeout: 5s, proxy: \"socks5://192.0.2.9:1080\", caFile: /etc/ca.pem, \
                 headers: { Authorization: \"env:TOKEN\" }, private: true }",
            ),
            ("trust", &format!(" {{ sha256: \"{}\" }}", "0f".repeat(32))),
        ]),
    )
    .unwrap();
    let feed = &feeds[0];
    let Format::Csv(csv) = &feed.format else { panic!("{:?}", feed.format) };
    assert_eq!((csv.delimiter, csv.columns.tag.as_deref()), (b'\t', Some("region")));
    assert_eq!(feed.transport.timeout, Duration::from_secs(5));
    assert_eq!(feed.transport.headers, [("Authorization".into(), "env:TOKEN".into())]);
    assert_eq!(feed.limits.most_octets.get(), 1 << 20);
    assert!(feed.limits.private_ranges && feed.transport.private && !feed.enabled);
    assert_eq!(feed.outputs[0].ports.len(), 2);
    assert_eq!(feed.outputs[0].select[0].any, ["a", "b"]);

    let elsewhere = [("file", " /srv/list.txt"), ("directory", " /srv/lists")];
    for (key, value) in elsewhere {
        let feed = parse("own.yaml", &document(&[("urls", ""), (key, value)])).unwrap();
        assert!(!matches!(feed[0].location, Location::Urls(_)), "{key}");
    }
    let id = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
    let taxii = format!(" {{ root: \"https://taxii.example.com/api/\", collection: {id} }}");
    let feed = document(&[("urls", ""), ("taxii", &taxii), ("format", " stix")]);
    assert!(matches!(parse("own.yaml", &feed).unwrap()[0].location, Location::Taxii { .. }));
}

#[test]
fn a_later_feed_of_the_same_name_replaces_the_earlier() {
    let own = document(&[]).replace("name: own", "name: tor-relays");
    let all = load([("own.yaml", &*own)]).unwrap();
    assert_eq!(all.len(), feeds().len());
    let tor = all.iter().find(|feed| feed.name == "tor-relays").unwrap();
    assert_eq!(tor.owner, "netsec");
    let twice = format!("{own}---\n{own}");
    let mistakes = parse("own.yaml", &twice).unwrap_err();
    assert!(mistakes[0].to_string().contains("there twice"), "{mistakes:?}");
}

#[test]
fn a_mistake_has_its_place_and_a_way_out() {
    let output = |fields: &str| format!(" [{{ {fields} }}]");
    for (changes, part) in [
        (&[("urls", "")][..], "one of `urls`"),
        (&[("file", " /srv/a")], "one of `urls`"),
        (&[("urls", " []")], "`urls` is empty"),
        (&[("urls", " [\"http://lists.example.com/a\"]")], "private: true"),
        (&[("urls", " [lists.example.com]")], "https://host/path"),
        (&[("url", " x")], "did you mean `urls`"),
        (&[("format", " txt")], "did you mean `text`"),
        (&[("format", " tor-exits")], "tor-exit-addresses"),
        (&[("format", " csv")], "csv: { header: true"),
        (&[("csv", " { subject: 1 }")], "only `format: csv`"),
        (&[("format", " csv"), ("csv", " { subject: prefix }")], "a number from 1"),
        (&[("format", " csv"), ("csv", " { subject: 1, delimiter: ab }")], "one character"),
        (&[("format", " json"), ("json", " { items: a, subjects: [$.b] }")], "RFC 9535"),
        (&[("format", " json"), ("json", " { items: $.a, subjects: [] }")], "`subjects` is empty"),
        (&[("format", " domain-list")], "list: category-ai"),
        (&[("list", " a")], "only `format: domain-list`"),
        (&[("schedule", " \"17 4 * * *\"")], "seconds come first"),
        (&[("schedule", " \"0 61 4 * * *\"")], "\"61\" is nothing for the field minutes"),
        (&[("outputs", "")], "it has no `outputs`"),
        (&[("format", " ip-to-asn")], "makes no endpoints"),
        (&[("outputs", &output("endpoint: own, title: Own, kind: vpn"))], "provider/service"),
        (&[("outputs", &output("endpoint: Own/x, title: Own, kind: vpn"))], "not a slug"),
        (&[("outputs", &output("endpoint: own/x, title: ' ', kind: vpn"))], "no title"),
        (&[("outputs", &output("endpoint: own/x, title: a, kind: vpm"))], "did you mean `vpn`"),
        (
            &[("outputs", &output("endpoint: own/x, title: a, kind: vpn, select: { flag: [] }"))],
            "no value",
        ),
        (&[("limits", " { widestIpv4: 7 }")], "from 8 to 32"),
        (&[("limits", " { widestIpv6: 129 }")], "from 16 to 128"),
        (&[("limits", " { leastEntries: 5, mostEntries: 4 }")], "`mostEntries` is less"),
        (&[("limits", " { mostEntries: 0, leastEntries: 0 }")], "or 0"),
        (&[("limits", " { mostOctets: 0 }")], "is not a size"),
        (&[("limits", " { mostOctets: 99999999999GiB }")], "is not a size"),
        (&[("limits", " { change: { percent: 101 } }")], "percentage"),
        (&[("trust", " { sha256: ABC }")], "64 digits"),
        (
            &[("trust", " { minisign: { key: x, signature: \"https://a.example.com/\" } }")],
            "56 characters",
        ),
        (&[("transport", " { timeout: 0s }")], "from 1s to 1h"),
        (&[("transport", " { timeout: forever }")], "from 1s to 1h"),
        (&[("transport", " { proxy: 192.0.2.1 }")], "not a proxy"),
        (&[("transport", " { headers: { Authorization: hunter2 } }")], "secret's reference"),
        (&[("transport", " { headers: { \"a b\": \"env:X\" } }")], "not a header's name"),
        (&[("urls", ""), ("taxii", " { root: \"https://a.example.com\", collection: x }")], "stix"),
    ] {
        let mistakes = parse("own.yaml", &document(changes)).expect_err(part);
        let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        let found = told.iter().find(|message| message.contains(part));
        assert!(found.is_some(), "{changes:?} lacks {part:?}: {told:#?}");
        assert!(found.unwrap().starts_with("own.yaml:"), "{told:?}");
    }
    // A secret that stands in the file is not repeated.
    let secret = document(&[("urls", " [\"https://user:hunter2@lists.example.com/\"]")]);
    let mistake = &parse("own.yaml", &secret).unwrap_err()[0];
    assert!(!mistake.message.contains("hunter2"), "{mistake}");
}

#[test]
fn the_wrong_or_hostile_document_is_refused() {
    let mut bomb = String::from("apiVersion: sark/v1\na: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..40 {
        let last = level - 1;
        bomb.push_str(&format!("a{level}: &a{level} [*a{last}, *a{last}, *a{last}, *a{last}]\n"));
    }
    let many = format!(" [{}\"https://a.example.com/\"]", "\"x\", ".repeat(100_000));
    for text in [
        document(&[]).replace("EndpointFeed", "EndpointOverlay"),
        document(&[]).replace("sark/v1", "sark/v2"),
        document(&[]).replace("owner: netsec", "owner: ' '"),
        document(&[]).replace("name: own", "name: Own List"),
        "kind: EndpointFeed\n".into(),
        "- a\n".into(),
        "{ unclosed: [".into(),
        "\u{0}".into(),
        document(&[("outputs", &format!(" {}", "[".repeat(100_000)))]),
        document(&[("urls", &many)]),
        bomb,
    ] {
        let mistakes = parse("hostile.yaml", &text).unwrap_err();
        assert!(!mistakes.is_empty() && mistakes.iter().all(|m| m.to_string().len() < 4000));
    }
}
