//! Plan JSON, schema 1: stable, for people's tools.

use sark_flowspec::{Action, Afi, ExtendedCommunity, RouteTarget};
use serde::{Deserialize, Serialize};

use crate::{Collateral, Origin, Refusal, Unresolved, Warning};

/// Plan JSON, schema 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanDocument {
    /// 1.
    pub schema: u32,
    /// In section 5.1 order, IPv4 first.
    pub rules: Vec<PlannedRule>,
    /// Refusals. When there is one, nothing is applied.
    pub refused: Vec<Refusal>,
    /// Endpoints without an address.
    pub unresolved: Vec<Unresolved>,
    /// Warnings.
    pub warnings: Vec<Warning>,
    /// Counts.
    pub summary: Summary,
    /// Registry version.
    pub registry_version: String,
    /// Policy set version.
    pub policy_version: String,
}

/// Counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words say it")]
pub struct Summary {
    pub announce: u64,
    pub withdraw: u64,
    pub keep: u64,
    pub refused: u64,
}

/// What happens to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Change {
    Announce,
    Withdraw,
    Keep,
}

/// One rule of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedRule {
    /// What happens to it. Changed actions on the same NLRI are `announce` with `previous`.
    pub change: Change,
    /// Policy, `guard:NAME`, or `unknown` for a withdrawn rule that nobody remembers.
    pub policy: String,
    /// Family.
    pub afi: Afi,
    /// Lowercase hex, with the length octets.
    pub nlri: String,
    /// Text form of the NLRI.
    #[serde(rename = "match")]
    pub matches: String,
    /// Empty means accept.
    pub actions: Vec<PlannedAction>,
    /// The actions on this NLRI before, when they change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Vec<PlannedAction>>,
    /// `ASN:INSTANCE:RULE`.
    pub large_community: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What it touches.
    pub collateral: Collateral,
}

/// An action and its community: 16 hex digits, or 40 for attribute 25.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedAction {
    /// What it does.
    #[serde(flatten)]
    pub kind: ActionDocument,
    /// Lowercase hex.
    pub community: String,
}

/// The action's `type` and values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields of the actions of the same names")]
pub enum ActionDocument {
    TrafficRateBytes {
        asn: u16,
        bytes_per_second: f32,
    },
    TrafficRatePackets {
        asn: u16,
        packets_per_second: f32,
    },
    TrafficAction {
        sample: bool,
        terminal: bool,
    },
    RedirectVrf {
        route_target: String,
    },
    RedirectIp {
        address: std::net::IpAddr,
        copy: bool,
    },
    TrafficMarking {
        dscp: u8,
    },
    /// A community on an observed path that is no action we know.
    Unknown {},
}

impl From<&Action> for PlannedAction {
    fn from(action: &Action) -> Self {
        Self { kind: ActionDocument::from(action), community: community(&action.encode()) }
    }
}

impl From<&ExtendedCommunity> for PlannedAction {
    fn from(octets: &ExtendedCommunity) -> Self {
        let kind = match Action::decode(octets) {
            Ok(Some(action)) => ActionDocument::from(&action),
            Ok(None) | Err(_) => ActionDocument::Unknown {},
        };
        Self { kind, community: community(octets) }
    }
}

impl From<&Action> for ActionDocument {
    fn from(action: &Action) -> Self {
        match *action {
            Action::TrafficRateBytes { asn, rate } => {
                Self::TrafficRateBytes { asn, bytes_per_second: rate.get() }
            }
            Action::TrafficRatePackets { asn, rate } => {
                Self::TrafficRatePackets { asn, packets_per_second: rate.get() }
            }
            Action::TrafficAction { sample, terminal } => Self::TrafficAction { sample, terminal },
            Action::RedirectVrf(target) => Self::RedirectVrf {
                route_target: match target {
                    RouteTarget::As2 { asn, value } => format!("{asn}:{value}"),
                    RouteTarget::Ipv4 { address, value } => format!("{address}:{value}"),
                    RouteTarget::As4 { asn, value } => format!("{asn}:{value}"),
                },
            },
            Action::RedirectIp { address, copy } => Self::RedirectIp { address, copy },
            Action::TrafficMarking { dscp } => Self::TrafficMarking { dscp },
        }
    }
}

impl std::fmt::Display for ActionDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TrafficRateBytes { bytes_per_second, .. } if *bytes_per_second == 0.0 => {
                f.write_str("drop")
            }
            Self::TrafficRateBytes { bytes_per_second, .. } => {
                write!(f, "at most {bytes_per_second} bytes/s")
            }
            Self::TrafficRatePackets { packets_per_second, .. } => {
                write!(f, "at most {packets_per_second} packets/s")
            }
            Self::TrafficAction { sample: true, .. } => f.write_str("sample"),
            Self::TrafficAction { .. } => f.write_str("traffic-action"),
            Self::RedirectVrf { route_target } => write!(f, "redirect to the VRF {route_target}"),
            Self::RedirectIp { address, copy: false } => write!(f, "redirect to {address}"),
            Self::RedirectIp { address, copy: true } => write!(f, "copy to {address}"),
            Self::TrafficMarking { dscp } => write!(f, "mark with DSCP {dscp}"),
            Self::Unknown {} => f.write_str("unknown community"),
        }
    }
}

/// One line for a list of actions; empty accepts.
pub(crate) fn words(actions: &[PlannedAction]) -> String {
    match actions {
        [] => "accept".into(),
        all => all.iter().map(|action| action.kind.to_string()).collect::<Vec<_>>().join(", "),
    }
}

fn community(octets: &ExtendedCommunity) -> String {
    match octets {
        ExtendedCommunity::Basic(octets) => hex(octets),
        ExtendedCommunity::Ipv6(octets) => hex(octets),
    }
}

/// Lowercase hex.
pub(crate) fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(2 * octets.len());
    for octet in octets {
        out.push(char::from(DIGITS[usize::from(octet >> 4)]));
        out.push(char::from(DIGITS[usize::from(octet & 15)]));
    }
    out
}
