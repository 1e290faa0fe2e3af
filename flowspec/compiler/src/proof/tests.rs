//! That the proof sees what is wrong.

use sark_flowspec::{Action, Afi, Rate};

use super::*;
use crate::Profile;
use crate::aggregate::Evidence;
use crate::emit::place;
use crate::intent::{Decider, Intent};
use crate::region::TCP;

fn net(text: &str) -> Net {
    text.parse::<ipnet::IpNet>().unwrap().into()
}

/// "high" accepts TCP ports 8000–9000 from 10.0.0.0/8; "low" drops ports 443 and 8443 to
/// 198.18.0.0/15.
fn intents() -> Intents {
    let mut intents = Intents::default();
    let accept = intents.action(Vec::new());
    let drop = intents.action(vec![Action::TrafficRateBytes { asn: 0, rate: Rate::DROP }]);
    for (name, priority) in [("high", 2), ("low", 1)] {
        intents.deciders.push(Decider {
            name: name.into(),
            file: "test.yaml".into(),
            line: 1,
            priority,
            to_line: 1,
        });
    }
    let tcp = Region::all(false).with(Field::Protocol, Ranges::span(TCP, TCP));
    let ports = |ranges: &[(u32, u32)]| {
        tcp.clone().with(Field::DestinationPort, Ranges::of(ranges.iter().copied()))
    };
    let to =
        Evidence { net: net("198.18.0.0/15"), endpoints: Vec::new(), literal: true, joins: true };
    intents.intents.push(Intent {
        decider: 0,
        afi: Afi::Ipv4,
        destinations: None,
        sources: Some(vec![net("10.0.0.0/8")]),
        region: ports(&[(8000, 9000)]),
        action: accept,
        means: 0,
    });
    intents.intents.push(Intent {
        decider: 1,
        afi: Afi::Ipv4,
        destinations: Some(vec![to]),
        sources: None,
        region: ports(&[(443, 443), (8443, 8443)]),
        action: drop,
        means: 0,
    });
    intents
}

fn board(intents: &Intents) -> (Board, Vec<(Rule, Nlri)>) {
    let profile = Profile::named("frr").unwrap();
    let board = Board::build(intents, Afi::Ipv4, &profile).unwrap();
    let placed = place(&board).unwrap();
    (board, placed)
}

#[test]
fn what_was_made_holds() {
    let intents = intents();
    let (mut board, placed) = board(&intents);
    assert_eq!(placed.len(), 3);
    prove(&mut board, &placed, &intents).unwrap();
}

#[test]
fn a_missing_exception_is_seen() {
    let intents = intents();
    let (mut board, mut placed) = board(&intents);
    placed.retain(|(rule, _)| !rule.exception);
    assert_eq!(placed.len(), 2);
    let broken = prove(&mut board, &placed, &intents).unwrap_err();
    assert_eq!((broken.high, broken.low), (0, 1));
    let (to, from, region) = *broken.example;
    let packet = crate::example::packet(Afi::Ipv4, to, from, &region);
    assert_eq!(packet, "tcp 10.0.0.0:50000 > 198.18.0.0:8443");
}

#[test]
fn a_missing_rule_is_seen() {
    let intents = intents();
    let (mut board, mut placed) = board(&intents);
    placed.retain(|(rule, _)| rule.decider == 0);
    let broken = prove(&mut board, &placed, &intents).unwrap_err();
    assert_eq!(broken.statement, "some of its packets have no rule");
}

#[test]
fn a_foreign_action_a_wider_rule_and_other_components_are_seen() {
    let intents = intents();
    let (mut board, good) = board(&intents);
    let last = good.len() - 1;
    let mut bad = good.clone();
    bad[last].0.action = 1;
    assert!(prove(&mut board, &bad, &intents).is_err());
    let mut bad = good.clone();
    bad[0].0.intent = 1;
    assert!(prove(&mut board, &bad, &intents).is_err());
    let mut bad = good.clone();
    bad[last].1 = Nlri::parse(Afi::Ipv4, "src 10.0.0.0/8 proto =6 dport >=8000&<=9001").unwrap();
    assert!(prove(&mut board, &bad, &intents).is_err());
    let mut bad = good;
    bad.swap(0, 1);
    assert!(prove(&mut board, &bad, &intents).is_err());
}
