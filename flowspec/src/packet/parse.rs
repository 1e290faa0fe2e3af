//! Text → packet, for people who ask what would happen to one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::{Fragment, Packet};
use crate::TextError;
use crate::iana::{protocol, tcp};
use crate::text::{Cursor, unexpected};

/// Names of protocols; `icmp` is the family's own.
const PROTOCOLS: [(&str, u8); 9] = [
    ("tcp", protocol::TCP),
    ("udp", protocol::UDP),
    ("icmpv6", protocol::ICMPV6),
    ("igmp", 2),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ospf", 89),
    ("sctp", 132),
];

/// Names of TCP flags.
const FLAGS: [(&str, u16); 8] = [
    ("fin", tcp::FIN),
    ("syn", tcp::SYN),
    ("rst", tcp::RST),
    ("psh", tcp::PSH),
    ("ack", tcp::ACK),
    ("urg", tcp::URG),
    ("ece", tcp::ECE),
    ("cwr", tcp::CWR),
];

impl Packet {
    /// Reads `PROTOCOL SOURCE > DESTINATION`:
    ///
    /// - `tcp 10.20.3.4:51000 > 160.79.104.10:443`, `udp [2001:db8::1]:53000 > [2001:db8::2]:53`;
    /// - `icmp 192.0.2.1 > 192.0.2.2 type 8 code 0` (ICMPv6 between IPv6 addresses);
    /// - any other protocol by name or number without ports: `gre 192.0.2.1 > 192.0.2.2`.
    ///
    /// TCP and UDP need both ports, the others have none. What the text does not say is that of
    /// the first packet of a flow: TCP flags SYN, DSCP and flow label 0, not fragmented, ICMP echo
    /// request, and the length of the headers alone (IP, and TCP, UDP or ICMP).
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let mut cursor = Cursor::new(text);
        let (protocol_word, protocol_place) = cursor.word();
        let (source, source_port) = endpoint(&mut cursor)?;
        let (arrow, place) = cursor.word();
        if arrow != ">" {
            return Err(unexpected(place.start, "`>` between source and destination", arrow));
        }
        let mut there = cursor.clone();
        there.skip_space();
        let (destination, destination_port) = endpoint(&mut cursor)?;
        if source.is_ipv4() != destination.is_ipv4() {
            let family = if source.is_ipv4() { "IPv4" } else { "IPv6" };
            return Err(there.expected(format!("an {family} address, as the source is")));
        }
        let protocol = protocol_number(protocol_word, source.is_ipv4()).ok_or_else(|| {
            let expected = "a protocol: tcp, udp, icmp, icmpv6, igmp, gre, esp, ah, ospf, sctp \
                            or a number up to 255";
            unexpected(protocol_place.start, expected, protocol_word)
        })?;
        let ports = matches!(protocol, protocol::TCP | protocol::UDP);
        if ports != source_port.is_some() || ports != destination_port.is_some() {
            let expected =
                if ports { "ADDRESS:PORT on both sides" } else { "addresses without ports" };
            let mut there = Cursor::new(text);
            there.word();
            there.skip_space();
            return Err(there.expected(expected));
        }
        let icmp = protocol == if source.is_ipv4() { protocol::ICMP } else { protocol::ICMPV6 };
        let (mut icmp_type, mut icmp_code) = (None, None);
        if icmp {
            icmp_type = Some(if source.is_ipv4() { 8 } else { 128 });
            icmp_code = Some(0);
            for (word, field) in [("type", &mut icmp_type), ("code", &mut icmp_code)] {
                cursor.skip_space();
                if cursor.eat(word) {
                    *field = Some(small(&mut cursor)?);
                }
            }
        }
        cursor.skip_space();
        if !cursor.is_at_end() {
            return Err(cursor.expected(if icmp {
                "`type N`, `code N` or the end"
            } else {
                "the end"
            }));
        }
        let network = if source.is_ipv4() { 20 } else { 40 };
        let transport = match protocol {
            protocol::TCP => 20,
            protocol::UDP => 8,
            _ if icmp => 8,
            _ => 0,
        };
        Ok(Self {
            source,
            destination,
            protocol,
            source_port,
            destination_port,
            icmp_type,
            icmp_code,
            tcp_flags: (protocol == protocol::TCP).then_some(tcp::SYN),
            length: network + transport,
            dscp: 0,
            fragment: Fragment::default(),
            flow_label: source.is_ipv6().then_some(0),
        })
    }
}

fn protocol_number(word: &str, ipv4: bool) -> Option<u8> {
    if word == "icmp" {
        return Some(if ipv4 { protocol::ICMP } else { protocol::ICMPV6 });
    }
    match PROTOCOLS.into_iter().find(|(name, _)| *name == word) {
        Some((_, number)) => Some(number),
        None if word.bytes().all(|b| b.is_ascii_digit()) => word.parse().ok(),
        None => None,
    }
}

/// `ADDRESS`, `IPV4:PORT` or `[IPV6]:PORT`.
fn endpoint(cursor: &mut Cursor<'_>) -> Result<(IpAddr, Option<u16>), TextError> {
    let (word, place) = cursor.word();
    let parse = || {
        if let Ok(address) = word.parse() {
            return Some((address, None));
        }
        let (address, port) = word.rsplit_once(':')?;
        let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        let address = match address.strip_prefix('[') {
            Some(inner) => IpAddr::V6(inner.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?),
            None => IpAddr::V4(address.parse::<Ipv4Addr>().ok()?),
        };
        Some((address, Some(digits.then(|| port.parse().ok()).flatten()?)))
    };
    parse().ok_or_else(|| {
        unexpected(place.start, "192.0.2.1, 192.0.2.1:443, 2001:db8::1 or [2001:db8::1]:443", word)
    })
}

fn small(cursor: &mut Cursor<'_>) -> Result<u8, TextError> {
    cursor.skip_space();
    let start = cursor.clone();
    u8::try_from(cursor.number()?).map_err(|_| start.expected("a number up to 255"))
}

/// Names joined by commas (`syn,ack`), `none`, or a number up to 4095 (`18`, `0x12`).
pub fn parse_tcp_flags(text: &str) -> Result<u16, TextError> {
    let expected = "none, fin, syn, rst, psh, ack, urg, ece, cwr joined by commas, or a number \
                    up to 4095";
    if text == "none" {
        return Ok(0);
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let mut cursor = Cursor::new(text);
        let number = cursor.number()?;
        return match u16::try_from(number) {
            Ok(flags) if flags <= tcp::ALL && cursor.is_at_end() => Ok(flags),
            _ => Err(unexpected(0, expected, text)),
        };
    }
    let mut at = 0;
    let mut flags = 0;
    for name in text.split(',') {
        let flag = FLAGS.into_iter().find(|(known, _)| *known == name);
        flags |= flag.ok_or_else(|| unexpected(at, expected, name))?.1;
        at += name.len() + 1;
    }
    Ok(flags)
}

/// `none`, `dont` (IPv4's don't-fragment bit), `first`, `middle` or `last`.
impl FromStr for Fragment {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let (dont, more, offset) = match text {
            "none" => (false, false, false),
            "dont" => (true, false, false),
            "first" => (false, true, false),
            "middle" => (false, true, true),
            "last" => (false, false, true),
            _ => return Err(unexpected(0, "none, dont, first, middle or last", text)),
        };
        Ok(Self { dont, more, offset })
    }
}
