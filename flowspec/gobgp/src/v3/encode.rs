//! Rules → GoBGP's messages. Expects what [`check`](crate::check) lets pass.

use std::net::IpAddr;

use gobgp_api::v3 as api;
use gobgp_api::v3::family::{Afi as ApiAfi, Safi};
use prost::{Message, Name};
use prost_types::Any;
use sark_flowspec::{
    Action, Afi, BitmaskItem, Component, ComponentType, ExtendedCommunity, Nlri, NumericItem,
    NumericOp, PrefixMatch, Route, RouteTarget, Width,
};

/// Operator bits (RFC 8955 section 4.2.1). GoBGP sets the end-of-list bit itself.
const AND: u32 = 0x40;
const NOT: u32 = 0x02;
const MATCH: u32 = 0x01;
/// Sub-type of redirect to an IPv6 next hop (draft-ietf-idr-flowspec-redirect-ip).
const REDIRECT_IP: u32 = 0x0c;

/// The path that announces a rule.
#[must_use]
pub fn announcement(route: &Route) -> api::Path {
    let mut attributes = vec![
        any(&api::OriginAttribute { origin: 0 }),
        // Required, and never on the wire: FlowSpec has no next hop.
        any(&api::NextHopAttribute {
            next_hop: match route.nlri.afi() {
                Afi::Ipv4 => "0.0.0.0".to_owned(),
                Afi::Ipv6 => "::".to_owned(),
            },
        }),
    ];
    let (mut basic, mut ipv6) = (Vec::new(), Vec::new());
    for action in &route.actions {
        match action.encode() {
            ExtendedCommunity::Basic(octets) => basic.push(community(action, octets)),
            ExtendedCommunity::Ipv6(octets) => ipv6.push(ipv6_community(octets)),
        }
    }
    if !basic.is_empty() {
        attributes.push(any(&api::ExtendedCommunitiesAttribute { communities: basic }));
    }
    if !ipv6.is_empty() {
        attributes.push(any(&api::Ip6ExtendedCommunitiesAttribute { communities: ipv6 }));
    }
    attributes.push(any(&api::LargeCommunitiesAttribute {
        communities: vec![api::LargeCommunity {
            global_admin: route.large_community.global,
            local_data1: route.large_community.local1,
            local_data2: route.large_community.local2,
        }],
    }));
    api::Path { pattrs: attributes, ..path(&route.nlri) }
}

/// The path that withdraws a rule.
#[must_use]
pub fn withdrawal(nlri: &Nlri) -> api::Path {
    api::Path { is_withdraw: true, ..path(nlri) }
}

/// GoBGP's name of a FlowSpec family.
#[must_use]
pub fn family(afi: Afi) -> api::Family {
    let afi = match afi {
        Afi::Ipv4 => ApiAfi::Ip,
        Afi::Ipv6 => ApiAfi::Ip6,
    };
    api::Family { afi: afi.into(), safi: Safi::FlowSpecUnicast.into() }
}

fn path(nlri: &Nlri) -> api::Path {
    let rules = nlri.components().iter().map(component).collect();
    api::Path {
        nlri: Some(any(&api::FlowSpecNlri { rules })),
        family: Some(family(nlri.afi())),
        ..api::Path::default()
    }
}

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

fn component(component: &Component) -> Any {
    let kind = component.component_type();
    match component {
        Component::Destination(prefix) | Component::Source(prefix) => self::prefix(kind, prefix),
        Component::TcpFlags(items) | Component::Fragment(items) => {
            list(kind, items.iter().map(bitmask).collect())
        }
        Component::Protocol(items)
        | Component::Port(items)
        | Component::DestinationPort(items)
        | Component::SourcePort(items)
        | Component::IcmpType(items)
        | Component::IcmpCode(items)
        | Component::PacketLength(items)
        | Component::Dscp(items)
        | Component::FlowLabel(items) => list(kind, items.iter().map(numeric).collect()),
    }
}

fn prefix(kind: ComponentType, prefix: &PrefixMatch) -> Any {
    let (address, length, offset) = match prefix {
        PrefixMatch::V4(net) => (IpAddr::V4(net.network()), net.prefix_len(), 0),
        PrefixMatch::V6 { pattern, length, offset } => (IpAddr::V6(*pattern), *length, *offset),
    };
    any(&api::FlowSpecIpPrefix {
        r#type: kind as u32,
        prefix_len: length.into(),
        prefix: address.to_string(),
        offset: offset.into(),
    })
}

fn list(kind: ComponentType, items: Vec<api::FlowSpecComponentItem>) -> Any {
    any(&api::FlowSpecComponent { r#type: kind as u32, items })
}

fn numeric(item: &NumericItem) -> api::FlowSpecComponentItem {
    let comparison = match item.op {
        NumericOp::False => 0,
        NumericOp::Equal => 1,
        NumericOp::Greater => 2,
        NumericOp::GreaterOrEqual => 3,
        NumericOp::Less => 4,
        NumericOp::LessOrEqual => 5,
        NumericOp::NotEqual => 6,
        NumericOp::True => 7,
    };
    let op = flag(item.and, AND) | width(item.width) | comparison;
    api::FlowSpecComponentItem { op, value: item.value }
}

fn bitmask(item: &BitmaskItem) -> api::FlowSpecComponentItem {
    let op = flag(item.and, AND) | width(item.width) | flag(item.not, NOT) | flag(item.all, MATCH);
    api::FlowSpecComponentItem { op, value: item.value }
}

fn flag(set: bool, bit: u32) -> u32 {
    if set { bit } else { 0 }
}

/// Zero makes GoBGP take the shortest, which is one octet for every value that fits one.
fn width(width: Width) -> u32 {
    match width {
        Width::One => 0x00,
        Width::Two => 0x10,
        Width::Four => 0x20,
        Width::Eight => 0x30,
    }
}

/// `octets` is what `action` encodes to.
fn community(action: &Action, octets: [u8; 8]) -> Any {
    match action {
        Action::TrafficRateBytes { asn, rate } => {
            any(&api::TrafficRateExtended { asn: (*asn).into(), rate: rate.get() })
        }
        Action::TrafficAction { sample, terminal } => {
            any(&api::TrafficActionExtended { terminal: *terminal, sample: *sample })
        }
        Action::TrafficMarking { dscp } => {
            any(&api::TrafficRemarkExtended { dscp: (*dscp).into() })
        }
        Action::RedirectVrf(RouteTarget::As2 { asn, value }) => {
            any(&api::RedirectTwoOctetAsSpecificExtended {
                asn: (*asn).into(),
                local_admin: *value,
            })
        }
        Action::RedirectVrf(RouteTarget::Ipv4 { address, value }) => {
            any(&api::RedirectIPv4AddressSpecificExtended {
                address: address.to_string(),
                local_admin: (*value).into(),
            })
        }
        Action::RedirectVrf(RouteTarget::As4 { asn, value }) => {
            any(&api::RedirectFourOctetAsSpecificExtended {
                asn: *asn,
                local_admin: (*value).into(),
            })
        }
        Action::RedirectIp { address: IpAddr::V4(address), copy } => {
            any(&api::IPv4AddressSpecificExtended {
                is_transitive: true,
                sub_type: REDIRECT_IP,
                address: address.to_string(),
                local_admin: (*copy).into(),
            })
        }
        // GoBGP has no message for the first; the second is never in attribute 16.
        Action::TrafficRatePackets { .. } | Action::RedirectIp { .. } => {
            let [kind, value @ ..] = octets;
            any(&api::UnknownExtended { r#type: kind.into(), value: value.to_vec() })
        }
    }
}

/// Type 00, sub-type, address, local administrator (RFC 5701). GoBGP's own message for redirects
/// sends another sub-type than RFC 8956.
fn ipv6_community(octets: [u8; 20]) -> Any {
    let [kind, sub_type, address @ .., high, low] = octets;
    any(&api::IPv6AddressSpecificExtended {
        is_transitive: kind & 0x40 == 0,
        sub_type: sub_type.into(),
        address: std::net::Ipv6Addr::from(address).to_string(),
        local_admin: u16::from_be_bytes([high, low]).into(),
    })
}
