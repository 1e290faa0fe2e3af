//! Actions as what one chain does (RFC 8955 section 7, RFC 8956 section 6).

use std::net::IpAddr;

use sark_flowspec::{Action, Afi, Rate};

use crate::{Options, Reason, Rule, Target};

/// All that is done with the packets of a rule, in the order of the fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Effect {
    /// S bit.
    pub sample: bool,
    /// A rate of zero. Nothing after it matters.
    pub discard: bool,
    /// Packets beyond these are dropped.
    pub limits: Vec<Limit>,
    pub target: Option<Target>,
    /// 0 to 63.
    pub dscp: Option<u8>,
    /// T bit.
    pub continues: bool,
}

/// A rate that nftables can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Bytes per second.
    Bytes(u64),
    /// Packets per `unit`, and how many may come at once.
    Packets { count: u64, unit: &'static str, burst: u64 },
}

/// The kernel multiplies the bytes of a second by nanoseconds in 64 bits.
const MOST_BYTES: f64 = 18e9;
/// The kernel's price of a packet is a whole number of nanoseconds: at this rate it is off by less
/// than one in a thousand.
const MOST_PACKETS: f64 = 1e6;
/// Seconds of the units.
const UNITS: [(&str, f64); 4] =
    [("second", 1.0), ("minute", 60.0), ("hour", 3600.0), ("day", 86_400.0)];

impl Effect {
    /// What the rule does, or every reason why it cannot be done.
    pub fn of(rule: &Rule, options: &Options) -> Result<Self, Vec<Reason>> {
        let mut effect = Self::default();
        let mut reasons: Vec<Reason> = rule.unread.into_iter().collect();
        let mut kinds: Vec<(&'static str, &Action)> = Vec::new();
        for action in &rule.actions {
            let kind = kind(action);
            match kinds.iter().find(|(known, _)| *known == kind) {
                Some((_, same)) if *same == action => continue,
                Some(_) => {
                    reasons.push(Reason::Contradiction(kind));
                    continue;
                }
                None => kinds.push((kind, action)),
            }
            if let Err(reason) = effect.add(action, rule.nlri.afi(), options) {
                reasons.push(reason);
            }
        }
        if reasons.is_empty() { Ok(effect) } else { Err(reasons) }
    }

    /// What a refused rule does: nothing, and evaluation ends or goes on as it would.
    pub fn none(rule: &Rule) -> Self {
        Self { continues: rule.actions.iter().any(Action::continues), ..Self::default() }
    }

    fn add(&mut self, action: &Action, afi: Afi, options: &Options) -> Result<(), Reason> {
        match *action {
            Action::TrafficRateBytes { rate: Rate::DROP, .. }
            | Action::TrafficRatePackets { rate: Rate::DROP, .. } => self.discard = true,
            Action::TrafficRateBytes { rate, .. } => self.limits.push(bytes(rate)?),
            Action::TrafficRatePackets { .. } if options.merged_segments => {
                return Err(Reason::Merged("a rate of packets"));
            }
            Action::TrafficRatePackets { rate, .. } => self.limits.push(packets(rate)?),
            Action::TrafficAction { sample, terminal } => {
                (self.sample, self.continues) = (sample, terminal);
            }
            Action::RedirectVrf(target) => match options.vrf_tables.get(&target) {
                Some(table) => self.target = Some(Target::Vrf { table: *table, afi }),
                None => return Err(Reason::NoTable(target)),
            },
            Action::RedirectIp { address, copy } => {
                check_next_hop(address, copy, afi)?;
                self.target = Some(Target::NextHop(address));
            }
            Action::TrafficMarking { dscp } if dscp > 63 => return Err(Reason::Dscp(dscp)),
            Action::TrafficMarking { dscp } => self.dscp = Some(dscp),
        }
        Ok(())
    }
}

/// Of each kind one action can be carried out.
fn kind(action: &Action) -> &'static str {
    match action {
        Action::TrafficRateBytes { .. } => "rates of bytes",
        Action::TrafficRatePackets { .. } => "rates of packets",
        Action::TrafficAction { .. } => "traffic-actions",
        Action::RedirectVrf(_) | Action::RedirectIp { .. } => "redirects",
        Action::TrafficMarking { .. } => "markings",
    }
}

fn check_next_hop(address: IpAddr, copy: bool, afi: Afi) -> Result<(), Reason> {
    if copy {
        return Err(Reason::Copy(address));
    }
    if address.is_ipv4() != (afi == Afi::Ipv4) {
        return Err(Reason::NextHopFamily(address));
    }
    // Link-local addresses need an interface, which the action does not name.
    let usable = !address.is_unspecified()
        && !address.is_loopback()
        && !address.is_multicast()
        && match address {
            IpAddr::V4(address) => !address.is_broadcast() && !address.is_link_local(),
            IpAddr::V6(address) => {
                !address.is_unicast_link_local() && address.to_ipv4_mapped().is_none()
            }
        };
    if usable { Ok(()) } else { Err(Reason::NextHop(address)) }
}

fn bytes(rate: Rate) -> Result<Limit, Reason> {
    let exact = f64::from(rate.get());
    if exact.fract() != 0.0 || exact > MOST_BYTES {
        return Err(Reason::Rate { rate, unit: "bytes" });
    }
    Ok(Limit::Bytes(exact as u64))
}

/// The count that becomes this very rate when it is written as a 32-bit float.
#[expect(clippy::float_cmp, reason = "the same float is the point")]
fn packets(rate: Rate) -> Result<Limit, Reason> {
    let refused = Reason::Rate { rate, unit: "packets" };
    let exact = f64::from(rate.get());
    if exact > MOST_PACKETS {
        return Err(refused);
    }
    let same = |count: f64, seconds: f64| count >= 1.0 && (count / seconds) as f32 == rate.get();
    let found = UNITS.into_iter().find_map(|(unit, seconds)| {
        let count = (exact * seconds).round();
        same(count, seconds).then_some((unit, count))
    });
    let (unit, count) = found.ok_or(refused)?;
    Ok(Limit::Packets { count: count as u64, unit, burst: exact.ceil().max(1.0) as u64 })
}

/// The bucket holds a second of the rate; of bytes, for which the kernel adds that second by
/// itself, one packet of the largest size besides.
impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(count) => {
                write!(f, "limit rate over {count} bytes/second burst 65535 bytes drop")
            }
            Self::Packets { count, unit, burst } => {
                write!(f, "limit rate over {count}/{unit} burst {burst} packets drop")
            }
        }
    }
}
