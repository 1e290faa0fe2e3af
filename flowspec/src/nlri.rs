//! An NLRI: the identity of a rule.

use crate::{Afi, Component, ComponentType, Packet};

/// The match part of a FlowSpec rule and its identity: components in ascending type, each at most
/// once. Equality is equality of octets; `Ord` is the order of evaluation of RFC 8955 section 5.1
/// (IPv4 before IPv6), so sorting gives the routers' order and `min` of the matching rules wins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Nlri {
    afi: Afi,
    components: Vec<Component>,
}

/// Why components do not make an NLRI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NlriError {}

/// Why octets are not an NLRI. The rule is treated as withdrawn (RFC 8955 section 10, RFC 7606).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {}

/// Why a text is not an NLRI; `at` is the octet offset in the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {}

impl Nlri {
    /// Sorts the components and checks them: at least one, each type once, of the right family,
    /// values within their fields, widths that hold their values, body at most 4095 octets.
    pub fn new(afi: Afi, components: Vec<Component>) -> Result<Self, NlriError> {
        todo!()
    }

    /// Address family.
    pub fn afi(&self) -> Afi {
        self.afi
    }

    /// In ascending type.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// The component of this type.
    pub fn get(&self, kind: ComponentType) -> Option<&Component> {
        self.components.iter().find(|c| c.component_type() == kind)
    }

    /// Octets with the length in front (one octet below 240, else two).
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }

    /// Octets of the components alone.
    pub fn body_len(&self) -> usize {
        todo!()
    }

    /// Exactly one NLRI, length octets included. Strict: order, duplicates, truncation, unknown
    /// types. Widths are kept, so `decode(x)?.encode() == x` when pad bits are zero.
    pub fn decode(afi: Afi, octets: &[u8]) -> Result<Self, DecodeError> {
        todo!()
    }

    /// The first NLRI of several, and the octets after it.
    pub fn decode_first(afi: Afi, octets: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        todo!()
    }

    /// The one form that is announced: shortest widths, items sorted and merged, same packets.
    pub fn canonical(&self) -> Self {
        todo!()
    }

    /// Whether a router that implements the RFCs applies this rule to the packet.
    pub fn matches(&self, packet: &Packet) -> bool {
        todo!()
    }

    /// Reads the text that `Display` prints, such as
    /// `dst 192.0.2.0/24 proto =6 dport =443|>=8000&<=8100`.
    pub fn parse(afi: Afi, text: &str) -> Result<Self, TextError> {
        todo!()
    }
}

impl Ord for Nlri {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        todo!()
    }
}

impl PartialOrd for Nlri {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for Nlri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}
