//! Properties over generated rules, octets and texts.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sark_flowspec::{Action, Afi, ExtendedCommunity, Fragment, Nlri, Packet, RouteTarget};

use crate::generate::{Values, component, family, packet, rule, seed, with_length};
use crate::naive;

fn any_rule(values: Values) -> impl Strategy<Value = (Afi, Vec<u8>)> {
    family().prop_flat_map(move |afi| (Just(afi), rule(afi, values)))
}

fn rules_of_one_family(count: usize) -> impl Strategy<Value = (Afi, Vec<Vec<u8>>)> {
    family().prop_flat_map(move |afi| (Just(afi), vec(rule(afi, Values::Any), count)))
}

fn decode(afi: Afi, octets: &[u8]) -> Nlri {
    Nlri::decode(afi, octets).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn encoding_what_was_decoded_gives_the_same_octets((afi, octets) in any_rule(Values::Any)) {
        let nlri = decode(afi, &octets);
        prop_assert_eq!(nlri.encode(), octets.clone());
        let header = if octets[0] < 0xf0 { 1 } else { 2 };
        prop_assert_eq!(nlri.body_len(), octets.len() - header);
    }

    #[test]
    fn rules_in_a_row_are_read_one_by_one(
        (afi, rules) in rules_of_one_family(3),
    ) {
        let all = rules.concat();
        let mut rest = &all[..];
        for octets in &rules {
            let (nlri, after) = Nlri::decode_first(afi, rest).unwrap();
            prop_assert_eq!(&nlri.encode(), octets);
            rest = after;
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn arbitrary_octets_never_panic(afi in family(), octets in vec(any::<u8>(), 0..80)) {
        if let Ok(nlri) = Nlri::decode(afi, &octets) {
            let again = decode(afi, &nlri.encode());
            prop_assert_eq!(again, nlri);
        }
    }

    /// One octet of a good rule changed: refused, or read as what the octets say.
    #[test]
    fn damaged_rules_never_panic(
        (afi, octets) in any_rule(Values::Any),
        place in any::<prop::sample::Index>(),
        octet: u8,
        cut in any::<prop::sample::Index>(),
    ) {
        let mut damaged = octets.clone();
        *place.get_mut(&mut damaged) = octet;
        if let Ok(nlri) = Nlri::decode(afi, &damaged) {
            prop_assert_eq!(nlri.encode().len(), damaged.len());
            prop_assert_eq!(decode(afi, &nlri.encode()), nlri);
        }
        let short = cut.index(octets.len());
        prop_assert!(Nlri::decode(afi, &octets[..short]).is_err());
    }

    #[test]
    fn the_order_is_the_one_of_a_naive_reading((afi, rules) in rules_of_one_family(2)) {
        let (a, b) = (&rules[0], &rules[1]);
        prop_assert_eq!(decode(afi, a).cmp(&decode(afi, b)), naive::order(afi, a, b));
    }

    #[test]
    fn the_order_is_total((afi, rules) in rules_of_one_family(3)) {
        let [a, b, c] = [0, 1, 2].map(|index| decode(afi, &rules[index]));
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        prop_assert_eq!(a == b, rules[0] == rules[1]);
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }

    #[test]
    fn matching_is_the_one_of_a_naive_reading(
        (afi, octets) in any_rule(Values::Any),
        seeds in vec(seed(), 8),
    ) {
        let nlri = decode(afi, &octets);
        for seed in seeds {
            let packet = packet(afi, &octets, &seed);
            prop_assert_eq!(
                nlri.matches(&packet), naive::matches(afi, &octets, &packet), "{} {:?}", nlri, packet
            );
        }
    }

    #[test]
    fn the_canonical_form_is_idempotent_and_matches_the_same(
        (afi, octets) in any_rule(Values::Any),
        seeds in vec(seed(), 16),
    ) {
        let nlri = decode(afi, &octets);
        let canonical = nlri.canonical();
        prop_assert_eq!(&canonical.canonical(), &canonical);
        // It is a rule that `new` takes, and its octets are read back.
        let made = Nlri::new(afi, canonical.components().to_vec()).unwrap();
        prop_assert_eq!(&made, &canonical);
        prop_assert_eq!(&decode(afi, &canonical.encode()), &canonical);
        for seed in seeds {
            let packet = packet(afi, &octets, &seed);
            prop_assert_eq!(
                nlri.matches(&packet), canonical.matches(&packet),
                "{} is {} {:?}", nlri, canonical, packet
            );
        }
    }

    #[test]
    fn text_reads_what_it_prints((afi, octets) in any_rule(Values::InField)) {
        let nlri = decode(afi, &octets);
        let text = nlri.to_string();
        let read = Nlri::parse(afi, &text).unwrap();
        prop_assert_eq!(read.to_string(), text);
        prop_assert_eq!(read.canonical(), nlri.canonical());
    }

    #[test]
    fn canonical_text_reads_to_the_same_octets((afi, octets) in any_rule(Values::Any)) {
        let canonical = decode(afi, &octets).canonical();
        let read = Nlri::parse(afi, &canonical.to_string()).unwrap();
        prop_assert_eq!(read.encode(), canonical.encode());
    }

    #[test]
    fn arbitrary_text_never_panics(afi in family(), text in ".{0,60}") {
        if let Err(error) = Nlri::parse(afi, &text) {
            prop_assert!(error.at() <= text.len());
        }
        let _ = Packet::parse(&text);
        let _ = text.parse::<RouteTarget>();
    }

    /// Text made of the grammar's own words gets further in.
    #[test]
    fn almost_rules_never_panic(
        afi in family(),
        words in vec(prop::sample::select(vec![
            "dst", "proto", "port", "tcp-flags", "192.0.2.0/24", "::/0", "1::/64-3", "=1", "|", "&",
            " ", "!", "=0x1f", "<=7", "true", "99999999999999999999", "-", "é",
        ]), 0..12),
        space in prop::sample::select(vec!["", " "]),
    ) {
        let text = words.join(space);
        if let Ok(nlri) = Nlri::parse(afi, &text) {
            prop_assert_eq!(&Nlri::parse(afi, &nlri.to_string()).unwrap(), &nlri);
        }
    }

    #[test]
    fn actions_read_what_they_write(octets: [u8; 8], kind in 0..8_usize) {
        const KINDS: [[u8; 2]; 8] = [
            [0x80, 6], [0x80, 12], [0x80, 7], [0x80, 8], [0x81, 8], [0x82, 8], [0x80, 9], [1, 12],
        ];
        let mut octets = octets;
        octets[..2].copy_from_slice(&KINDS[kind]);
        if let Ok(action) = Action::decode(&ExtendedCommunity::Basic(octets)) {
            let action = action.unwrap();
            prop_assert_eq!(Action::decode(&action.encode()), Ok(Some(action)));
        } else {
            prop_assert!(kind < 2);
        }
    }

    #[test]
    fn route_targets_read_what_they_print(asn: u32, value: u32, kind in 0..3) {
        let target = match kind {
            0 => RouteTarget::As2 { asn: asn as u16, value },
            1 => RouteTarget::Ipv4 { address: asn.into(), value: value as u16 },
            _ => RouteTarget::As4 { asn: asn >> (value % 32), value: value as u16 },
        };
        prop_assert_eq!(target.to_string().parse::<RouteTarget>(), Ok(target));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    /// Not near boundaries but every value: protocols, TCP flags, and kinds of fragment.
    #[test]
    fn the_canonical_form_of_a_small_field_matches_every_value_the_same(
        (afi, octets) in family().prop_flat_map(|afi| (
            Just(afi),
            prop::sample::select(vec![3_u8, 9, 12])
                .prop_flat_map(move |kind| component(afi, kind, Values::Any))
                .prop_map(with_length),
        )),
        seed in seed(),
    ) {
        let nlri = decode(afi, &octets);
        let canonical = nlri.canonical();
        let packet = packet(afi, &octets, &seed);
        let fragments = (0..8).map(|bits| {
            let fragment =
                Fragment { dont: bits & 1 != 0, more: bits & 2 != 0, offset: bits & 4 != 0 };
            Packet { fragment, ..packet.clone() }
        });
        let flags = (0..=0xfff).map(|flags| Packet {
            tcp_flags: Some(flags),
            protocol: 6,
            fragment: Fragment::default(),
            ..packet.clone()
        });
        let protocols = (0..=255).map(|protocol| Packet { protocol, ..packet.clone() });
        for packet in fragments.chain(flags).chain(protocols) {
            prop_assert_eq!(
                nlri.matches(&packet), canonical.matches(&packet),
                "{} is {} {:?}", nlri, canonical, packet
            );
        }
    }
}

/// The generators' mix: a property over packets that never match, or always, would show nothing.
#[test]
fn generated_packets_both_hit_and_miss() {
    let mut runner = TestRunner::deterministic();
    let strategy = (any_rule(Values::Any), seed());
    let (mut hits, all) = (0, 2000);
    for _ in 0..all {
        let ((afi, octets), seed) = strategy.new_tree(&mut runner).unwrap().current();
        hits += usize::from(decode(afi, &octets).matches(&packet(afi, &octets, &seed)));
    }
    assert!((all / 10..all * 9 / 10).contains(&hits), "{hits} of {all} packets match");
}
