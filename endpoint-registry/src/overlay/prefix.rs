//! Prefixes that may stand in a registry. Private and documentation ranges may: they are the
//! operator's and the lab's own. What no router forwards, or what is everybody's, may not.

use std::net::IpAddr;

use ipnet::IpNet;

/// Why a text is not a prefix for the registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PrefixError {
    #[error("{0:?} is not a prefix: write an address and a length, such as 192.0.2.0/24")]
    Form(String),
    #[error("{address} has no length\nhelp: for this one address, write {address}/{length}")]
    NoLength { address: IpAddr, length: u8 },
    #[error("{prefix} has bits set after its length\nhelp: the prefix is {network}")]
    HostBits { prefix: IpNet, network: IpNet },
    #[error("{0} is a default route: it would make one endpoint of the whole internet")]
    Default(IpNet),
    #[error("{prefix} is too wide: /{least} is the widest a registry takes for this family")]
    Wide { prefix: IpNet, least: u8 },
    #[error("{prefix} lies in {range} ({what}): {why}")]
    Special { prefix: IpNet, range: &'static str, what: &'static str, why: &'static str },
}

const NO_ROUTER: &str = "no router forwards it, so no rule can match it";
const NO_SERVICE: &str = "no service listens there";

/// Ranges that are never an endpoint's.
const SPECIAL: [(&str, &str, &str); 12] = [
    ("0.0.0.0/8", "this network", NO_ROUTER),
    ("127.0.0.0/8", "loopback", NO_ROUTER),
    ("169.254.0.0/16", "link-local", NO_ROUTER),
    ("224.0.0.0/4", "multicast", NO_SERVICE),
    ("240.0.0.0/4", "reserved", NO_SERVICE),
    ("::/128", "unspecified", NO_ROUTER),
    ("::1/128", "loopback", NO_ROUTER),
    ("::ffff:0:0/96", "IPv4 inside IPv6", "write it as IPv4"),
    ("64:ff9b::/96", "NAT64", "write the IPv4 prefix behind it"),
    ("100::/64", "discard", NO_SERVICE),
    ("fe80::/10", "link-local", NO_ROUTER),
    ("ff00::/8", "multicast", NO_SERVICE),
];

/// Widest that a registry takes. 10.0.0.0/8 is the widest a site owns; unique local addresses
/// apart, nobody holds an IPv6 prefix wider than a /16.
const WIDEST_4: u8 = 8;
const WIDEST_6: u8 = 16;
const WIDEST_UNIQUE_LOCAL: u8 = 8;

pub(super) fn parse(text: &str) -> Result<IpNet, PrefixError> {
    if let Ok(address) = text.parse::<IpAddr>() {
        let length = if address.is_ipv4() { 32 } else { 128 };
        return Err(PrefixError::NoLength { address, length });
    }
    let prefix: IpNet = text.parse().map_err(|_| PrefixError::Form(text.to_owned()))?;
    let network = prefix.trunc();
    if network != prefix {
        return Err(PrefixError::HostBits { prefix, network });
    }
    if prefix.prefix_len() == 0 {
        return Err(PrefixError::Default(prefix));
    }
    let least = match prefix {
        IpNet::V4(_) => WIDEST_4,
        IpNet::V6(net) if net.network().is_unique_local() => WIDEST_UNIQUE_LOCAL,
        IpNet::V6(_) => WIDEST_6,
    };
    if prefix.prefix_len() < least {
        return Err(PrefixError::Wide { prefix, least });
    }
    for (range, what, why) in SPECIAL {
        let overlaps = |special: IpNet| special.contains(&prefix) || prefix.contains(&special);
        if range.parse().is_ok_and(overlaps) {
            return Err(PrefixError::Special { prefix, range, what, why });
        }
    }
    Ok(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_ranges_are_taken() {
        for text in [
            "192.0.2.0/24",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "198.51.100.7/32",
            "160.79.104.0/23",
            "2001:db8::/32",
            "2607:6bc0::/48",
            "fd00::/8",
            "fc00::/8",
            "2001:db8::1/128",
        ] {
            assert_eq!(parse(text).map(|net| net.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_cannot_be_an_endpoint_is_refused_with_the_reason() {
        for (text, part) in [
            ("", "not a prefix"),
            ("192.0.2/24", "not a prefix"),
            ("192.0.2.0/33", "not a prefix"),
            ("192.0.2.0/24 ", "not a prefix"),
            ("192.0.2.0/-1", "not a prefix"),
            ("api.openai.com", "not a prefix"),
            ("192.0.2.1", "write 192.0.2.1/32"),
            ("2001:db8::1", "write 2001:db8::1/128"),
            ("192.0.2.1/24", "the prefix is 192.0.2.0/24"),
            ("2001:db8::1/32", "the prefix is 2001:db8::/32"),
            ("0.0.0.0/0", "default route"),
            ("::/0", "default route"),
            ("128.0.0.0/1", "/8 is the widest"),
            ("2000::/3", "/16 is the widest"),
            ("0.1.0.0/16", "this network"),
            ("127.0.0.1/32", "no router forwards it"),
            ("169.254.169.254/32", "link-local"),
            ("224.0.0.0/8", "multicast"),
            ("255.255.255.255/32", "reserved"),
            ("::/16", "unspecified"),
            ("::1/128", "loopback"),
            ("::ffff:192.0.2.0/120", "write it as IPv4"),
            ("fe80::/64", "link-local"),
            ("ff02::1/128", "multicast"),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
