//! The policies that hold.

use jiff::Timestamp;
use sark_policy::{Expiry, Policy, RateLimit, RouteTarget, Verdict};
use serde::{Deserialize, Serialize};

/// The policies of the newest revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoliciesResponse {
    /// The newest revision, if there is one.
    pub revision: Option<u64>,
    /// Policy set version.
    pub policy_version: Option<String>,
    /// By name.
    pub policies: Vec<PolicyView>,
}

/// One policy in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    /// Unique in the set.
    pub name: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Ticket.
    pub ticket: Option<String>,
    /// File it is written in.
    pub file: String,
    /// Line its document begins on.
    pub line: u32,
    /// Hash of its meaning.
    pub version: String,
    /// Higher wins.
    pub priority: u16,
    /// `drop`, `redirect inspection`, `rate-limit 1000000 B/s`, `accept mark 46 sample`.
    pub action: String,
    /// It holds now (its schedule and its expiry allow it).
    pub active: bool,
    /// First applied in its present wording.
    pub activated_at: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it next begins or ends by itself.
    pub next_change: Option<Timestamp>,
    /// Rules it has in the desired state.
    pub rules: u64,
}

impl PolicyView {
    /// At `now`; a policy that was never applied counts from now.
    #[must_use]
    pub fn of(policy: &Policy, activated: Option<Timestamp>, rules: u64, now: Timestamp) -> Self {
        let since = activated.unwrap_or(now);
        Self {
            name: policy.name.clone(),
            owner: policy.owner.clone(),
            ticket: policy.ticket.clone(),
            file: policy.place.file.clone(),
            line: policy.place.line,
            version: policy.version.to_string(),
            priority: policy.priority,
            action: action_text(policy),
            active: policy.is_active(now, since),
            activated_at: activated,
            expires_at: match policy.expires {
                None => None,
                Some(Expiry::At(at)) => Some(at),
                Some(Expiry::After(span)) => since.checked_add(span).ok(),
            },
            next_change: policy.next_change(now, since),
            rules,
        }
    }
}

fn action_text(policy: &Policy) -> String {
    let mut text = match &policy.action.verdict {
        Verdict::Accept => "accept".to_owned(),
        Verdict::Drop => "drop".to_owned(),
        Verdict::RateLimit(RateLimit::BytesPerSecond(n)) => format!("rate-limit {n} B/s"),
        Verdict::RateLimit(RateLimit::PacketsPerSecond(n)) => format!("rate-limit {n} packets/s"),
        Verdict::RedirectPool { pool, copy: false } => format!("redirect {pool}"),
        Verdict::RedirectPool { pool, copy: true } => format!("copy {pool}"),
        Verdict::RedirectVrf(RouteTarget::As2 { asn, value }) => format!("vrf {asn}:{value}"),
        Verdict::RedirectVrf(RouteTarget::Ipv4 { address, value }) => {
            format!("vrf {address}:{value}")
        }
        Verdict::RedirectVrf(RouteTarget::As4 { asn, value }) => format!("vrf {asn}:{value}"),
    };
    if let Some(dscp) = policy.action.mark {
        text.push_str(&format!(" mark {dscp}"));
    }
    if policy.action.sample {
        text.push_str(" sample");
    }
    text
}
