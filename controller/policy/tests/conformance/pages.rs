//! `docs/policies`: the example on each page comes to what the page says.

use sark_policy::decision::{Input, PolicyRef, Worker};
use sark_registry::Snapshot;
use serde_json::{Value, json};

use crate::shipped::root;

/// A Saturday for the page that is about one; else a working day.
const SATURDAY: &str = "2026-11-28T10:00:00Z";
const FRIDAY: &str = "2026-11-27T10:00:00Z";

pub fn names() -> Vec<String> {
    let pages = std::fs::read_dir(root().join("docs/policies")).unwrap();
    pages.map(|page| page.unwrap().file_name().into_string().unwrap()).collect()
}

pub fn check(policy: &PolicyRef, worker: &mut Worker) {
    let path = root().join("docs/policies").join(format!("{}.md", policy.id));
    let page = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let blocks = page.split("```json\n").skip(1).map(|block| block.split("```").next().unwrap());
    let [input, said] = blocks.collect::<Vec<_>>()[..] else {
        panic!("{}: two examples, an input and its decision", path.display());
    };
    let input =
        Input::from_json(policy.line, input).unwrap_or_else(|e| panic!("{}: {e}", policy.id));
    assert_eq!(input.line(), policy.line, "{}", policy.id);
    let now = if page.contains("On a Saturday:") { SATURDAY } else { FRIDAY };
    let decision =
        worker.decide(&input, &Snapshot::build(sark_registry::seed()), now.parse().unwrap());
    let rules = decision.matched.iter().map(|rule| format!("{}/{}", rule.policy_id, rule.rule_id));
    let mut short = json!({
        "action": decision.action, "policy_id": decision.policy_id, "rule_id": decision.rule_id,
        "reason": decision.reason, "severity": decision.severity,
        "matched": rules.collect::<Vec<_>>(),
    });
    if !decision.obligations.is_empty() {
        short["obligations"] = json!(decision.obligations);
    }
    let said: Value = serde_json::from_str(said).unwrap_or_else(|e| panic!("{}: {e}", policy.id));
    assert_eq!(short, said, "{}: what is decided, and what the page says", policy.id);
}
