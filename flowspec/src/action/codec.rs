//! Actions ↔ extended communities (RFC 8955 section 7, RFC 8956 section 6, RFC 5701, and
//! draft-ietf-idr-flowspec-redirect-ip).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Action, ActionError, ExtendedCommunity, Rate, RouteTarget};

/// Low bit of the local administrator of redirect to IP: copy.
const COPY: u8 = 0x01;
/// Bits of the last octet of traffic-action.
const SAMPLE: u8 = 0x02;
const TERMINAL: u8 = 0x01;
/// The bits of a DSCP.
const DSCP: u8 = 0x3f;

impl Action {
    /// The community of this action. Of `dscp` the low six bits are sent.
    #[must_use]
    pub fn encode(&self) -> ExtendedCommunity {
        ExtendedCommunity::Basic(match *self {
            Self::TrafficRateBytes { asn, rate } => {
                two_four(0x80, 0x06, asn, rate.get().to_be_bytes())
            }
            Self::TrafficRatePackets { asn, rate } => {
                two_four(0x80, 0x0c, asn, rate.get().to_be_bytes())
            }
            Self::TrafficAction { sample, terminal } => {
                let bits = (u8::from(sample) * SAMPLE) | (u8::from(terminal) * TERMINAL);
                [0x80, 0x07, 0, 0, 0, 0, 0, bits]
            }
            Self::RedirectVrf(RouteTarget::As2 { asn, value }) => {
                two_four(0x80, 0x08, asn, value.to_be_bytes())
            }
            Self::RedirectVrf(RouteTarget::Ipv4 { address, value }) => {
                four_two(0x81, 0x08, address.octets(), value)
            }
            Self::RedirectVrf(RouteTarget::As4 { asn, value }) => {
                four_two(0x82, 0x08, asn.to_be_bytes(), value)
            }
            Self::RedirectIp { address: IpAddr::V4(address), copy } => {
                four_two(0x01, 0x0c, address.octets(), u16::from(copy))
            }
            Self::RedirectIp { address: IpAddr::V6(address), copy } => {
                let mut octets = [0; 20];
                octets[1] = 0x0c;
                octets[2..18].copy_from_slice(&address.octets());
                octets[19] = u8::from(copy);
                return ExtendedCommunity::Ipv6(octets);
            }
            Self::TrafficMarking { dscp } => [0x80, 0x09, 0, 0, 0, 0, 0, dscp & DSCP],
        })
    }

    /// The action of a community; `Ok(None)` if the community is not an action.
    ///
    /// A negative rate is zero (RFC 8955 section 7.1); NaN and infinity are errors. Unused bits
    /// are ignored.
    pub fn decode(community: &ExtendedCommunity) -> Result<Option<Self>, ActionError> {
        let octets = match community {
            ExtendedCommunity::Basic(octets) => octets,
            ExtendedCommunity::Ipv6(octets) => return Ok(redirect_ipv6(octets)),
        };
        let [kind, subtype, a, b, c, d, e, f] = *octets;
        let (two, four) = (u16::from_be_bytes([a, b]), [c, d, e, f]);
        let (first_four, last_two) = ([a, b, c, d], u16::from_be_bytes([e, f]));
        Ok(Some(match (kind, subtype) {
            (0x80, 0x06) => Self::TrafficRateBytes { asn: two, rate: rate(four)? },
            (0x80, 0x0c) => Self::TrafficRatePackets { asn: two, rate: rate(four)? },
            (0x80, 0x07) => {
                Self::TrafficAction { sample: f & SAMPLE != 0, terminal: f & TERMINAL != 0 }
            }
            (0x80, 0x08) => {
                Self::RedirectVrf(RouteTarget::As2 { asn: two, value: u32::from_be_bytes(four) })
            }
            (0x81, 0x08) => Self::RedirectVrf(RouteTarget::Ipv4 {
                address: Ipv4Addr::from(first_four),
                value: last_two,
            }),
            (0x82, 0x08) => Self::RedirectVrf(RouteTarget::As4 {
                asn: u32::from_be_bytes(first_four),
                value: last_two,
            }),
            (0x80, 0x09) => Self::TrafficMarking { dscp: f & DSCP },
            (0x01, 0x0c) => Self::RedirectIp {
                address: IpAddr::V4(Ipv4Addr::from(first_four)),
                copy: f & COPY != 0,
            },
            _ => return Ok(None),
        }))
    }
}

fn two_four(kind: u8, subtype: u8, two: u16, [c, d, e, f]: [u8; 4]) -> [u8; 8] {
    let [a, b] = two.to_be_bytes();
    [kind, subtype, a, b, c, d, e, f]
}

fn four_two(kind: u8, subtype: u8, [a, b, c, d]: [u8; 4], two: u16) -> [u8; 8] {
    let [e, f] = two.to_be_bytes();
    [kind, subtype, a, b, c, d, e, f]
}

fn rate(octets: [u8; 4]) -> Result<Rate, ActionError> {
    match Rate::new(f32::from_be_bytes(octets)) {
        Err(ActionError::NegativeRate) => Ok(Rate::DROP),
        rate => rate,
    }
}

fn redirect_ipv6(octets: &[u8; 20]) -> Option<Action> {
    let [0x00, 0x0c, rest @ ..] = octets else { return None };
    let (address, local) = rest.split_first_chunk::<16>()?;
    let copy = local.last().is_some_and(|low| low & COPY != 0);
    Some(Action::RedirectIp { address: IpAddr::V6(Ipv6Addr::from(*address)), copy })
}
