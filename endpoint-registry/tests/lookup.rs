//! The indexes give what a plain scan over all endpoints gives.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::{collection::vec, prelude::*, sample::select};
use sark_registry::{Endpoint, Kind, NamePattern, Provenance, Role, Sharedness, Snapshot, State};

fn endpoint(id: &str, prefixes: Vec<IpNet>, names: Vec<NamePattern>) -> Endpoint {
    let at = "2026-11-21T00:00:00Z".parse().unwrap();
    let source = "https://example.com/ranges".to_owned();
    Endpoint {
        id: id.to_owned(),
        provider: id.split_once('/').unwrap().0.to_owned(),
        title: "Example".to_owned(),
        kind: Kind::Api,
        role: Role::Ingress,
        sharedness: Sharedness::Dedicated,
        confidence: 90,
        verified: true,
        state: State::Active,
        names,
        prefixes,
        ports: Vec::new(),
        expires_at: None,
        price_ref: None,
        learned: Vec::new(),
        layers: Vec::new(),
        shared: Vec::new(),
        sources: vec![Provenance { source, first_seen: at, last_seen: at }],
    }
}

/// Few distinct bits, so that prefixes nest and repeat; sometimes all others set, so that they lie
/// beside each other and end with the address space.
fn prefix() -> impl Strategy<Value = IpNet> {
    let v4 = (any::<u32>(), 0..=32u8, any::<bool>()).prop_map(|(bits, length, ones)| {
        let bits = if ones { bits | !0xc101_8103 } else { bits & 0xc101_8103 };
        IpNet::from(Ipv4Net::new(bits.into(), length).unwrap()).trunc()
    });
    let v6 = (any::<u128>(), 0..=128u8, any::<bool>()).prop_map(|(bits, length, ones)| {
        const FEW: u128 = 0xc000_0001_0000_0100_8000_0000_0000_0003;
        let bits = if ones { bits | !FEW } else { bits & FEW };
        IpNet::from(Ipv6Net::new(bits.into(), length).unwrap()).trunc()
    });
    prop_oneof![v4, v6]
}

/// An address at or beside an edge of a prefix.
fn near(prefix: IpNet, which: u8) -> IpAddr {
    let step = |address: IpAddr, by: i8| match address {
        IpAddr::V4(a) => IpAddr::V4(a.to_bits().wrapping_add_signed(by.into()).into()),
        IpAddr::V6(a) => IpAddr::V6(a.to_bits().wrapping_add_signed(by.into()).into()),
    };
    match which % 4 {
        0 => prefix.network(),
        1 => prefix.broadcast(),
        2 => step(prefix.network(), -1),
        _ => step(prefix.broadcast(), 1),
    }
}

fn registry() -> impl Strategy<Value = Vec<Endpoint>> {
    vec(vec(prefix(), 0..8), 1..12).prop_map(|lists| {
        let ids = (0..).map(|number| format!("p{number}/api"));
        ids.zip(lists).map(|(id, prefixes)| endpoint(&id, prefixes, Vec::new())).collect()
    })
}

/// Every prefix that `takes`, with its endpoint.
fn scan(snapshot: &Snapshot, takes: impl Fn(&IpNet) -> bool) -> Vec<(IpNet, String)> {
    let all = snapshot.endpoints().iter();
    let pairs = all.flat_map(|e| e.prefixes.iter().map(move |prefix| (*prefix, e.id.clone())));
    pairs.filter(|(prefix, _)| takes(prefix)).collect()
}

fn label() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "b", "api", "ab", "x-a"])
}

fn name() -> impl Strategy<Value = String> {
    vec(label(), 2..6).prop_map(|labels| labels.join("."))
}

fn pattern() -> impl Strategy<Value = NamePattern> {
    let star =
        select(vec!["*", "a*", "*a", "*b*"]).prop_filter("one", |s| s.matches('*').count() == 1);
    let wild = (vec(label(), 0..3), star, vec(label(), 2..4)).prop_map(|(before, star, after)| {
        before.into_iter().chain([star]).chain(after).collect::<Vec<_>>().join(".")
    });
    prop_oneof![name(), wild].prop_map(|text| text.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn an_address_finds_what_a_scan_finds(
        endpoints in registry(), pick in any::<prop::sample::Index>(), which in 0..4u8,
    ) {
        let snapshot = Snapshot::build(endpoints);
        let all = scan(&snapshot, |_| true);
        prop_assume!(!all.is_empty());
        let address = near(pick.get(&all).0, which).to_canonical();
        let mut expected = scan(&snapshot, |prefix| prefix.contains(&address));
        expected.sort_by(|(a, a_id), (b, b_id)| {
            b.prefix_len().cmp(&a.prefix_len()).then_with(|| a_id.cmp(b_id))
        });
        let hits = snapshot.lookup_address(address);
        prop_assert_eq!(snapshot.longest_match(address), hits.first().copied());
        let found: Vec<_> = hits.iter().map(|hit| (hit.prefix, hit.endpoint.id.clone())).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_prefix_finds_what_a_scan_finds(
        endpoints in registry(), other in prefix(), own in any::<bool>(),
        pick in any::<prop::sample::Index>(),
    ) {
        let snapshot = Snapshot::build(endpoints);
        let all = scan(&snapshot, |_| true);
        prop_assume!(!all.is_empty());
        let asked = if own { pick.get(&all).0 } else { other };
        let covers = |prefix: &IpNet| prefix.contains(&asked);
        let mut expected = scan(&snapshot, covers);
        expected.sort_by(|(a, a_id), (b, b_id)| {
            b.prefix_len().cmp(&a.prefix_len()).then_with(|| a_id.cmp(b_id))
        });
        let mut inside = scan(&snapshot, |prefix| asked.contains(prefix) && !covers(prefix));
        inside.sort();
        expected.extend(inside);
        let hits = snapshot.overlapping(asked);
        let found: Vec<_> = hits.iter().map(|hit| (hit.prefix, hit.endpoint.id.clone())).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_name_finds_what_a_scan_finds(
        lists in vec(vec(pattern(), 0..5), 1..10), asked in name(),
    ) {
        let ids = (0..).map(|number| format!("p{number}/api"));
        let endpoints = ids.zip(lists).map(|(id, names)| endpoint(&id, Vec::new(), names)).collect();
        let snapshot = Snapshot::build(endpoints);
        let mut expected: Vec<_> = snapshot.endpoints().iter()
            .flat_map(|e| e.names.iter().map(move |name| (name.to_string(), e.id.clone())))
            .filter(|(name, _)| name.parse::<NamePattern>().unwrap().matches(&asked))
            .collect();
        let hits = snapshot.lookup_name(&format!("{}.", asked.to_uppercase()));
        let mut found: Vec<_> = hits.iter()
            .map(|hit| (hit.pattern.to_string(), hit.endpoint.id.clone())).collect();
        // Exact first, then by length of what follows the wildcard's label.
        let suffix = |name: &str| match name.split_once('*') {
            None => usize::MAX,
            Some((_, after)) => after.split_once('.').unwrap().1.len(),
        };
        prop_assert!(found.is_sorted_by_key(|(name, _)| std::cmp::Reverse(suffix(name))));
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn the_version_is_of_the_content_alone(endpoints in registry(), seed in any::<u64>()) {
        let version = |endpoints: &[Endpoint]| Snapshot::build(endpoints.to_vec()).version().clone();
        let mut other = endpoints.clone();
        other.rotate_left(seed as usize % endpoints.len());
        for endpoint in &mut other {
            endpoint.prefixes.reverse();
            endpoint.prefixes.extend_from_within(..);
        }
        prop_assert_eq!(version(&other), version(&endpoints));
        other[0].confidence += 1;
        prop_assert_ne!(version(&other), version(&endpoints));
    }
}

/// Of any sharedness, state and owner.
fn world() -> impl Strategy<Value = Vec<Endpoint>> {
    let kinds = (select(Sharedness::ALL), select(State::ALL), any::<bool>(), 0..3u8);
    vec((vec(prefix(), 0..6), kinds), 1..12).prop_map(|lists| {
        type Drawn = (Vec<IpNet>, (Sharedness, State, bool, u8));
        let one = |(number, (prefixes, (sharedness, state, verified, site))): (usize, Drawn)| {
            let plain = endpoint(&format!("p{number}/api"), prefixes, Vec::new());
            let mut one = Endpoint { sharedness, state, verified, ..plain };
            one.sources[0].source = format!("https://docs{number}.site{site}.example/");
            one
        };
        lists.into_iter().enumerate().map(one).collect()
    })
}

/// [`Snapshot::effective_sharedness`], by looking at everybody.
fn shared(snapshot: &Snapshot, endpoint: &Endpoint, own: IpNet, part: IpNet) -> Sharedness {
    let site =
        |endpoint: &Endpoint| endpoint.sources[0].source.split_once('.').unwrap().1.to_owned();
    let others = snapshot.endpoints().iter().filter(|other| {
        matches!(other.state, State::Active | State::Draining)
            && matches!(other.sharedness, Sharedness::Cloud | Sharedness::Cdn)
    });
    let counts = |other: &&Endpoint, range: &&IpNet| {
        let overlap = range.contains(&part) || part.contains(*range);
        let wider = range.prefix_len() < own.prefix_len() && range.contains(&own);
        overlap && !(wider && endpoint.verified && site(other) == site(endpoint))
    };
    let marks = others.flat_map(|other| other.prefixes.iter().map(move |range| (other, range)));
    let marks = marks.filter(|(other, range)| counts(other, range));
    let widest = marks.map(|(other, _)| other.sharedness).max().unwrap_or(Sharedness::Dedicated);
    widest.max(endpoint.sharedness)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_else_lives_there_is_what_a_scan_finds(
        endpoints in world(), pick in any::<prop::sample::Index>(), which in 0..4u8,
        other in prefix(),
    ) {
        let snapshot = Snapshot::build(endpoints);
        for endpoint in snapshot.endpoints() {
            for net in &endpoint.prefixes {
                let found = snapshot.effective_sharedness(endpoint, *net);
                prop_assert_eq!(found, shared(&snapshot, endpoint, *net, *net));
                let (same, reasons) = snapshot.sharedness(endpoint, *net);
                prop_assert_eq!(found, same);
                prop_assert_eq!(found > endpoint.sharedness, reasons.len() > 1);
            }
        }
        // An answer is about what was asked; the short one is the first of the long one.
        let all = scan(&snapshot, |_| true);
        prop_assume!(!all.is_empty());
        let address = near(pick.get(&all).0, which).to_canonical();
        for asked in [IpNet::from(address), other] {
            let query = if asked == other { other.to_string() } else { address.to_string() };
            let answer = snapshot.answer(&query).unwrap();
            for found in &answer.matches {
                let own: IpNet = found.matched.parse().unwrap();
                let part = if own.contains(&asked) { asked } else { own };
                prop_assert_eq!(found.sharedness, shared(&snapshot, found.endpoint, own, part));
            }
            let best = snapshot.best(&query).unwrap();
            let best = best.map(|best| (&best.endpoint.id, best.matched, best.sharedness));
            let first = answer.matches.first();
            let first = first.map(|it| (&it.endpoint.id, it.matched.clone(), it.sharedness));
            prop_assert_eq!(best, first);
            prop_assert_eq!(answer.matches.len() + answer.left_out, snapshot.overlaps(asked).count());
        }
    }
}

/// What is in a wide prefix is told up to a number, and the rest counted.
#[test]
fn an_answer_has_an_end() {
    let host =
        |number: u32| IpNet::from(std::net::IpAddr::from((0x0a00_0000 + number).to_be_bytes()));
    let hosts: Vec<IpNet> = (0..3000).map(host).collect();
    let names: Vec<NamePattern> = vec!["*.example.com".parse().unwrap()];
    let many = (0..150).map(|number| {
        let mut prefixes = hosts[number * 20..][..20].to_vec();
        prefixes.push("10.0.0.0/8".parse().unwrap());
        let endpoint = endpoint(&format!("p{number}/api"), prefixes, names.clone());
        Endpoint { sharedness: Sharedness::Cloud, ..endpoint }
    });
    let whole = endpoint("whole/api", vec!["10.0.0.0/8".parse().unwrap()], Vec::new());
    let snapshot = Snapshot::build(many.chain([whole]).collect());
    for (query, all) in
        [("10.0.0.0/8", 3151), ("10.0.0.0/16", 3151), ("10.0.0.7", 152), ("a.example.com", 150)]
    {
        let answer = snapshot.answer(query).unwrap();
        assert_eq!((answer.matches.len(), answer.left_out), (100, all - 100), "{query}");
    }
    let answer = snapshot.answer("10.0.11.0/24").unwrap();
    assert_eq!((answer.matches.len(), answer.left_out), (100, 151 + 184 - 100));
    let (shared, reasons) =
        snapshot.sharedness(snapshot.by_id("whole/api").unwrap(), "10.0.0.0/8".parse().unwrap());
    assert_eq!(shared, Sharedness::Cloud);
    assert!((2..=40).contains(&reasons.len()), "{}", reasons.len());
}

/// The short answer is the first of the long one.
#[test]
fn the_best_answer_is_the_first() {
    let snapshot = sark_registry::load([]).unwrap();
    for query in
        ["160.79.104.10", "104.16.0.1", "api.openai.com", "x.openai.azure.com", "192.0.2.1"]
    {
        let long = snapshot.answer(query).unwrap();
        let best = snapshot.best(query).unwrap();
        let best = best.map(|best| (&best.endpoint.id, best.matched, best.sharedness));
        let first = long.matches.into_iter().next();
        let first = first.map(|first| (&first.endpoint.id, first.matched, first.sharedness));
        assert_eq!(best, first, "{query}");
    }
    assert!(snapshot.best("openai").is_err());
}

#[test]
fn of_one_id_the_later_wins() {
    let early = endpoint("p/api", vec!["192.0.2.0/24".parse().unwrap()], Vec::new());
    let late = endpoint("p/api", vec!["198.51.100.0/24".parse().unwrap()], Vec::new());
    let snapshot = Snapshot::build(vec![early, late.clone()]);
    assert_eq!(snapshot.endpoints(), [late]);
    assert!(snapshot.lookup_address("192.0.2.1".parse().unwrap()).is_empty());
    assert_eq!(snapshot.lookup_address("::ffff:198.51.100.1".parse().unwrap()).len(), 1);
}

#[test]
fn providers_and_ids_are_found() {
    let ids = ["a/api", "a/chat", "a-b/api", "ab/api", "b/api"];
    let endpoints = ids.iter().map(|id| endpoint(id, Vec::new(), Vec::new())).collect();
    let snapshot = Snapshot::build(endpoints);
    let ids = |slug| snapshot.by_provider(slug).map(|e| e.id.as_str()).collect::<Vec<_>>();
    assert_eq!(ids("a"), ["a/api", "a/chat"]);
    assert_eq!(ids("a-b"), ["a-b/api"]);
    assert_eq!(ids("b"), ["b/api"]);
    assert!(ids("c").is_empty() && ids("").is_empty());
    let mut providers: Vec<_> = snapshot.providers().collect();
    providers.sort_unstable();
    assert_eq!(providers, ["a", "a-b", "ab", "b"]);
    assert_eq!(snapshot.by_id("a-b/api").map(|e| e.id.as_str()), Some("a-b/api"));
    assert_eq!(snapshot.by_id("a"), None);
}

#[test]
fn nothing_is_found_in_an_empty_registry() {
    let snapshot = Snapshot::build(Vec::new());
    assert!(snapshot.lookup_address("192.0.2.1".parse().unwrap()).is_empty());
    assert!(snapshot.overlapping("::/0".parse().unwrap()).is_empty());
    for name in ["", ".", "com", "a..b", "api.example.com", "\u{202e}", "ａpi.example"] {
        assert!(snapshot.lookup_name(name).is_empty());
    }
}
