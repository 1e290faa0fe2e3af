//! What is done: pools, rates, route targets.

use schemars::{Schema, json_schema};

use super::{number, unknown};
use crate::network::written::{Form, Wrong};
use crate::network::{RouteTarget, WhenProxyDown};

/// Name of a proxy pool.
pub(crate) enum Pool {}

impl Form for Pool {
    type Value = String;

    fn read(text: &str) -> Result<String, Wrong> {
        if text.parse::<std::net::IpAddr>().is_ok() {
            return Err(Wrong::new(format!("`{text}` is an address, not a pool")).help(
                "add it to a proxy pool in sarkd's configuration and write the pool's name",
            ));
        }
        super::words::slug("pool name", text)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "title": "pool", "pattern": super::words::SLUG })
    }
}

/// `1250000`, `500k`, `10MB`.
pub(crate) enum ByteRate {}

/// `5000`, `5k`.
pub(crate) enum PacketRate {}

impl Form for ByteRate {
    type Value = u64;

    fn read(text: &str) -> Result<u64, Wrong> {
        rate(text, &["", "B"])
    }

    fn schema() -> Schema {
        rate_schema("^[0-9]+[kKMG]?B?$")
    }
}

impl Form for PacketRate {
    type Value = u64;

    fn read(text: &str) -> Result<u64, Wrong> {
        rate(text, &[""])
    }

    fn schema() -> Schema {
        rate_schema("^[0-9]+[kKMG]?$")
    }
}

/// A number, perhaps thousands, millions or milliards of them, of one of the units.
fn rate(text: &str, units: &[&str]) -> Result<u64, Wrong> {
    let wrong = || {
        Wrong::new(format!("`{text}` is not a rate"))
            .help("write a whole number, or one with `k`, `M` or `G`: `1250000`, `10M`")
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (value, scaled_unit) = text.split_at(digits);
    let value = number(value).ok_or_else(wrong)?;
    let scaled_unit = scaled_unit.trim();
    let (scale, unit) = match scaled_unit.as_bytes().first() {
        Some(b'k' | b'K') => (1_000, &scaled_unit[1..]),
        Some(b'm' | b'M') => (1_000_000, &scaled_unit[1..]),
        Some(b'g' | b'G') => (1_000_000_000, &scaled_unit[1..]),
        _ => (1, scaled_unit),
    };
    let rate: u64 = value.checked_mul(scale).ok_or_else(wrong)?;
    if unit.starts_with('b') || unit.to_ascii_lowercase().starts_with("bit") {
        return Err(Wrong::new(format!("`{text}` is in bits: rates are in bytes or packets"))
            .help(format!("{rate} bits are `{}` bytes", rate.div_ceil(8))));
    }
    // `m` alone is thousandths elsewhere.
    if !units.contains(&unit) || scaled_unit.starts_with('m') {
        return Err(wrong());
    }
    if rate == 0 {
        return Err(
            Wrong::new("a rate is above zero").help("to stop all packets, write `action: drop`")
        );
    }
    Ok(rate)
}

fn rate_schema(pattern: &str) -> Schema {
    json_schema!({
        "title": "rate",
        "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": pattern }],
    })
}

/// `65001:100`.
pub(crate) enum RouteTargetText {}

impl Form for RouteTargetText {
    type Value = RouteTarget;

    fn read(text: &str) -> Result<RouteTarget, Wrong> {
        let wrong = |why: &str| {
            Wrong::new(format!("`{text}` is not a route target: {why}"))
                .help("write `65001:100`, `192.0.2.1:100` or `4200000001:100`")
        };
        let (left, right) =
            text.split_once(':').ok_or_else(|| wrong("it has two parts with a colon between"))?;
        let value = number(right).ok_or_else(|| wrong("the second part is a number"))?;
        let short =
            || u16::try_from(value).map_err(|_| wrong("the second part is at most 65535 here"));
        if let Ok(address) = left.parse() {
            return Ok(RouteTarget::Ipv4 { address, value: short()? });
        }
        let asn =
            number(left).ok_or_else(|| wrong("the first part is an AS number or IPv4 address"))?;
        let asn = u32::try_from(asn).map_err(|_| wrong("the AS number is at most 4294967295"))?;
        match u16::try_from(asn) {
            Ok(asn) => {
                let value = u32::try_from(value)
                    .map_err(|_| wrong("the second part is at most 4294967295"))?;
                Ok(RouteTarget::As2 { asn, value })
            }
            Err(_) => Ok(RouteTarget::As4 { asn, value: short()? }),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "title": "route target", "pattern": "^[0-9.]+:[0-9]+$" })
    }
}

/// `withdraw`, `drop` or `keep`.
pub(crate) enum WhenDown {}

impl Form for WhenDown {
    type Value = WhenProxyDown;

    fn read(text: &str) -> Result<WhenProxyDown, Wrong> {
        match text {
            "withdraw" => Ok(WhenProxyDown::Withdraw),
            "drop" => Ok(WhenProxyDown::Drop),
            "keep" => Ok(WhenProxyDown::Keep),
            _ => Err(unknown("word", text, &["withdraw", "drop", "keep"])),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "enum": ["withdraw", "drop", "keep"] })
    }
}
