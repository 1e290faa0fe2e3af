//! What a policy wants of one family: the region behind the prefixes, and the actions.

use std::net::IpAddr;

use sark_flowspec::{Action, Afi, ComponentType, Rate, RouteTarget};
use sark_policy::{FragmentBit, Policy, Protocol, Range, RateLimit, Verdict, WhenProxyDown};

use crate::bits;
use crate::ranges::Ranges;
use crate::region::{Field, Region, fragment};
use crate::steer::Lane;
use crate::{ActionKind, Environment, Pool, Profile, Refusal, Warning};

/// Region and actions of one family.
#[derive(Debug)]
pub(crate) struct Wish {
    pub region: Region,
    /// Of a redirect to a pool: to its first proxy.
    pub actions: Vec<Action>,
    /// The proxies of its pool that have a next hop of the family; empty without a pool.
    pub lanes: Vec<Lane>,
    /// What is done instead when the pool is down and that is to drop.
    pub discard: Vec<Action>,
}

/// Why a policy says nothing for a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// No packet of the family can meet all conditions.
    Empty,
    /// No proxy of the pool has a next hop of the family.
    NextHop(String),
    /// A rate that cannot be said.
    Rate,
}

#[derive(Debug)]
pub(crate) struct Wishes {
    v4: Result<Wish, Nothing>,
    v6: Result<Wish, Nothing>,
}

impl Wishes {
    pub fn family(&self, afi: Afi) -> Result<&Wish, &Nothing> {
        match afi {
            Afi::Ipv4 => self.v4.as_ref(),
            Afi::Ipv6 => self.v6.as_ref(),
        }
    }
}

pub(crate) fn wishes(policy: &Policy, pool: Option<&Pool>, environment: &Environment) -> Wishes {
    let wish = |afi| {
        let region = region(policy, afi == Afi::Ipv6);
        if region.is_empty() {
            return Err(Nothing::Empty);
        }
        let lanes = lanes(policy, pool, environment, afi)?;
        let actions = match lanes.first() {
            Some(lane) => lane.actions.clone(),
            None => actions(policy, None, environment)?,
        };
        let drops = pool.is_some() && policy.when_proxy_down == WhenProxyDown::Drop;
        let discard = if drops { vec![discard(environment)] } else { Vec::new() };
        Ok(Wish { region, actions, lanes, discard })
    };
    Wishes { v4: wish(Afi::Ipv4), v6: wish(Afi::Ipv6) }
}

fn ranges(list: &[Range]) -> Ranges {
    Ranges::of(list.iter().map(|range| (range.first.into(), range.last.into())))
}

fn region(policy: &Policy, v6: bool) -> Region {
    let mut region = Region::all(v6);
    // A component that every packet meets says nothing and is left out; ports always say "has
    // ports".
    let mut add = |field: Field, given: bool, set: Ranges| {
        let ports = matches!(field, Field::DestinationPort | Field::SourcePort);
        if given && (ports || set != field.domain(v6)) {
            region = region.clone().with(field, set);
        }
    };
    let number = |protocol: &Protocol| match protocol {
        Protocol::Icmp if v6 => 58,
        Protocol::Icmp => 1,
        Protocol::Number(number) => u32::from(*number),
    };
    let protocols = policy.protocols.iter().map(|p| (number(p), number(p)));
    add(Field::Protocol, !policy.protocols.is_empty(), Ranges::of(protocols));
    add(Field::DestinationPort, !policy.ports.is_empty(), ranges(&policy.ports));
    add(Field::SourcePort, !policy.source_ports.is_empty(), ranges(&policy.source_ports));
    let bits_of = |set| {
        let all = policy.tcp_flags.iter().filter(|flag| flag.set == set);
        all.fold(0, |bits, flag| bits | u32::from(flag.bit))
    };
    add(Field::TcpFlags, !policy.tcp_flags.is_empty(), bits::flags(bits_of(true), bits_of(false)));
    add(Field::Length, !policy.packet_length.is_empty(), ranges(&policy.packet_length));
    add(Field::Dscp, !policy.dscp.is_empty(), ranges(&policy.dscp));
    let holds = |state: &u32| {
        let (more, offset) = (state & fragment::MORE != 0, state & fragment::OFFSET != 0);
        policy.fragment.iter().any(|want| {
            let bit = match want.bit {
                FragmentBit::Dont => state & fragment::DONT != 0,
                FragmentBit::Is => offset,
                FragmentBit::First => !offset && more,
                FragmentBit::Last => offset && !more,
            };
            bit == want.set
        })
    };
    let states = Field::Fragment.domain(v6);
    let states = Ranges::of(states.values().filter(holds).map(|state| (state, state)));
    add(Field::Fragment, !policy.fragment.is_empty(), states);
    // Protocols that cannot have ports or flags go, and what is narrower is said as it is.
    let narrow = region.narrowed();
    for field in [Field::Protocol, Field::Fragment] {
        if region.has(field) {
            region = region.with(field, narrow.get(field).clone());
        }
    }
    region
}

/// The proxies that the family can be sent to.
fn lanes(
    policy: &Policy,
    pool: Option<&Pool>,
    environment: &Environment,
    afi: Afi,
) -> Result<Vec<Lane>, Nothing> {
    let mut out = Vec::new();
    for proxy in pool.iter().flat_map(|pool| &pool.proxies) {
        if let Some(next_hop) = proxy.next_hop(afi) {
            out.push(Lane {
                proxy: proxy.name.clone(),
                is_up: proxy.is_up,
                actions: actions(policy, Some(next_hop), environment)?,
            });
        }
    }
    match pool {
        Some(pool) if out.is_empty() => Err(Nothing::NextHop(pool.name.clone())),
        _ => Ok(out),
    }
}

/// The field has two octets and only informs: an AS that does not fit is sent as 0.
fn asn(environment: &Environment) -> u16 {
    u16::try_from(environment.asn).unwrap_or(0)
}

fn discard(environment: &Environment) -> Action {
    Action::TrafficRateBytes { asn: asn(environment), rate: Rate::DROP }
}

fn actions(
    policy: &Policy,
    next_hop: Option<IpAddr>,
    environment: &Environment,
) -> Result<Vec<Action>, Nothing> {
    let asn = asn(environment);
    let mut out = Vec::new();
    match &policy.action.verdict {
        Verdict::Accept => {}
        Verdict::Drop => out.push(discard(environment)),
        Verdict::RateLimit(limit) => {
            // 24 bits of precision: at most 0.000006 % off.
            let rate = |per_second: u64| Rate::new(per_second as f32).map_err(|_| Nothing::Rate);
            out.push(match limit {
                RateLimit::BytesPerSecond(n) => Action::TrafficRateBytes { asn, rate: rate(*n)? },
                RateLimit::PacketsPerSecond(n) => {
                    Action::TrafficRatePackets { asn, rate: rate(*n)? }
                }
            });
        }
        Verdict::RedirectPool { pool: name, copy } => {
            let address = next_hop.ok_or_else(|| Nothing::NextHop(name.clone()))?;
            out.push(Action::RedirectIp { address, copy: *copy });
        }
        Verdict::RedirectVrf(target) => out.push(Action::RedirectVrf(match *target {
            sark_policy::RouteTarget::As2 { asn, value } => RouteTarget::As2 { asn, value },
            sark_policy::RouteTarget::Ipv4 { address, value } => {
                RouteTarget::Ipv4 { address, value }
            }
            sark_policy::RouteTarget::As4 { asn, value } => RouteTarget::As4 { asn, value },
        })),
    }
    if policy.action.sample {
        // T stays clear: set, it would mean that evaluation continues.
        out.push(Action::TrafficAction { sample: true, terminal: false });
    }
    out.extend(policy.action.mark.map(|dscp| Action::TrafficMarking { dscp: dscp & 63 }));
    Ok(out)
}

impl Wish {
    /// Whether the profile takes it.
    pub fn check(&self, policy: &Policy, afi: Afi, profile: &Profile) -> Result<(), Refusal> {
        let refuse = |line: u32, why: String, fix: String| {
            let fix =
                format!("{}:{line}: {fix}, or give the peers a wider profile", policy.place.file);
            Err(Refusal { policy: policy.name.clone(), guard: "profile".into(), why, fix })
        };
        for action in self.actions.iter().chain(&self.discard) {
            let kind = ActionKind::of(action);
            if !profile.accepts.contains(&kind) {
                let takes: Vec<String> =
                    profile.accepts.iter().map(ActionKind::to_string).collect();
                return refuse(
                    policy.action.line,
                    format!(
                        "the profile {profile} does not take the action {kind}{}",
                        if self.actions.contains(action) { "" } else { " (whenProxyDown: drop)" }
                    ),
                    format!("use one that it takes ({})", takes.join(", ")),
                );
            }
        }
        for (field, kind, key) in FIELDS {
            if self.region.has(field) && !profile.accepts_component(afi, kind) {
                return refuse(
                    policy.place.line,
                    format!("the profile {profile} does not take the component of `{key}`"),
                    format!("leave `{key}` out"),
                );
            }
        }
        let is_fragment = Ranges::of(
            Field::Fragment
                .domain(afi == Afi::Ipv6)
                .values()
                .filter(|state| state & fragment::OFFSET != 0)
                .map(|state| (state, state)),
        );
        match self.region.component(Field::Fragment) {
            Some(states) if !profile.fragment_bits && *states != is_fragment => refuse(
                policy.place.line,
                format!("the profile {profile} knows no fragment bit but \"is a fragment\""),
                "say `fragment: [is]` or leave it out".into(),
            ),
            _ => Ok(()),
        }
    }
}

/// Fields, their component types and their keys in policies.
const FIELDS: [(Field, ComponentType, &str); 7] = [
    (Field::Protocol, ComponentType::Protocol, "protocol"),
    (Field::DestinationPort, ComponentType::DestinationPort, "ports"),
    (Field::SourcePort, ComponentType::SourcePort, "sourcePorts"),
    (Field::TcpFlags, ComponentType::TcpFlags, "tcpFlags"),
    (Field::Length, ComponentType::PacketLength, "packetLength"),
    (Field::Dscp, ComponentType::Dscp, "dscp"),
    (Field::Fragment, ComponentType::Fragment, "fragment"),
];

impl Nothing {
    pub fn why(&self) -> &'static str {
        match self {
            Self::Empty => "no packet of that family can meet all conditions",
            Self::NextHop(_) => "no proxy of the pool has a next hop of that family",
            Self::Rate => "the rate cannot be said in a community",
        }
    }

    /// When no family is left.
    pub fn refusal(&self, policy: &Policy) -> Refusal {
        let at = |line: u32| format!("{}:{line}", policy.place.file);
        let (guard, why, fix) = match self {
            Self::Empty => (
                "empty",
                "no packet can meet all its conditions".to_owned(),
                format!(
                    "{}: only TCP and UDP have ports, only TCP has flags, and fragments other \
                     than the first have neither",
                    at(policy.place.line)
                ),
            ),
            Self::NextHop(pool) => (
                "no-next-hop",
                format!(
                    "no proxy of the pool {pool} has a next hop for the families of this policy"
                ),
                format!(
                    "give proxies of the pool {pool} `nextHop4` or `nextHop6` in sarkd's \
                     configuration, or choose another pool in {}",
                    at(policy.action.line)
                ),
            ),
            Self::Rate => (
                "rate",
                "its rate cannot be said in a community".to_owned(),
                format!("{}: choose a smaller rate", at(policy.action.line)),
            ),
        };
        Refusal { policy: policy.name.clone(), guard: guard.into(), why, fix }
    }
}

/// What routers of the profile will not do although the rules are fine.
pub(crate) fn warn(
    policy: &Policy,
    made: &[(Afi, &Wish)],
    profile: &Profile,
    warnings: &mut Vec<Warning>,
) {
    let mut push = |code: &str, message: String| {
        warnings.push(Warning { policy: policy.name.clone(), code: code.into(), message });
    };
    let kinds: std::collections::BTreeSet<ActionKind> = made
        .iter()
        .flat_map(|(_, wish)| wish.actions.iter().chain(&wish.discard))
        .map(ActionKind::of)
        .collect();
    for kind in kinds.difference(&profile.programs) {
        push(
            "not-programmed",
            format!(
                "routers of the profile {profile} take the rules and do not act on them ({kind}); \
                 a data plane beside them must"
            ),
        );
    }
    let needs_first = [Field::DestinationPort, Field::SourcePort, Field::TcpFlags];
    if made.iter().any(|(_, wish)| needs_first.iter().any(|field| wish.region.has(*field))) {
        push(
            "fragments",
            "ports and flags are only in the first fragment: the others of a fragmented packet \
             are not matched"
                .into(),
        );
    }
}
