//! Traffic filtering actions (RFC 8955 section 7, RFC 8956 section 6, redirect-to-IP draft).

use std::net::{IpAddr, Ipv4Addr};

/// What a router does with the packets of a rule. A rule without actions accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// `80 06`: bytes per second; zero drops.
    TrafficRateBytes {
        /// Informative AS number.
        asn: u16,
        /// Bytes, never bits.
        rate: Rate,
    },
    /// `80 0c`: packets per second; zero drops.
    TrafficRatePackets {
        /// Informative AS number.
        asn: u16,
        /// Packets per second.
        rate: Rate,
    },
    /// `80 07`.
    TrafficAction {
        /// S bit: sample and log.
        sample: bool,
        /// T bit. Set means that evaluation *continues* with the next rule.
        terminal: bool,
    },
    /// `80 08`, `81 08`, `82 08`: into the VRF that imports this route target.
    RedirectVrf(RouteTarget),
    /// `01 0c` for IPv4, `00 0c` in attribute 25 for IPv6: to this next hop.
    RedirectIp {
        /// The next hop.
        address: IpAddr,
        /// C bit: a copy goes there, the packet goes on.
        copy: bool,
    },
    /// `80 09`: sets the six DSCP bits.
    TrafficMarking {
        /// 0 to 63.
        dscp: u8,
    },
}

/// A finite rate that is not negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(f32);

/// Route target of a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteTarget {
    /// Two-octet AS.
    As2 {
        /// AS number.
        asn: u16,
        /// Local part.
        value: u32,
    },
    /// IPv4 address.
    Ipv4 {
        /// Address.
        address: Ipv4Addr,
        /// Local part.
        value: u16,
    },
    /// Four-octet AS.
    As4 {
        /// AS number.
        asn: u32,
        /// Local part.
        value: u16,
    },
}

/// The octets of an action: 8 in attribute 16, or 20 in attribute 25 (RFC 5701).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExtendedCommunity {
    /// Attribute 16.
    Basic([u8; 8]),
    /// Attribute 25.
    Ipv6([u8; 20]),
}

/// Why a value is not an action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {}

impl Eq for Rate {}

impl std::hash::Hash for Rate {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Rate {
    /// Zero: drop.
    pub const DROP: Self = Self(0.0);

    /// Refuses negative, NaN and infinite rates; −0 becomes 0.
    pub fn new(rate: f32) -> Result<Self, ActionError> {
        todo!()
    }

    /// Per second.
    pub fn get(self) -> f32 {
        self.0
    }
}

impl Action {
    /// The community of this action.
    pub fn encode(&self) -> ExtendedCommunity {
        todo!()
    }

    /// The action of a community; `Ok(None)` if the community is not an action.
    pub fn decode(community: &ExtendedCommunity) -> Result<Option<Self>, ActionError> {
        todo!()
    }
}
