//! Components: the conditions of a rule (RFC 8955 section 4.2, RFC 8956 section 3).

use crate::{BitmaskItem, NumericItem, PrefixMatch};

/// One condition; a packet must meet all components of an NLRI.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Component {
    /// Type 1.
    Destination(PrefixMatch),
    /// Type 2.
    Source(PrefixMatch),
    /// Type 3: IPv4 protocol, or the upper-layer protocol of IPv6.
    Protocol(Vec<NumericItem>),
    /// Type 4: source or destination port; TCP and UDP only.
    Port(Vec<NumericItem>),
    /// Type 5; TCP and UDP only.
    DestinationPort(Vec<NumericItem>),
    /// Type 6; TCP and UDP only.
    SourcePort(Vec<NumericItem>),
    /// Type 7.
    IcmpType(Vec<NumericItem>),
    /// Type 8.
    IcmpCode(Vec<NumericItem>),
    /// Type 9.
    TcpFlags(Vec<BitmaskItem>),
    /// Type 10: octets of the IP packet, header included.
    PacketLength(Vec<NumericItem>),
    /// Type 11: the six bits.
    Dscp(Vec<NumericItem>),
    /// Type 12: DF 1, IsF 2, FF 4, LF 8.
    Fragment(Vec<BitmaskItem>),
    /// Type 13, IPv6 only: 20 bits.
    FlowLabel(Vec<NumericItem>),
}

/// The type octet of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each variant is the component of the same name")]
pub enum ComponentType {
    Destination = 1,
    Source = 2,
    Protocol = 3,
    Port = 4,
    DestinationPort = 5,
    SourcePort = 6,
    IcmpType = 7,
    IcmpCode = 8,
    TcpFlags = 9,
    PacketLength = 10,
    Dscp = 11,
    Fragment = 12,
    FlowLabel = 13,
}

impl Component {
    /// The type octet.
    #[must_use]
    pub fn component_type(&self) -> ComponentType {
        match self {
            Self::Destination(_) => ComponentType::Destination,
            Self::Source(_) => ComponentType::Source,
            Self::Protocol(_) => ComponentType::Protocol,
            Self::Port(_) => ComponentType::Port,
            Self::DestinationPort(_) => ComponentType::DestinationPort,
            Self::SourcePort(_) => ComponentType::SourcePort,
            Self::IcmpType(_) => ComponentType::IcmpType,
            Self::IcmpCode(_) => ComponentType::IcmpCode,
            Self::TcpFlags(_) => ComponentType::TcpFlags,
            Self::PacketLength(_) => ComponentType::PacketLength,
            Self::Dscp(_) => ComponentType::Dscp,
            Self::Fragment(_) => ComponentType::Fragment,
            Self::FlowLabel(_) => ComponentType::FlowLabel,
        }
    }

    /// What the component holds, without its type.
    pub(crate) fn content(&self) -> Content<'_> {
        match self {
            Self::Destination(prefix) | Self::Source(prefix) => Content::Prefix(prefix),
            Self::Protocol(items)
            | Self::Port(items)
            | Self::DestinationPort(items)
            | Self::SourcePort(items)
            | Self::IcmpType(items)
            | Self::IcmpCode(items)
            | Self::PacketLength(items)
            | Self::Dscp(items)
            | Self::FlowLabel(items) => Content::Numeric(items),
            Self::TcpFlags(items) | Self::Fragment(items) => Content::Bitmask(items),
        }
    }
}

/// The three shapes of a component.
pub(crate) enum Content<'c> {
    Prefix(&'c PrefixMatch),
    Numeric(&'c [NumericItem]),
    Bitmask(&'c [BitmaskItem]),
}

/// How to build a component of a type, by the shape it takes.
pub(crate) enum Shape {
    Prefix(fn(PrefixMatch) -> Component),
    Numeric(fn(Vec<NumericItem>) -> Component),
    Bitmask(fn(Vec<BitmaskItem>) -> Component),
}

impl ComponentType {
    /// All types, ascending.
    pub const ALL: [Self; 13] = [
        Self::Destination,
        Self::Source,
        Self::Protocol,
        Self::Port,
        Self::DestinationPort,
        Self::SourcePort,
        Self::IcmpType,
        Self::IcmpCode,
        Self::TcpFlags,
        Self::PacketLength,
        Self::Dscp,
        Self::Fragment,
        Self::FlowLabel,
    ];

    /// The type of this octet, if one is assigned.
    pub(crate) fn from_octet(octet: u8) -> Option<Self> {
        Self::ALL.get(usize::from(octet).checked_sub(1)?).copied()
    }

    pub(crate) fn shape(self) -> Shape {
        match self {
            Self::Destination => Shape::Prefix(Component::Destination),
            Self::Source => Shape::Prefix(Component::Source),
            Self::Protocol => Shape::Numeric(Component::Protocol),
            Self::Port => Shape::Numeric(Component::Port),
            Self::DestinationPort => Shape::Numeric(Component::DestinationPort),
            Self::SourcePort => Shape::Numeric(Component::SourcePort),
            Self::IcmpType => Shape::Numeric(Component::IcmpType),
            Self::IcmpCode => Shape::Numeric(Component::IcmpCode),
            Self::TcpFlags => Shape::Bitmask(Component::TcpFlags),
            Self::PacketLength => Shape::Numeric(Component::PacketLength),
            Self::Dscp => Shape::Numeric(Component::Dscp),
            Self::Fragment => Shape::Bitmask(Component::Fragment),
            Self::FlowLabel => Shape::Numeric(Component::FlowLabel),
        }
    }
}
