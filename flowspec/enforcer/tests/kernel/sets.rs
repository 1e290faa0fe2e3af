//! Many rules of one kind, as the test of scale and the benchmark load them.

use std::net::{Ipv4Addr, Ipv6Addr};

use sark_enforcer::Rule;
use sark_flowspec::{Action, Afi, Nlri, Rate};

use crate::topology::next_hop;

const DROP: Action = Action::TrafficRateBytes { asn: 0, rate: Rate::DROP };

/// The same rule for many addresses.
pub struct Set {
    pub name: &'static str,
    pub afi: Afi,
    pub count: u32,
    pub length: u8,
    pub rest: &'static str,
    pub action: Action,
}

impl Set {
    pub fn rules(&self) -> Vec<Rule> {
        let sources = ["172.16.0.0/14", "172.20.0.0/14", "172.24.0.0/14", "172.28.0.0/14"];
        let rule = |index: u32| {
            let (mut number, mut rest) = (index, self.rest.to_owned());
            if rest.contains("SOURCE") {
                rest = rest.replace("SOURCE", sources[(index % 4) as usize]);
                number /= 4;
            }
            let rest = rest.replace("NUMBER", &(1000 + index).to_string());
            let host = u32::from(self.length.is_multiple_of(32) && self.length != 64);
            let address = match self.afi {
                Afi::Ipv4 => Ipv4Addr::from_bits(0x0a00_0000 | number << 8 | host).to_string(),
                Afi::Ipv6 => {
                    let network = 0x2001_0db8_1000_0000_u128 | u128::from(number);
                    Ipv6Addr::from_bits(network << 64 | u128::from(host)).to_string()
                }
            };
            let text = format!("dst {address}/{} {rest}", self.length);
            Rule::new(Nlri::parse(self.afi, &text).unwrap(), vec![self.action])
        };
        (0..self.count).map(rule).collect()
    }
}

pub fn sets() -> Vec<Set> {
    let redirect = |afi| Action::RedirectIp { address: next_hop(afi), copy: false };
    let rate = Action::TrafficRateBytes { asn: 0, rate: Rate::new(1e6).unwrap() };
    let set =
        |name, afi, count, length, rest, action| Set { name, afi, count, length, rest, action };
    let (v4, v6, many) = (Afi::Ipv4, Afi::Ipv6, 10_000);
    let https = "proto =6 dport =443";
    let long = "port =NUMBER|=1|=3|=5|=7|=9|=11|=13|=15 length >=9";
    let ports = "src SOURCE proto =6 dport =80|=443";
    vec![
        set("hosts, TCP 443, redirect", v4, 1, 32, https, redirect(v4)),
        set("hosts, TCP 443, redirect", v4, 1000, 32, https, redirect(v4)),
        set("hosts, TCP 443, redirect", v4, many, 32, https, redirect(v4)),
        set("/24s, TCP 443, drop", v4, many, 24, https, DROP),
        set("/24s, drop", v4, many, 24, "", DROP),
        set("hosts from 4 sources, 2 ports, redirect", v4, many, 32, ports, redirect(v4)),
        set("hosts, TCP 443, each with a rate", v4, many, 32, https, rate),
        set("hosts, SYN only, drop", v4, many, 32, "tcp-flags =2", DROP),
        set("hosts, port 53 either way, drop", v4, many, 32, "port =53", DROP),
        set(
            "hosts, lists of their own, drop",
            v4,
            3000,
            32,
            "port =NUMBER|=80|=443 length >=9",
            DROP,
        ),
        set("hosts, long lists of their own, drop", v4, 1000, 32, long, DROP),
        set("hosts, TCP 443, redirect", v6, 1, 128, https, redirect(v6)),
        set("hosts, TCP 443, redirect", v6, 1000, 128, https, redirect(v6)),
        set("hosts, TCP 443, redirect", v6, many, 128, https, redirect(v6)),
        set("/64s, TCP 443, drop", v6, many, 64, https, DROP),
    ]
}
