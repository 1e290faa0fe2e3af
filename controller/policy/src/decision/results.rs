//! What a policy's `decisions` say.

use regorus::Value;
use sark_core::decision::{Action, Matched, Obligation, Severity};
use serde::Deserialize;

/// Members of one policy's `decisions`.
const MOST: usize = 100;
/// Octets of a reason; a longer one is cut.
const MOST_REASON: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    allow: Option<bool>,
    action: Action,
    #[serde(default)]
    policy_id: Option<String>,
    rule_id: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    severity: Option<Severity>,
    #[serde(default)]
    obligations: Vec<Obligation>,
}

/// The rules of a policy that matched; or what is wrong with its result.
pub(super) fn matched(policy: &str, result: &Value) -> Result<Vec<Matched>, String> {
    let Ok(members) = result.as_set() else {
        return Err("`decisions` is no set: write `decisions contains { … } if { … }`".to_owned());
    };
    if members.len() > MOST {
        return Err(format!("`decisions` has {} members, more than {MOST}", members.len()));
    }
    members.iter().map(|member| one(policy, member)).collect()
}

fn one(policy: &str, member: &Value) -> Result<Matched, String> {
    let written = serde_json::to_value(member).and_then(serde_json::from_value);
    let written: Written =
        written.map_err(|error| format!("a member of `decisions` is no decision: {error}"))?;
    let Written { allow, action, policy_id, rule_id, mut reason, severity, obligations } = written;
    if rule_id.is_empty() || rule_id.len() > 100 {
        return Err("a `rule_id` has 1 to 100 octets".to_owned());
    }
    if allow.is_some_and(|allow| allow != action.allows()) {
        return Err(format!("`{rule_id}` says both `{action}` and the opposite by `allow`"));
    }
    if policy_id.as_deref().is_some_and(|id| id != policy) {
        return Err(format!("`{rule_id}` speaks for another policy"));
    }
    reason.truncate(reason.floor_char_boundary(MOST_REASON));
    Ok(Matched {
        action,
        severity: severity.unwrap_or(action.severity()),
        policy_id: policy.to_owned(),
        rule_id,
        reason,
        obligations,
    })
}
