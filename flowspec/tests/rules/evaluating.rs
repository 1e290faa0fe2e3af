//! Which rule wins, which rules act, and the order by example (RFC 8955 sections 5.1 and 7.3).

use sark_flowspec::{Action, Afi, LargeCommunity, Nlri, Packet, Rate, Route, acting, winner};

const SAMPLE_AND_GO_ON: Action = Action::TrafficAction { sample: true, terminal: true };
const SAMPLE: Action = Action::TrafficAction { sample: true, terminal: false };
const DISCARD: Action = Action::TrafficRateBytes { asn: 0, rate: Rate::DROP };

fn route(text: &str, actions: &[Action]) -> Route {
    Route {
        nlri: Nlri::parse(Afi::Ipv4, text).unwrap(),
        actions: actions.to_vec(),
        large_community: LargeCommunity { global: 65001, local1: 1, local2: 1 },
    }
}

fn texts(routes: Vec<&Route>) -> Vec<String> {
    routes.into_iter().map(|route| route.nlri.to_string()).collect()
}

#[test]
fn the_first_of_the_order_wins_whatever_came_first() {
    let packet = Packet::parse("tcp 10.0.0.1:1 > 192.0.2.1:443").unwrap();
    let rules = [
        route("proto =6", &[DISCARD]),
        route("dst 192.0.2.0/24", &[DISCARD]),
        route("dst 192.0.2.1/32 proto =17", &[DISCARD]),
        route("dst 192.0.2.0/24 proto =6", &[]),
    ];
    assert_eq!(winner(&rules, &packet), Some(&rules[3]));
    assert_eq!(acting(&rules, &packet), [&rules[3]]);
    let other = Packet::parse("udp 10.0.0.1:1 > 198.51.100.1:443").unwrap();
    assert_eq!(winner(&rules, &other), None);
    assert!(acting(&rules, &other).is_empty());
}

/// The T bit set means that evaluation continues.
#[test]
fn the_terminal_bit_continues() {
    let packet = Packet::parse("tcp 10.0.0.1:1 > 192.0.2.1:443").unwrap();
    let rules = [
        route("proto =6", &[DISCARD]),
        route("src 10.0.0.0/8", &[SAMPLE]),
        route("dst 192.0.2.0/24 proto =6", &[SAMPLE_AND_GO_ON, Action::TrafficMarking { dscp: 8 }]),
        route("dst 192.0.2.0/24 proto =17", &[DISCARD]),
    ];
    assert_eq!(texts(acting(&rules, &packet)), ["dst 192.0.2.0/24 proto =6", "src 10.0.0.0/8"]);
    assert_eq!(winner(&rules, &packet), Some(&rules[2]));
    let last = [route("proto =6", &[SAMPLE_AND_GO_ON])];
    assert_eq!(texts(acting(&last, &packet)), ["proto =6"]);
}

#[track_caller]
fn sorted(afi: Afi, texts: &[&str]) {
    let mut rules: Vec<Nlri> = texts.iter().map(|text| Nlri::parse(afi, text).unwrap()).collect();
    rules.reverse();
    rules.sort();
    let sorted: Vec<String> = rules.iter().map(ToString::to_string).collect();
    assert_eq!(sorted, texts);
}

#[test]
fn order_of_ipv4_rules() {
    sorted(
        Afi::Ipv4,
        &[
            "dst 10.0.0.0/24 src 10.1.0.0/16",
            "dst 10.0.0.0/24 src 10.0.0.0/8",
            "dst 10.0.0.0/24 proto =6",
            "dst 10.0.0.0/24",
            // Lower address before more specific when they do not overlap.
            "dst 10.0.0.0/16",
            "dst 10.1.0.0/25",
            "dst 0.0.0.0/0",
            "src 10.0.0.0/8",
            // A list that goes on has no end bit, so its operator octet is lower.
            "proto =6|=17",
            "proto =6",
            "proto =17",
            "dport =80",
            // Two octets: another length in the operator octet.
            "dport =443",
        ],
    );
}

#[test]
fn order_of_ipv6_rules() {
    sorted(
        Afi::Ipv6,
        &[
            "dst 2001:db8::/48",
            "dst 2001:db8::/32",
            "dst ::/0",
            "dst ::1234:0:0:0/80-64",
            "dst ::1234:0:0:0/80-65",
        ],
    );
}

#[test]
fn ipv4_comes_before_ipv6() {
    let four = Nlri::parse(Afi::Ipv4, "proto =17").unwrap();
    let six = Nlri::parse(Afi::Ipv6, "dst ::/0 proto =17").unwrap();
    assert!(four < six);
}
