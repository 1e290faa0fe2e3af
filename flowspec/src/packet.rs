//! What a rule looks at in a packet.

mod parse;

use std::net::IpAddr;

use crate::Afi;
use crate::iana::fragment;

pub use parse::parse_tcp_flags;

/// The fields that components test. A field that the packet does not have (a port of ICMP, or of
/// a non-first fragment) is `None`, and no component on it matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Source address; both are of one family.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// IPv4 protocol or IPv6 upper-layer protocol.
    pub protocol: u8,
    /// Of TCP and UDP, first fragments and whole packets only.
    pub source_port: Option<u16>,
    /// Of TCP and UDP, first fragments and whole packets only.
    pub destination_port: Option<u16>,
    /// ICMP or ICMPv6 type.
    pub icmp_type: Option<u8>,
    /// ICMP or ICMPv6 code.
    pub icmp_code: Option<u8>,
    /// Octets 13 and 14 of the TCP header, data offset read as zero.
    pub tcp_flags: Option<u16>,
    /// Octets of the IP packet, header included.
    pub length: u16,
    /// The six bits.
    pub dscp: u8,
    /// Fragmentation.
    pub fragment: Fragment,
    /// IPv6 flow label, 20 bits; `None` for IPv4.
    pub flow_label: Option<u32>,
}

/// How a packet is fragmented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Fragment {
    /// IPv4 don't-fragment bit.
    pub dont: bool,
    /// More fragments follow.
    pub more: bool,
    /// The offset is not zero.
    pub offset: bool,
}

impl Fragment {
    /// The bits that the fragment component tests. IPv6 has no don't-fragment bit.
    #[must_use]
    pub fn bits(self, family: Afi) -> u64 {
        let bit = |set: bool, bit: u64| if set { bit } else { 0 };
        bit(self.dont && family == Afi::Ipv4, fragment::DF)
            | bit(self.offset, fragment::IS_FRAGMENT)
            | bit(!self.offset && self.more, fragment::FIRST)
            | bit(self.offset && !self.more, fragment::LAST)
    }
}
