//! Actions and communities as text.

use std::fmt::{Display, Formatter, Result};

use super::{Action, ExtendedCommunity, Rate};

/// `discard`, `rate-bytes 1000000`, `rate-packets 1000`, `sample`, `traffic-action terminal`,
/// `traffic-action sample,terminal`, `redirect-vrf 65001:100`, `redirect-ip 192.0.2.1`,
/// `redirect-ip 192.0.2.1 copy`, `mark 46`. The informative AS number of a rate is not shown.
impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::TrafficRateBytes { rate: Rate::DROP, .. } => f.write_str("discard"),
            Self::TrafficRateBytes { rate, .. } => write!(f, "rate-bytes {rate}"),
            Self::TrafficRatePackets { rate, .. } => write!(f, "rate-packets {rate}"),
            Self::TrafficAction { sample: true, terminal: false } => f.write_str("sample"),
            Self::TrafficAction { sample, terminal } => f.write_str(match (sample, terminal) {
                (true, _) => "traffic-action sample,terminal",
                (false, true) => "traffic-action terminal",
                (false, false) => "traffic-action none",
            }),
            Self::RedirectVrf(target) => write!(f, "redirect-vrf {target}"),
            Self::RedirectIp { address, copy } => {
                write!(f, "redirect-ip {address}{}", if *copy { " copy" } else { "" })
            }
            Self::TrafficMarking { dscp } => write!(f, "mark {dscp}"),
        }
    }
}

impl Display for Rate {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.get().fmt(f)
    }
}

/// Lower-case hexadecimal, 16 or 40 digits.
impl Display for ExtendedCommunity {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let octets: &[u8] = match self {
            Self::Basic(octets) => octets,
            Self::Ipv6(octets) => octets,
        };
        octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}
