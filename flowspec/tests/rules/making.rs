//! What `Nlri::new` refuses.

use sark_flowspec::{
    Afi, BitmaskItem, Component, ComponentType, Nlri, NlriError, NumericItem, NumericOp,
    PrefixMatch, Width,
};

fn equal(value: u64) -> NumericItem {
    NumericItem::new(NumericOp::Equal, value)
}

#[track_caller]
fn refused(afi: Afi, components: Vec<Component>, why: NlriError) {
    assert_eq!(Nlri::new(afi, components), Err(why));
}

#[test]
fn components_are_sorted_and_unique() {
    let made = Nlri::new(
        Afi::Ipv4,
        vec![Component::DestinationPort(vec![equal(443)]), Component::Protocol(vec![equal(6)])],
    );
    assert_eq!(made.unwrap().to_string(), "proto =6 dport =443");
    refused(Afi::Ipv4, vec![], NlriError::Empty);
    refused(
        Afi::Ipv4,
        vec![Component::Protocol(vec![equal(6)]), Component::Protocol(vec![equal(17)])],
        NlriError::Repeated { kind: ComponentType::Protocol },
    );
}

#[test]
fn families_do_not_mix() {
    let (kind, afi) = (ComponentType::Destination, Afi::Ipv6);
    let v4 = PrefixMatch::V4("192.0.2.0/24".parse().unwrap());
    refused(afi, vec![Component::Destination(v4)], NlriError::WrongFamily { kind, afi });
    let (kind, afi) = (ComponentType::FlowLabel, Afi::Ipv4);
    refused(afi, vec![Component::FlowLabel(vec![equal(1)])], NlriError::WrongFamily { kind, afi });
}

#[test]
fn prefixes_are_normal() {
    let kind = ComponentType::Source;
    let prefix = PrefixMatch::V4("192.0.2.1/24".parse().unwrap());
    let error = NlriError::HostBits { kind, prefix };
    assert!(error.to_string().ends_with("write 192.0.2.0/24"), "{error}");
    refused(Afi::Ipv4, vec![Component::Source(prefix)], error);
    for (length, offset) in [(0, 1), (64, 64), (129, 0), (129, 128), (64, 255)] {
        let prefix = PrefixMatch::V6 { pattern: "::".parse().unwrap(), length, offset };
        let error = NlriError::BadOffset { kind, length, offset };
        refused(Afi::Ipv6, vec![Component::Source(prefix)], error);
    }
    // A bit before the offset.
    let prefix = PrefixMatch::V6 { pattern: "8000::1".parse().unwrap(), length: 128, offset: 64 };
    refused(Afi::Ipv6, vec![Component::Source(prefix)], NlriError::HostBits { kind, prefix });
}

#[test]
fn values_lie_within_their_fields() {
    type Make = fn(Vec<NumericItem>) -> Component;
    let fields: [(Make, u64); 10] = [
        (Component::Protocol, 255),
        (Component::Port, 65535),
        (Component::DestinationPort, 65535),
        (Component::SourcePort, 65535),
        (Component::IcmpType, 255),
        (Component::IcmpCode, 255),
        (Component::PacketLength, 65535),
        (Component::Dscp, 63),
        (Component::FlowLabel, 0xf_ffff),
        (Component::Protocol, 255),
    ];
    for (make, max) in fields {
        assert!(Nlri::new(Afi::Ipv6, vec![make(vec![equal(max)])]).is_ok());
        let kind = make(vec![]).component_type();
        let error = NlriError::ValueTooLarge { kind, value: max + 1, max };
        refused(Afi::Ipv6, vec![make(vec![equal(0), equal(max + 1)])], error);
        refused(Afi::Ipv6, vec![make(vec![])], NlriError::NoItems { kind });
        refused(Afi::Ipv6, vec![make(vec![equal(1).and()])], NlriError::AndFirst { kind });
    }
}

#[test]
fn bits_are_those_of_the_field() {
    let fragment = |bits| vec![Component::Fragment(vec![BitmaskItem::any(bits)])];
    assert!(Nlri::new(Afi::Ipv4, fragment(0x0f)).is_ok());
    assert!(Nlri::new(Afi::Ipv6, fragment(0x0e)).is_ok());
    let kind = ComponentType::Fragment;
    let error = |value, bits| NlriError::UnknownBits { kind, value, bits };
    refused(Afi::Ipv4, fragment(0x10), error(16, 15));
    refused(Afi::Ipv6, fragment(0x01), error(1, 14));
    let kind = ComponentType::TcpFlags;
    refused(
        Afi::Ipv4,
        vec![Component::TcpFlags(vec![BitmaskItem::all(0x1002)])],
        NlriError::UnknownBits { kind, value: 0x1002, bits: 0x0fff },
    );
}

#[test]
fn widths_hold_their_values_and_are_not_excessive() {
    let kind = ComponentType::Port;
    let port = |value, width| {
        Component::Port(vec![NumericItem { width, ..NumericItem::new(NumericOp::Equal, value) }])
    };
    assert!(Nlri::new(Afi::Ipv4, vec![port(80, Width::Two)]).is_ok());
    for (value, width) in [(443, Width::One), (80, Width::Four), (80, Width::Eight)] {
        let error = NlriError::BadWidth { kind, value, width };
        refused(Afi::Ipv4, vec![port(value, width)], error);
    }
}

#[test]
fn the_longest_rule() {
    let ports = |count| vec![Component::Port(vec![equal(443); count])];
    assert_eq!(Nlri::new(Afi::Ipv4, ports(1364)).unwrap().body_len(), 4093);
    refused(Afi::Ipv4, ports(1365), NlriError::TooLong { length: 4096 });
}
