//! What a packet looks like: prefixes, protocols, ports, lengths, DSCP, flags, fragments.

use ipnet::IpNet;
use schemars::{Schema, json_schema};

use super::{number, unknown};
use crate::network::written::{Form, Wrong};
use crate::network::{FragmentBit, FragmentMatch, Protocol, Range, TcpFlagMatch};

/// `10.20.0.0/16` or `2001:db8::/32`.
pub(crate) enum Prefix {}

impl Form for Prefix {
    type Value = IpNet;

    fn read(text: &str) -> Result<IpNet, Wrong> {
        if let Ok(address) = text.parse::<std::net::IpAddr>() {
            let length = if address.is_ipv4() { 32 } else { 128 };
            return Err(Wrong::new(format!("`{text}` has no prefix length"))
                .help(format!("write `{address}/{length}` for the one address")));
        }
        let not_prefix = || {
            Wrong::new(format!("`{text}` is not a prefix"))
                .help("write an address and a length, such as `10.20.0.0/16` or `2001:db8::/32`")
        };
        let prefix: IpNet = text.parse().map_err(|_| not_prefix())?;
        let corrected = prefix.trunc();
        if corrected != prefix {
            let host = IpNet::from(prefix.addr());
            return Err(Wrong::new(format!("`{text}` has host bits set"))
                .help(format!("write `{corrected}`, or `{host}` for the one address")));
        }
        if let IpNet::V6(v6) = prefix
            && let Some(v4) = v6.addr().to_ipv4_mapped()
            && v6.prefix_len() >= 96
        {
            let length = v6.prefix_len() - 96;
            return Err(Wrong::new(format!(
                "`{text}` is IPv4 written as IPv6; routers never see it"
            ))
            .help(format!("write `{v4}/{length}`")));
        }
        Ok(prefix)
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "title": "prefix",
            "pattern": "^[0-9A-Fa-f:.]+/[0-9]{1,3}$",
            "examples": ["10.20.0.0/16", "2001:db8::/32"],
        })
    }
}

/// IANA protocol numbers by the names people use.
pub(crate) const PROTOCOL_NAMES: &[(&str, Protocol)] = &[
    ("ah", Protocol::Number(51)),
    ("dccp", Protocol::Number(33)),
    ("eigrp", Protocol::Number(88)),
    ("esp", Protocol::Number(50)),
    ("gre", Protocol::Number(47)),
    ("icmp", Protocol::Icmp),
    ("icmpv6", Protocol::Number(58)),
    ("igmp", Protocol::Number(2)),
    ("ipip", Protocol::Number(4)),
    ("ipv6", Protocol::Number(41)),
    ("l2tp", Protocol::Number(115)),
    ("ospf", Protocol::Number(89)),
    ("pim", Protocol::Number(103)),
    ("sctp", Protocol::Number(132)),
    ("tcp", Protocol::Number(6)),
    ("udp", Protocol::Number(17)),
    ("udplite", Protocol::Number(136)),
    ("vrrp", Protocol::Number(112)),
];

/// `tcp`, or a number.
pub(crate) enum ProtocolWord {}

impl Form for ProtocolWord {
    type Value = Protocol;

    fn read(text: &str) -> Result<Protocol, Wrong> {
        if let Some((_, protocol)) = PROTOCOL_NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(*protocol);
        }
        match number(text) {
            Some(number) => u8::try_from(number)
                .map(Protocol::Number)
                .map_err(|_| Wrong::new(format!("{number} is not an IP protocol: 0 to 255 are"))),
            None => {
                let names: Vec<_> = PROTOCOL_NAMES.iter().map(|(name, _)| *name).collect();
                Err(unknown("protocol", text, &names))
            }
        }
    }

    fn schema() -> Schema {
        let names: Vec<_> = PROTOCOL_NAMES.iter().map(|(name, _)| *name).collect();
        json_schema!({
            "title": "protocol",
            "anyOf": [{ "enum": names }, { "type": "integer", "minimum": 0, "maximum": 255 }],
        })
    }
}

/// A number or a range `first-last`, up to `most`.
fn range(what: &str, text: &str, most: u16) -> Result<Range, Wrong> {
    let one = |part: &str| match number(part) {
        Some(value) => match u16::try_from(value) {
            Ok(value) if value <= most => Ok(value),
            _ => Err(Wrong::new(format!("{value} is not a {what}: the highest is {most}"))),
        },
        None => {
            let wrong = Wrong::new(format!("`{text}` is not a {what}"));
            let trimmed = part.trim_start_matches('0');
            Err(if !trimmed.is_empty() && number(trimmed).is_some() {
                wrong.help(format!("write it without leading zeros, `{trimmed}`"))
            } else {
                wrong.help("write a number, or a range such as `16-31`")
            })
        }
    };
    for separator in ["..=", "..", ":", "–", " to "] {
        if let Some((first, last)) = text.split_once(separator)
            && number(first.trim()).is_some()
            && number(last.trim()).is_some()
        {
            return Err(Wrong::new(format!("`{text}` is not a range")).help(format!(
                "write `{}-{}`",
                first.trim(),
                last.trim()
            )));
        }
    }
    let Some((first, last)) = text.split_once('-') else {
        return one(text).map(|value| Range { first: value, last: value });
    };
    let (first, last) = (one(first.trim())?, one(last.trim())?);
    if first > last {
        return Err(Wrong::new(format!("the range `{text}` ends before it begins"))
            .help(format!("write `{last}-{first}`")));
    }
    Ok(Range { first, last })
}

fn range_schema(title: &str, most: u16) -> Schema {
    json_schema!({
        "title": title,
        "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": most },
            { "type": "string", "pattern": "^[0-9]{1,5}(-[0-9]{1,5})?$" },
        ],
    })
}

/// Names of ports that people write.
const PORT_NAMES: &[(&str, u16)] = &[
    ("bgp", 179),
    ("dns", 53),
    ("domain", 53),
    ("ftp", 21),
    ("http", 80),
    ("https", 443),
    ("ntp", 123),
    ("smtp", 25),
    ("ssh", 22),
];

/// `443` or `8000-8100`.
pub(crate) enum Port {}

impl Form for Port {
    type Value = Range;

    fn read(text: &str) -> Result<Range, Wrong> {
        if let Some((name, port)) = PORT_NAMES.iter().find(|(name, _)| *name == text) {
            return Err(Wrong::new(format!("`{name}` is not a port number"))
                .help(format!("write `{port}`")));
        }
        range("port", text, u16::MAX)
    }

    fn schema() -> Schema {
        range_schema("port", u16::MAX)
    }
}

/// `64` or `0-128`.
pub(crate) enum Length {}

impl Form for Length {
    type Value = Range;

    fn read(text: &str) -> Result<Range, Wrong> {
        range("packet length", text, u16::MAX)
    }

    fn schema() -> Schema {
        range_schema("length", u16::MAX)
    }
}

/// Code points of RFC 2474, 2597, 3246, 5865 and 8622.
pub(crate) const DSCP_NAMES: &[(&str, u16)] = &[
    ("cs0", 0),
    ("le", 1),
    ("cs1", 8),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("cs2", 16),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("cs3", 24),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("cs4", 32),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("cs5", 40),
    ("va", 44),
    ("ef", 46),
    ("cs6", 48),
    ("cs7", 56),
];

/// `ef`, `46` or `8-14`.
pub(crate) enum Dscp {}

impl Form for Dscp {
    type Value = Range;

    fn read(text: &str) -> Result<Range, Wrong> {
        if let Some((_, value)) = DSCP_NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(Range { first: *value, last: *value });
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return range("DSCP", text, 63);
        }
        let names: Vec<_> = DSCP_NAMES.iter().map(|(name, _)| *name).collect();
        Err(unknown("DSCP", text, &names))
    }

    fn schema() -> Schema {
        let names: Vec<_> = DSCP_NAMES.iter().map(|(name, _)| *name).collect();
        json_schema!({
            "title": "DSCP",
            "anyOf": [
                { "enum": names },
                { "type": "integer", "minimum": 0, "maximum": 63 },
                { "type": "string", "pattern": "^[0-9]{1,2}(-[0-9]{1,2})?$" },
            ],
        })
    }
}

/// RFC 9293 section 3.1 and RFC 3168.
const TCP_FLAGS: &[(&str, u8)] = &[
    ("fin", 0x01),
    ("syn", 0x02),
    ("rst", 0x04),
    ("psh", 0x08),
    ("ack", 0x10),
    ("urg", 0x20),
    ("ece", 0x40),
    ("cwr", 0x80),
];

/// `syn`, or `!ack`.
pub(crate) enum TcpFlag {}

impl Form for TcpFlag {
    type Value = TcpFlagMatch;

    fn read(text: &str) -> Result<TcpFlagMatch, Wrong> {
        let (word, set) = negated(text);
        match TCP_FLAGS.iter().find(|(name, _)| *name == word) {
            Some((_, bit)) => Ok(TcpFlagMatch { bit: *bit, set }),
            None => Err(unknown("TCP flag", word, &TCP_FLAGS.map_names())),
        }
    }

    fn schema() -> Schema {
        negatable_schema("TCP flag", &TCP_FLAGS.map_names())
    }
}

const FRAGMENTS: &[(&str, FragmentBit)] = &[
    ("is", FragmentBit::Is),
    ("first", FragmentBit::First),
    ("last", FragmentBit::Last),
    ("dont", FragmentBit::Dont),
];

/// `is`, or `!is`.
pub(crate) enum FragmentWord {}

impl Form for FragmentWord {
    type Value = FragmentMatch;

    fn read(text: &str) -> Result<FragmentMatch, Wrong> {
        let (word, set) = negated(text);
        match FRAGMENTS.iter().find(|(name, _)| *name == word) {
            Some((_, bit)) => Ok(FragmentMatch { bit: *bit, set }),
            None => Err(unknown("fragment word", word, &FRAGMENTS.map_names())),
        }
    }

    fn schema() -> Schema {
        negatable_schema("fragment", &FRAGMENTS.map_names())
    }
}

fn negated(text: &str) -> (&str, bool) {
    text.strip_prefix('!').map_or((text, true), |word| (word.trim_start(), false))
}

fn negatable_schema(title: &str, words: &[&str]) -> Schema {
    let all: Vec<String> =
        words.iter().flat_map(|word| [(*word).to_owned(), format!("!{word}")]).collect();
    json_schema!({ "title": title, "enum": all })
}

trait MapNames {
    fn map_names(&self) -> Vec<&'static str>;
}

impl<T> MapNames for [(&'static str, T)] {
    fn map_names(&self) -> Vec<&'static str> {
        self.iter().map(|(name, _)| *name).collect()
    }
}
