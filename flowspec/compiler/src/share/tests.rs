use ipnet::IpNet;
use proptest::prelude::*;

use super::*;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn sharers(up: &[bool]) -> Vec<Sharer<'static>> {
    NAMES.iter().zip(up).map(|(name, is_up)| Sharer { name, is_up: *is_up }).collect()
}

fn net(text: &str) -> Net {
    text.parse::<IpNet>().unwrap().into()
}

fn sources_of(shares: &[Share], afi: Afi) -> Vec<Vec<String>> {
    let text = |net: &Net| net.to_ipnet(afi).to_string();
    shares.iter().map(|share| share.sources.iter().map(text).collect()).collect()
}

#[test]
fn one_alone_gets_the_sources_as_they_are() {
    let from = [net("10.20.0.0/16"), net("192.0.2.1/32")];
    let got = shares(Some(&from), Afi::Ipv4, &sharers(&[true]));
    assert_eq!(got, [Share { sources: from.to_vec(), part: 1.0 }]);
    let all = shares(None, Afi::Ipv6, &sharers(&[true]));
    assert_eq!(all[0].sources, [Net::ANY]);
}

#[test]
fn the_last_that_is_up_gets_the_sources_as_they_are() {
    let from = [net("10.20.0.0/16"), net("192.0.2.1/32")];
    let got = shares(Some(&from), Afi::Ipv4, &sharers(&[false, true, false]));
    assert_eq!(sources_of(&got, Afi::Ipv4)[1], ["10.20.0.0/16", "192.0.2.1/32"]);
    assert_eq!((got[0].part, got[1].part, got[2].part), (0.0, 1.0, 0.0));
    for afi in [Afi::Ipv4, Afi::Ipv6] {
        assert_eq!(shares(None, afi, &sharers(&[false, true]))[1].sources, [Net::ANY]);
    }
}

#[test]
fn two_have_half_each_and_a_host_is_not_cut() {
    let from = [net("10.20.0.0/16"), net("192.0.2.1/32")];
    let got = shares(Some(&from), Afi::Ipv4, &sharers(&[true, true]));
    let (a, b) = (&got[0], &got[1]);
    let host = |share: &Share| share.sources.contains(&net("192.0.2.1/32"));
    assert!(host(a) != host(b));
    assert!((a.part - 0.5).abs() < 0.01, "{got:?}");
    // What it is today is what it is after every change of ours: clients do not wander.
    assert_eq!(
        sources_of(&got, Afi::Ipv4),
        [
            vec![
                "10.20.32.0/19",
                "10.20.96.0/19",
                "10.20.128.0/19",
                "10.20.192.0/19",
                "192.0.2.1/32"
            ],
            vec!["10.20.0.0/19", "10.20.64.0/19", "10.20.160.0/19", "10.20.224.0/19"],
        ]
    );
}

#[test]
fn without_from_the_addresses_that_clients_have_are_cut() {
    let got = shares(None, Afi::Ipv6, &sharers(&[true, true]));
    for share in &got {
        assert!((share.part - 0.5).abs() < 0.01, "{got:?}");
    }
    let v4 = shares(None, Afi::Ipv4, &sharers(&[true, true, true, true]));
    assert!(v4.iter().all(|share| (share.part - 0.25).abs() < 0.01), "{v4:?}");
}

/// Disjoint prefixes, from the first octet.
fn prefixes() -> impl Strategy<Value = Vec<Net>> {
    proptest::collection::btree_map(1u128..=60, 6u8..=32, 1..8).prop_map(|found| {
        let net = |(octet, length): (u128, u8)| Net { bits: octet << 122, length };
        found.into_iter().map(net).collect()
    })
}

/// Whose it is.
fn owner(shares: &[Share], address: Net) -> Vec<usize> {
    let has = |share: &Share| share.sources.iter().any(|net| net.contains(address));
    shares.iter().enumerate().filter(|(_, share)| has(share)).map(|(place, _)| place).collect()
}

/// The ends of all parts, which the others' behaviour follows from.
fn addresses_in(from: &[Net], proxies: usize) -> Vec<Net> {
    let parts = from.iter().flat_map(|net| cut(*net, Afi::Ipv4, proxies));
    parts.flat_map(|part| [part.bits, part.last()]).map(|bits| Net { bits, length: 128 }).collect()
}

proptest! {
    #[test]
    fn each_source_has_one_proxy_and_that_is_up(
        from in prefixes(),
        up in proptest::collection::vec(any::<bool>(), 1..=6),
    ) {
        prop_assume!(up.contains(&true));
        let got = shares(Some(&from), Afi::Ipv4, &sharers(&up));
        for address in addresses_in(&from, up.len()) {
            let owners = owner(&got, address);
            prop_assert_eq!(owners.len(), 1);
            prop_assert!(up[owners[0]]);
        }
        // Nothing besides, sorted, disjoint.
        for net in got.iter().flat_map(|share| &share.sources) {
            let inside = |address| from.iter().any(|whole| whole.contains(address));
            let ends = [net.bits, net.last()].map(|bits| Net { bits, length: 128 });
            prop_assert!(ends.into_iter().all(inside));
        }
        for share in &got {
            prop_assert!(share.sources.windows(2).all(|two| two[0].last() < two[1].bits));
        }
        prop_assert!((got.iter().map(|share| share.part).sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn one_that_leaves_moves_its_own_sources_and_no_others(
        from in prefixes(),
        up in proptest::collection::vec(any::<bool>(), 2..=6),
        leaves in 0usize..6,
    ) {
        let leaves = leaves % up.len();
        prop_assume!(up[leaves] && up.iter().filter(|up| **up).count() > 1);
        let before = shares(Some(&from), Afi::Ipv4, &sharers(&up));
        let mut without = up.clone();
        without[leaves] = false;
        let after = shares(Some(&from), Afi::Ipv4, &sharers(&without));
        for address in addresses_in(&from, up.len()) {
            let (was, is) = (owner(&before, address)[0], owner(&after, address)[0]);
            prop_assert!(was == is || was == leaves);
            prop_assert!(is != leaves);
        }
        prop_assert_eq!(shares(Some(&from), Afi::Ipv4, &sharers(&up)), before);
    }

    #[test]
    fn shares_are_nearly_even(bits in 0u128..256, count in 2usize..=6) {
        let from = [Net { bits: bits << 120, length: 8 }];
        let mut up = vec![true; count];
        let even = |up: &[bool]| {
            let got = shares(Some(&from), Afi::Ipv4, &sharers(up));
            got.into_iter().zip(up).filter(|(_, up)| **up).map(|(share, _)| share.part).collect::<Vec<_>>()
        };
        // At most one part more than an even share.
        let part = 1.0 / (EACH * count).next_power_of_two() as f64;
        for share in even(&up) {
            prop_assert!(share < 1.0 / count as f64 + part, "{share}");
        }
        // What one leaves is shared evenly too.
        up[0] = false;
        for share in even(&up) {
            prop_assert!(share < 1.0 / (count - 1) as f64 + 2.0 * part, "{share}");
        }
    }
}
