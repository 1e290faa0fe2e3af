//! Traffic filtering actions (RFC 8955 section 7, RFC 8956 section 6, redirect-to-IP draft).

mod codec;
mod target;
mod text;

use std::net::IpAddr;

pub use target::RouteTarget;

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

/// The octets of an action: 8 in attribute 16, or 20 in attribute 25 (RFC 5701).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExtendedCommunity {
    /// Attribute 16.
    Basic([u8; 8]),
    /// Attribute 25.
    Ipv6([u8; 20]),
}

/// Why a value is not an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// RFC 8955 section 7.1 forbids to send it.
    #[error("a rate is never negative; 0 discards")]
    NegativeRate,
    /// NaN or infinity.
    #[error("a rate is a finite number")]
    RateNotFinite,
}

impl Eq for Rate {}

impl std::hash::Hash for Rate {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // Zero has one sign, so equal rates have equal bits.
        self.0.to_bits().hash(state);
    }
}

impl Rate {
    /// Zero: drop.
    pub const DROP: Self = Self(0.0);

    /// Refuses negative, NaN and infinite rates; −0 becomes 0.
    pub fn new(rate: f32) -> Result<Self, ActionError> {
        if !rate.is_finite() {
            return Err(ActionError::RateNotFinite);
        }
        if rate < 0.0 {
            return Err(ActionError::NegativeRate);
        }
        Ok(Self(rate.abs()))
    }

    /// Per second.
    #[must_use]
    pub fn get(self) -> f32 {
        self.0
    }
}

impl Action {
    /// Whether evaluation goes on with the next matching rule: traffic-action with the T bit.
    #[must_use]
    pub fn continues(&self) -> bool {
        matches!(self, Self::TrafficAction { terminal: true, .. })
    }
}
