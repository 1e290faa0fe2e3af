use sark_flowspec::speaker::contract::every_kind;
use sark_flowspec::{LargeCommunity, NumericItem, Width};

use super::*;

fn route(nlri: Nlri, actions: Vec<Action>) -> Route {
    let large_community = LargeCommunity { global: 64512, local1: 1, local2: 1 };
    Route { nlri, actions, large_community }
}

fn text(afi: Afi, text: &str) -> Nlri {
    Nlri::parse(afi, text).unwrap()
}

/// The reason, as both calls must give it.
fn refusal(nlri: &Nlri) -> String {
    let by_route = routes(&[route(nlri.clone(), vec![])]).map_err(|error| error.to_string());
    let by_nlri = nlris(std::slice::from_ref(nlri)).map_err(|error| error.to_string());
    assert_eq!(by_route, by_nlri);
    by_route.expect_err("it must be refused")
}

#[test]
fn what_the_contract_announces_is_sendable() {
    routes(&every_kind()).unwrap();
    assert!(routes(&[]).is_ok());
}

#[test]
fn a_long_rule() {
    // 6 + 1 + 3 * 77 octets, and one item more.
    let ports = |count: u64| {
        let items = (0..count).map(|port| NumericItem::new(NumericOp::Equal, 1000 + 2 * port));
        let prefix = ipnet::IpNet::V4("192.0.2.1/32".parse().unwrap());
        Nlri::new(
            Afi::Ipv4,
            vec![
                Component::Destination(prefix.into()),
                Component::DestinationPort(items.collect()),
            ],
        )
        .unwrap()
    };
    assert_eq!(ports(77).body_len(), 238);
    nlris(&[ports(77)]).unwrap();
    assert_eq!(ports(78).body_len(), 241);
    assert!(refusal(&ports(78)).contains("241 octets"));
}

#[test]
fn ipv6_prefixes_that_gobgpd_spoils() {
    assert!(refusal(&text(Afi::Ipv6, "dst ::1:0:0:0/80-64")).contains("offset"));
    assert!(refusal(&text(Afi::Ipv6, "dst ::ffff:192.0.2.1/128")).contains("IPv4"));
    assert!(refusal(&text(Afi::Ipv6, "src ::ffff:0.0.0.0/96")).contains("IPv4"));
    nlris(&[text(Afi::Ipv6, "dst ::/0"), text(Afi::Ipv6, "dst ::1/128")]).unwrap();
}

/// NS, as one of the flags that gobgpd does not print.
#[test]
fn tcp_flags_that_gobgpd_mixes_up() {
    let reason = refusal(&text(Afi::Ipv4, "dst 192.0.2.1/32 tcp-flags =0x102"));
    assert!(reason.contains("258 from 2"), "{reason}");
    nlris(&[text(Afi::Ipv4, "dst 192.0.2.1/32 tcp-flags =0xff")]).unwrap();
}

/// Octets that decode and must not be sent on.
#[test]
fn what_peers_may_send_and_we_may_not() {
    for (octets, word) in [
        (&[0x03, 0x03, 0x80, 0x06][..], "always true or always false"),
        (&[0x03, 0x03, 0x87, 0x06], "always true or always false"),
        // 2^32: kills gobgpd 3.10.
        (&[0x0a, 0x05, 0xb1, 0, 0, 0, 1, 0, 0, 0, 0], "beyond the field"),
        (&[0x06, 0x0a, 0xa1, 0, 1, 0, 0], "beyond the field"),
        // 80 in two octets.
        (&[0x04, 0x05, 0x91, 0, 80], "canonical"),
        // 17 before 6.
        (&[0x05, 0x03, 0x01, 17, 0x81, 6], "canonical"),
        (&[0x03, 0x03, 0x86, 0x06], "canonical"),
    ] {
        let nlri = Nlri::decode(Afi::Ipv4, octets).unwrap_or_else(|e| panic!("{octets:x?}: {e}"));
        let reason = refusal(&nlri);
        assert!(reason.contains(word), "{nlri}: {reason}");
    }
}

/// `Nlri` itself does not hold such components; if it ever did, this is the second line.
#[test]
fn components_that_no_rule_has() {
    let item = NumericItem { width: Width::One, ..NumericItem::new(NumericOp::Equal, 6) };
    for (afi, bad, word) in [
        (Afi::Ipv4, Component::Protocol(vec![]), "no item"),
        (Afi::Ipv4, Component::Protocol(vec![item.and()]), "AND"),
        (Afi::Ipv4, Component::FlowLabel(vec![item]), "flow label"),
        (
            Afi::Ipv6,
            Component::Destination("192.0.2.0/24".parse::<ipnet::IpNet>().unwrap().into()),
            "family",
        ),
        (
            Afi::Ipv4,
            Component::Source("2001:db8::/32".parse::<ipnet::IpNet>().unwrap().into()),
            "family",
        ),
        (
            Afi::Ipv6,
            Component::Fragment(vec![BitmaskItem {
                and: false,
                not: false,
                all: false,
                value: 1,
                width: Width::One,
            }]),
            "beyond",
        ),
    ] {
        let reason = component(afi, &bad).unwrap_err();
        assert!(reason.contains(word), "{bad:?}: {reason}");
    }
}

#[test]
fn an_action_beyond_its_field() {
    let nlri = text(Afi::Ipv4, "dst 192.0.2.1/32");
    let error = routes(&[route(nlri, vec![Action::TrafficMarking { dscp: 64 }])]).unwrap_err();
    assert!(error.to_string().contains("DSCP 64"), "{error}");
}
