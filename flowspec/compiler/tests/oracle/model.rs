//! A random world: endpoints, policies, guards; and what each packet should suffer in it.

use std::net::IpAddr;

use ipnet::IpNet;
use sark_flowspec::Packet;

/// Generated endpoint.
#[derive(Debug, Clone)]
pub struct World {
    pub endpoints: Vec<Place>,
    pub policies: Vec<Rule>,
    /// Protected prefixes.
    pub protected: Vec<IpNet>,
    pub sessions: Vec<(IpAddr, IpAddr)>,
    /// Proxies' own addresses: next hops and source prefixes.
    pub proxies: Vec<IpNet>,
    /// The pool's proxies by number, and which are up.
    pub up: Vec<bool>,
    pub profile: &'static str,
}

#[derive(Debug, Clone)]
pub struct Place {
    pub provider: String,
    pub service: String,
    pub kind: &'static str,
    pub role: &'static str,
    pub sharedness: &'static str,
    pub verified: bool,
    pub prefixes: Vec<IpNet>,
    pub name: String,
}

#[derive(Debug, Clone)]
pub struct Rule {
    pub name: String,
    pub priority: u16,
    pub from: Vec<IpNet>,
    /// `None` is any.
    pub to: Option<To>,
    pub protocols: Vec<&'static str>,
    pub ports: Vec<(u16, u16)>,
    pub source_ports: Vec<(u16, u16)>,
    pub lengths: Vec<(u16, u16)>,
    pub dscp: Vec<(u16, u16)>,
    /// Bit, set.
    pub flags: Vec<(&'static str, bool)>,
    /// Bit, set.
    pub fragment: Vec<(&'static str, bool)>,
    pub act: Act,
    /// Of a redirect to the pool: `whenProxyDown`.
    pub when_down: &'static str,
}

#[derive(Debug, Clone, Default)]
pub struct To {
    pub providers: Vec<String>,
    pub kinds: Vec<&'static str>,
    pub services: Vec<String>,
    pub names: Vec<String>,
    pub prefixes: Vec<IpNet>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Act {
    Accept,
    Drop,
    Bytes(u32),
    Packets(u32),
    Pool,
    Vrf(u32),
    Mark(u8),
    Sample,
    MarkSample(u8),
}

impl Rule {
    pub fn yaml(&self) -> String {
        use std::fmt::Write;
        let mut y = format!(
            "apiVersion: sark/v1\nkind: FlowSpecPolicy\nmetadata: {{ name: {} }}\nspec:\n  priority: {}\n",
            self.name, self.priority
        );
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        if !self.from.is_empty() {
            let _ = writeln!(y, "  from: {}", quoted(&self.from));
        }
        if let Some(to) = &self.to {
            let _ = writeln!(y, "  to:");
            for (key, values) in
                [("providers", &to.providers), ("services", &to.services), ("names", &to.names)]
            {
                if !values.is_empty() {
                    let _ = writeln!(y, "    {key}: {}", quoted(values));
                }
            }
            if !to.kinds.is_empty() {
                let _ = writeln!(y, "    kinds: {}", quoted(&to.kinds));
            }
            if !to.prefixes.is_empty() {
                let _ = writeln!(y, "    prefixes: {}", quoted(&to.prefixes));
            }
        }
        if !self.protocols.is_empty() {
            let _ = writeln!(y, "  protocol: {}", quoted(&self.protocols));
        }
        for (key, ranges) in [
            ("ports", &self.ports),
            ("sourcePorts", &self.source_ports),
            ("packetLength", &self.lengths),
            ("dscp", &self.dscp),
        ] {
            if !ranges.is_empty() {
                let items = ranges
                    .iter()
                    .map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") })
                    .collect();
                let _ = writeln!(y, "  {key}: {}", list(items));
            }
        }
        for (key, bits) in [("tcpFlags", &self.flags), ("fragment", &self.fragment)] {
            if !bits.is_empty() {
                let items =
                    bits.iter().map(|(b, set)| format!("\"{}{b}\"", if *set { "" } else { "!" }));
                let _ = writeln!(y, "  {key}: {}", list(items.collect()));
            }
        }
        let action = match self.act {
            Act::Accept => "accept".into(),
            Act::Drop => "drop".into(),
            Act::Bytes(n) => format!("{{ rateLimit: {{ bytesPerSecond: {n} }} }}"),
            Act::Packets(n) => format!("{{ rateLimit: {{ packetsPerSecond: {n} }} }}"),
            Act::Pool => "{ redirect: { to: inspection } }".into(),
            Act::Vrf(n) => format!("{{ redirect: {{ vrf: \"64500:{n}\" }} }}"),
            Act::Mark(d) => format!("{{ mark: {{ dscp: {d} }} }}"),
            Act::Sample => "sample".into(),
            Act::MarkSample(d) => format!("{{ mark: {{ dscp: {d} }}, sample: {{}} }}"),
        };
        let _ = writeln!(y, "  action: {action}");
        if self.act == Act::Pool {
            let _ = writeln!(y, "  whenProxyDown: {}", self.when_down);
        }
        y
    }

    /// Whether the policy means this packet.
    pub fn means(&self, world: &World, p: &Packet) -> bool {
        let v6 = p.destination.is_ipv6();
        let first = !p.fragment.offset;
        let within =
            |ranges: &[(u16, u16)], v: u16| ranges.iter().any(|(a, b)| (*a..=*b).contains(&v));
        let port = |ranges: &[(u16, u16)], v: Option<u16>| {
            ranges.is_empty()
                || (first && [6, 17].contains(&p.protocol) && v.is_some_and(|v| within(ranges, v)))
        };
        (self.from.is_empty() || self.from.iter().any(|n| n.contains(&p.source)))
            && self.to.as_ref().is_none_or(|to| to.selects(world, p.destination))
            && (self.protocols.is_empty()
                || self.protocols.iter().any(|n| number(n, v6) == p.protocol))
            && port(&self.ports, p.destination_port)
            && port(&self.source_ports, p.source_port)
            && (self.lengths.is_empty() || within(&self.lengths, p.length))
            && (self.dscp.is_empty() || within(&self.dscp, p.dscp.into()))
            && (self.flags.is_empty()
                || (first
                    && p.protocol == 6
                    && p.tcp_flags.is_some_and(|f| {
                        self.flags.iter().all(|(bit, set)| (f & flag(bit) != 0) == *set)
                    })))
            && (self.fragment.is_empty()
                || self.fragment.iter().any(|(bit, set)| fragment(bit, p) == *set))
    }
}

/// The next hop of a proxy by its number.
pub fn hop(n: u8, v6: bool) -> IpAddr {
    match v6 {
        false => [192, 0, 2, 10 + n].into(),
        true => [0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 0x10 + u16::from(n)].into(),
    }
}

fn quoted<T: std::fmt::Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|i| format!("\"{i}\"")).collect();
    format!("[{}]", items.join(", "))
}

fn number(name: &str, v6: bool) -> u8 {
    match name {
        "tcp" => 6,
        "udp" => 17,
        "icmp" => {
            if v6 {
                58
            } else {
                1
            }
        }
        "gre" => 47,
        other => panic!("protocol {other}"),
    }
}

pub fn flag(name: &str) -> u16 {
    match name {
        "fin" => 1,
        "syn" => 2,
        "rst" => 4,
        "psh" => 8,
        "ack" => 16,
        other => panic!("flag {other}"),
    }
}

fn fragment(bit: &str, p: &Packet) -> bool {
    match bit {
        "dont" => p.fragment.dont,
        "is" => p.fragment.offset,
        "first" => p.fragment.more && !p.fragment.offset,
        "last" => p.fragment.offset && !p.fragment.more,
        other => panic!("fragment bit {other}"),
    }
}

impl To {
    /// Prefixes that this selects as destinations.
    pub fn prefixes<'a>(&'a self, world: &'a World) -> impl Iterator<Item = &'a IpNet> {
        let selected = world.endpoints.iter().filter(|e| {
            let id = format!("{}/{}", e.provider, e.service);
            let by_kind = self.kinds.is_empty() || self.kinds.contains(&e.kind);
            let kinds_alone =
                self.providers.is_empty() && self.services.is_empty() && !self.kinds.is_empty();
            let direction = e.role == "ingress" || e.role == "relay";
            let listed = self.providers.contains(&e.provider) || self.services.contains(&id);
            direction && ((by_kind && (listed || kinds_alone)) || self.names.contains(&e.name))
        });
        self.prefixes.iter().chain(selected.flat_map(|e| &e.prefixes))
    }

    fn selects(&self, world: &World, destination: IpAddr) -> bool {
        self.prefixes(world).any(|n| n.contains(&destination))
    }
}

impl World {
    /// What the priorities mean for this packet; `None` is untouched.
    pub fn intended(&self, p: &Packet) -> Option<(&Rule, Act)> {
        if self.is_guarded(p) {
            return None;
        }
        self.policies
            .iter()
            .filter(|r| r.means(self, p))
            .filter_map(|r| Some((r, self.does(r)?)))
            .max_by_key(|(r, _)| r.priority)
            .filter(|(_, act)| *act != Act::Accept)
    }

    /// What a policy does in the state of the pool; `None` if it has no rules.
    fn does(&self, rule: &Rule) -> Option<Act> {
        match (rule.act, rule.when_down) {
            (Act::Pool, "withdraw") if !self.up.contains(&true) => None,
            (Act::Pool, "drop") if !self.up.contains(&true) => Some(Act::Drop),
            (act, _) => Some(act),
        }
    }

    /// The proxies that the pool's packets may go to.
    pub fn takers(&self, v6: bool) -> Vec<IpAddr> {
        let any = !self.up.contains(&true);
        (0..).zip(&self.up).filter(|(_, up)| any || **up).map(|(n, _)| hop(n, v6)).collect()
    }

    /// Guards above all policies: protected prefixes, proxies, BGP sessions.
    pub fn is_guarded(&self, p: &Packet) -> bool {
        let touches = |n: &IpNet| n.contains(&p.source) || n.contains(&p.destination);
        let bgp = p.protocol == 6
            && !p.fragment.offset
            && (p.source_port == Some(179) || p.destination_port == Some(179));
        self.protected.iter().any(touches)
            || self.proxies.iter().any(touches)
            || (bgp
                && self.sessions.iter().any(|(a, b)| {
                    (p.source, p.destination) == (*a, *b) || (p.source, p.destination) == (*b, *a)
                }))
    }
}
