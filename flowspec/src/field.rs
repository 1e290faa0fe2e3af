//! What each component type looks at: the field's largest value, its name in text, and the value
//! widths that the RFCs allow (RFC 8955 section 4.2.2, RFC 8956 section 3).

use crate::iana::{fragment, tcp};
use crate::{Afi, ComponentType, Width};

impl ComponentType {
    /// The keyword of the text form.
    #[must_use]
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Destination => "dst",
            Self::Source => "src",
            Self::Protocol => "proto",
            Self::Port => "port",
            Self::DestinationPort => "dport",
            Self::SourcePort => "sport",
            Self::IcmpType => "icmp-type",
            Self::IcmpCode => "icmp-code",
            Self::TcpFlags => "tcp-flags",
            Self::PacketLength => "length",
            Self::Dscp => "dscp",
            Self::Fragment => "fragment",
            Self::FlowLabel => "flow-label",
        }
    }

    /// The largest value the field can have; for bitmasks, all its defined bits. Zero for prefixes.
    #[must_use]
    pub const fn max_value(self, afi: Afi) -> u64 {
        match self {
            Self::Destination | Self::Source => 0,
            Self::Protocol | Self::IcmpType | Self::IcmpCode => 0xff,
            Self::Port | Self::DestinationPort | Self::SourcePort | Self::PacketLength => 0xffff,
            Self::TcpFlags => tcp::ALL as u64,
            Self::Dscp => 0x3f,
            Self::Fragment => {
                let common = fragment::IS_FRAGMENT | fragment::FIRST | fragment::LAST;
                match afi {
                    Afi::Ipv4 => common | fragment::DF,
                    Afi::Ipv6 => common,
                }
            }
            Self::FlowLabel => 0xf_ffff,
        }
    }

    /// The width of a value in canonical form: the shortest, but four octets for the flow label
    /// (RFC 8956 section 3.7).
    #[must_use]
    pub fn canonical_width(self, value: u64) -> Width {
        match self {
            Self::FlowLabel => Width::Four.max(Width::shortest(value)),
            _ => Width::shortest(value),
        }
    }

    /// The longest width that a sender should use.
    pub(crate) fn widest(self) -> Width {
        Width::shortest(self.max_value(Afi::Ipv4))
    }

    /// The longest width that a receiver must take. Only types 9, 11 and 12 say MUST; the others
    /// say SHOULD, so any width is read.
    pub(crate) fn widest_decoded(self) -> Width {
        match self {
            Self::TcpFlags | Self::Dscp | Self::Fragment => self.widest(),
            _ => Width::Eight,
        }
    }

    /// Bits of a decoded value that count. The others are reserved, and a receiver reads them as
    /// zero: the upper two of DSCP, the undefined ones of the fragment bitmask (DF in IPv6 too).
    pub(crate) fn decoded_bits(self, afi: Afi) -> u64 {
        match self {
            Self::Dscp | Self::Fragment => self.max_value(afi),
            _ => u64::MAX,
        }
    }

    /// Whether the type exists in this family.
    pub(crate) fn in_family(self, afi: Afi) -> bool {
        self != Self::FlowLabel || afi == Afi::Ipv6
    }
}

impl std::fmt::Display for ComponentType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.keyword())
    }
}
