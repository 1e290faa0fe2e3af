//! What a peer accepts and programs.

use std::collections::BTreeSet;

use sark_flowspec::{Action, ComponentType};
use serde::{Deserialize, Serialize};

/// Capabilities of a router as FlowSpec receiver. Rules reach every peer, so a plan is compiled for
/// the [intersection](Profile::intersect) of the peers' profiles.
///
/// *Accepted* means that the session and the route survive. *Programmed* means that the data plane
/// acts on it. What is not accepted is refused; accepted but not programmed is a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// `strict`, `frr`, `bird`, `enforcer`, or `frr ∩ strict`.
    pub name: String,
    /// IPv4 rules at most, guards included.
    pub max_rules_v4: u32,
    /// IPv6 rules at most, guards included.
    pub max_rules_v6: u32,
    /// Component types of an IPv4 rule, by type octet.
    pub components_v4: BTreeSet<u8>,
    /// Component types of an IPv6 rule, by type octet.
    pub components_v6: BTreeSet<u8>,
    /// `{operator, value}` pairs in one component.
    pub max_items: usize,
    /// Several protocols in one rule.
    pub protocol_lists: bool,
    /// Several values or ranges in one port component.
    pub port_lists: bool,
    /// Fragment bits other than "is a fragment", and their negation.
    pub fragment_bits: bool,
    /// Octets of an NLRI without the length in front.
    pub max_nlri_octets: usize,
    /// Actions that are received without harm.
    pub accepts: BTreeSet<ActionKind>,
    /// Actions that reach the data plane.
    pub programs: BTreeSet<ActionKind>,
}

/// Kinds of actions as routers differ in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// Rate zero.
    Drop,
    /// Traffic-rate-bytes above zero.
    RateBytes,
    /// Traffic-rate-packets above zero.
    RatePackets,
    /// Redirect to VRF by route target.
    RedirectVrf,
    /// Redirect to an IPv4 next hop, `01 0c`.
    RedirectIpv4,
    /// Redirect to an IPv6 next hop, `00 0c` in attribute 25.
    RedirectIpv6,
    /// Traffic-marking.
    Mark,
    /// The sample bit of traffic-action.
    Sample,
}

/// Rules per family that no profile exceeds: what one speaker and one round can carry.
const CEILING: u32 = 200_000;

/// Bodies above this are written wrong by every gobgpd (osrg/gobgp #3596) and reset sessions.
const GOBGP_BODY: usize = 238;

impl Profile {
    /// Names of the profiles that exist.
    pub const NAMES: &'static [&'static str] = &["strict", "frr", "bird", "enforcer"];

    /// By name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "strict" => Some(Self::strict()),
            "frr" => Some(Self::frr()),
            "bird" => Some(Self::bird()),
            "enforcer" => Some(Self::enforcer()),
            _ => None,
        }
    }

    /// Safe on every router that is known: the default for a peer.
    fn strict() -> Self {
        let components = BTreeSet::from([1, 2, 3, 4, 5, 6, 9, 12]);
        let actions =
            BTreeSet::from([ActionKind::Drop, ActionKind::RateBytes, ActionKind::RedirectVrf]);
        Self {
            name: "strict".into(),
            max_rules_v4: 1_000,
            max_rules_v6: 1_000,
            components_v4: components.clone(),
            components_v6: components,
            max_items: 5,
            protocol_lists: false,
            port_lists: false,
            fragment_bits: false,
            max_nlri_octets: GOBGP_BODY,
            accepts: actions.clone(),
            programs: actions,
        }
    }

    /// FRR as Debian ships it: takes every action, resets the session on six items in a component,
    /// has no hook that programs ordinary rules.
    fn frr() -> Self {
        Self {
            name: "frr".into(),
            max_rules_v4: CEILING,
            max_rules_v6: CEILING,
            components_v4: (1..=12).collect(),
            components_v6: (1..=13).collect(),
            max_items: 5,
            protocol_lists: true,
            port_lists: true,
            fragment_bits: true,
            max_nlri_octets: GOBGP_BODY,
            accepts: ActionKind::ALL.into(),
            programs: BTreeSet::new(),
        }
    }

    /// BIRD stores and relays, and programs nothing.
    fn bird() -> Self {
        Self { name: "bird".into(), max_items: 32, ..Self::frr() }
    }

    /// A Linux router with `sark-enforcer`, which reads a gobgpd and programs all that it can say. What it
    /// refuses by its own configuration (lengths and packet rates where interfaces merge segments) it reports.
    fn enforcer() -> Self {
        Self { name: "enforcer".into(), programs: ActionKind::ALL.into(), ..Self::bird() }
    }

    /// What both can do.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let mut names: BTreeSet<&str> = self.name.split(" ∩ ").collect();
        names.extend(other.name.split(" ∩ "));
        Self {
            name: names.into_iter().collect::<Vec<_>>().join(" ∩ "),
            max_rules_v4: self.max_rules_v4.min(other.max_rules_v4),
            max_rules_v6: self.max_rules_v6.min(other.max_rules_v6),
            components_v4: &self.components_v4 & &other.components_v4,
            components_v6: &self.components_v6 & &other.components_v6,
            max_items: self.max_items.min(other.max_items),
            protocol_lists: self.protocol_lists && other.protocol_lists,
            port_lists: self.port_lists && other.port_lists,
            fragment_bits: self.fragment_bits && other.fragment_bits,
            max_nlri_octets: self.max_nlri_octets.min(other.max_nlri_octets),
            accepts: &self.accepts & &other.accepts,
            programs: &self.programs & &other.programs,
        }
    }

    /// Whether a rule of this family may have this component.
    #[must_use]
    pub fn accepts_component(&self, afi: sark_flowspec::Afi, kind: ComponentType) -> bool {
        match afi {
            sark_flowspec::Afi::Ipv4 => self.components_v4.contains(&(kind as u8)),
            sark_flowspec::Afi::Ipv6 => self.components_v6.contains(&(kind as u8)),
        }
    }

    /// Rules of this family at most.
    #[must_use]
    pub fn max_rules(&self, afi: sark_flowspec::Afi) -> usize {
        match afi {
            sark_flowspec::Afi::Ipv4 => self.max_rules_v4 as usize,
            sark_flowspec::Afi::Ipv6 => self.max_rules_v6 as usize,
        }
    }
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl ActionKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Drop,
        Self::RateBytes,
        Self::RatePackets,
        Self::RedirectVrf,
        Self::RedirectIpv4,
        Self::RedirectIpv6,
        Self::Mark,
        Self::Sample,
    ];

    /// The kind of an action.
    #[must_use]
    pub fn of(action: &Action) -> Self {
        match action {
            Action::TrafficRateBytes { rate, .. } | Action::TrafficRatePackets { rate, .. }
                if rate.get() == 0.0 =>
            {
                Self::Drop
            }
            Action::TrafficRateBytes { .. } => Self::RateBytes,
            Action::TrafficRatePackets { .. } => Self::RatePackets,
            Action::TrafficAction { .. } => Self::Sample,
            Action::RedirectVrf(_) => Self::RedirectVrf,
            Action::RedirectIp { address, .. } if address.is_ipv4() => Self::RedirectIpv4,
            Action::RedirectIp { .. } => Self::RedirectIpv6,
            Action::TrafficMarking { .. } => Self::Mark,
        }
    }
}

impl std::fmt::Display for ActionKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Drop => "drop",
            Self::RateBytes => "rate limit in bytes",
            Self::RatePackets => "rate limit in packets",
            Self::RedirectVrf => "redirect to a VRF",
            Self::RedirectIpv4 => "redirect to an IPv4 next hop",
            Self::RedirectIpv6 => "redirect to an IPv6 next hop",
            Self::Mark => "mark",
            Self::Sample => "sample",
        })
    }
}
