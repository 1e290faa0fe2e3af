//! That pieces say what their region says, in the codec's own reading of packets.

use proptest::prelude::*;
use sark_flowspec::{Fragment, Packet};

use super::*;
use crate::intent::Intent;
use crate::region::fragment;

fn set(field: Field, v6: bool) -> impl Strategy<Value = Option<Ranges>> {
    let top: u32 = match field {
        Field::Protocol => 18,
        Field::Dscp => 63,
        Field::Fragment if v6 => 3,
        Field::Fragment => 7,
        _ => 255,
    };
    let values = proptest::collection::vec((0..=top, 0u32..4), 1..7).prop_map(move |all| {
        Ranges::of(all.into_iter().map(|(v, n): (u32, u32)| (v, (v + n).min(top))))
    });
    proptest::option::weighted(0.4, values)
}

fn region(v6: bool) -> impl Strategy<Value = Region> {
    let sets = Field::ALL.map(|field| set(field, v6).boxed()).to_vec();
    sets.prop_map(move |sets| {
        let given = Field::ALL.into_iter().zip(sets);
        let given = given.filter_map(|(field, set)| Some((field, set?)));
        given.fold(Region::all(v6), |region, (field, set)| region.with(field, set))
    })
}

/// A packet with fields that a stack could send.
fn packet(v6: bool) -> impl Strategy<Value = Packet> {
    let fields = (0u8..19, 0u16..260, 0u16..260, 0u16..256, 0u16..260, 0u8..64, 0u32..8);
    fields.prop_map(move |(protocol, source, destination, flags, length, dscp, state)| {
        let address = if v6 { "2001:db8::1" } else { "192.0.2.1" };
        let offset = state & fragment::OFFSET != 0;
        let ports = matches!(protocol, 6 | 17) && !offset;
        Packet {
            source: address.parse().unwrap(),
            destination: address.parse().unwrap(),
            protocol,
            source_port: ports.then_some(source),
            destination_port: ports.then_some(destination),
            icmp_type: None,
            icmp_code: None,
            tcp_flags: (protocol == 6 && !offset).then_some(flags),
            length,
            dscp,
            fragment: Fragment {
                dont: !v6 && state & fragment::DONT != 0,
                more: state & fragment::MORE != 0,
                offset,
            },
            flow_label: v6.then_some(0),
        }
    })
}

fn meant(region: &Region, packet: &Packet, afi: Afi) -> bool {
    let all = Intent {
        decider: 0,
        afi,
        destinations: None,
        sources: None,
        region: region.clone(),
        action: 0,
        means: 0,
    };
    all.matches(packet)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn pieces_match_what_the_region_means(
        (v6, region, packets) in any::<bool>().prop_flat_map(|v6| {
            (Just(v6), region(v6), proptest::collection::vec(packet(v6), 40))
        }),
        profile in prop_oneof![Just("strict"), Just("frr"), Just("bird")],
    ) {
        let afi = if v6 { Afi::Ipv6 } else { Afi::Ipv4 };
        let mut tails = Tails::new(afi, &Profile::named(profile).unwrap());
        let pieces = tails.pieces(&region).unwrap();
        prop_assert_eq!(pieces.is_empty(), region.is_empty());
        for packet in &packets {
            let hits = pieces.iter().filter(|&&piece| match &tails.list[piece as usize].nlri {
                Some(nlri) => nlri.matches(packet),
                None => true,
            });
            let hits = hits.count();
            prop_assert!(hits <= 1, "pieces are disjoint");
            prop_assert_eq!(hits == 1, meant(&region, packet, afi));
        }
    }

    #[test]
    fn algebra_agrees_with_packets(
        a in region(false), b in region(false),
        packets in proptest::collection::vec(packet(false), 40),
    ) {
        let (both, rest) = (a.intersect(&b), a.minus(&b));
        for packet in &packets {
            let is = |region: &Region| meant(region, packet, Afi::Ipv4);
            prop_assert_eq!(is(&both), is(&a) && is(&b));
            prop_assert_eq!(rest.iter().any(is), is(&a) && !is(&b));
            prop_assert_eq!(is(&a.narrowed()), is(&a));
            if a.includes(&b.narrowed()) {
                prop_assert!(is(&a) || !is(&b));
            }
            prop_assert!(!a.is_empty() || !is(&a));
        }
    }
}
