//! Components: the conditions of a rule (RFC 8955 section 4.2, RFC 8956 section 3).

use crate::PrefixMatch;

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

/// Octets that a value takes on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the name says the octets")]
pub enum Width {
    One,
    Two,
    Four,
    Eight,
}

/// Comparison of a numeric item: the bits lt, gt, eq (RFC 8955 section 4.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the operators' own names")]
pub enum NumericOp {
    False,
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    NotEqual,
    True,
}

/// One `{operator, value}` pair of a numeric component. AND binds tighter than OR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumericItem {
    /// AND with the item before; false in the first item.
    pub and: bool,
    /// The comparison.
    pub op: NumericOp,
    /// What the packet's field is compared with.
    pub value: u64,
    /// Octets of `value` on the wire.
    pub width: Width,
}

/// One `{operator, value}` pair of a bitmask component (RFC 8955 section 4.2.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitmaskItem {
    /// AND with the item before; false in the first item.
    pub and: bool,
    /// The NOT bit: the result is inverted.
    pub not: bool,
    /// The m bit: `data & value == value`; without it, any common bit matches.
    pub all: bool,
    /// The bits.
    pub value: u64,
    /// Octets of `value` on the wire.
    pub width: Width,
}

impl NumericItem {
    /// An OR item of the shortest width that holds `value`.
    #[must_use]
    pub fn new(op: NumericOp, value: u64) -> Self {
        Self { and: false, op, value, width: Width::shortest(value) }
    }

    /// The same item, ANDed with the one before it.
    #[must_use]
    pub fn and(self) -> Self {
        Self { and: true, ..self }
    }
}

impl Width {
    /// The shortest width that holds `value`.
    #[must_use]
    pub fn shortest(value: u64) -> Self {
        match value {
            0..=0xff => Self::One,
            0x100..=0xffff => Self::Two,
            0x1_0000..=0xffff_ffff => Self::Four,
            _ => Self::Eight,
        }
    }
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
}
