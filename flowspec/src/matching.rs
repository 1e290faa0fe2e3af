//! Whether a rule applies to a packet (RFC 8955 section 4.2.2, RFC 8956 section 3).

use std::net::IpAddr;

use crate::iana::{protocol, tcp};
use crate::{Afi, BitmaskItem, Component, Nlri, NumericItem, Packet};

impl Nlri {
    /// Whether a router that implements the RFCs applies this rule to the packet.
    ///
    /// Ports are those of TCP and UDP only, types, codes and flags those of their protocol only,
    /// and none of them is seen in a fragment other than the first; a component on a field that
    /// the packet does not have never matches, whatever its operators.
    #[must_use]
    pub fn matches(&self, packet: &Packet) -> bool {
        let family = match (packet.source, packet.destination) {
            (IpAddr::V4(_), IpAddr::V4(_)) => Afi::Ipv4,
            (IpAddr::V6(_), IpAddr::V6(_)) => Afi::Ipv6,
            _ => return false,
        };
        family == self.afi() && self.components().iter().all(|c| matches(c, packet, family))
    }
}

fn matches(component: &Component, packet: &Packet, family: Afi) -> bool {
    match component {
        Component::Destination(prefix) => prefix.contains(packet.destination),
        Component::Source(prefix) => prefix.contains(packet.source),
        Component::Protocol(items) => numeric(items, Some(packet.protocol)),
        Component::Port(items) => {
            numeric(items, port(packet, packet.source_port))
                || numeric(items, port(packet, packet.destination_port))
        }
        Component::DestinationPort(items) => numeric(items, port(packet, packet.destination_port)),
        Component::SourcePort(items) => numeric(items, port(packet, packet.source_port)),
        Component::IcmpType(items) => numeric(items, icmp(packet, family, packet.icmp_type)),
        Component::IcmpCode(items) => numeric(items, icmp(packet, family, packet.icmp_code)),
        Component::TcpFlags(items) => packet
            .tcp_flags
            .filter(|_| packet.protocol == protocol::TCP && !packet.fragment.offset)
            .is_some_and(|flags| bitmask(items, u64::from(flags & tcp::ALL))),
        Component::PacketLength(items) => numeric(items, Some(packet.length)),
        Component::Dscp(items) => numeric(items, Some(packet.dscp & 0x3f)),
        Component::Fragment(items) => bitmask(items, packet.fragment.bits(family)),
        Component::FlowLabel(items) => {
            numeric(items, packet.flow_label.map(|label| label & 0xf_ffff))
        }
    }
}

fn port(packet: &Packet, port: Option<u16>) -> Option<u16> {
    port.filter(|_| {
        matches!(packet.protocol, protocol::TCP | protocol::UDP) && !packet.fragment.offset
    })
}

fn icmp(packet: &Packet, family: Afi, value: Option<u8>) -> Option<u8> {
    let icmp = match family {
        Afi::Ipv4 => protocol::ICMP,
        Afi::Ipv6 => protocol::ICMPV6,
    };
    value.filter(|_| packet.protocol == icmp && !packet.fragment.offset)
}

fn numeric(items: &[NumericItem], field: Option<impl Into<u64>>) -> bool {
    field.map(Into::into).is_some_and(|field| {
        any_group(items, |item| item.and, |item| item.op.holds(field, item.value))
    })
}

fn bitmask(items: &[BitmaskItem], data: u64) -> bool {
    any_group(items, |item| item.and, |item| item.holds(data))
}

/// AND binds tighter than OR: whether all items of some group hold, where an item without the
/// AND bit starts a group.
fn any_group<I>(items: &[I], and: impl Fn(&I) -> bool, holds: impl Fn(&I) -> bool) -> bool {
    let (mut any, mut group) = (false, false);
    for item in items {
        if and(item) {
            group = group && holds(item);
        } else {
            any |= group;
            group = holds(item);
        }
    }
    any || group
}

impl BitmaskItem {
    /// Whether the bits of a field meet the item.
    #[must_use]
    pub fn holds(&self, data: u64) -> bool {
        let common = data & self.value;
        let hit = if self.all { common == self.value } else { common != 0 };
        hit != self.not
    }
}
