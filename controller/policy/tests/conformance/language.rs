//! Cases of the language, and what is known to differ: `docs/decisions.md` has the same list.

use std::sync::Arc;

use sark_core::request::Request;
use sark_policy::decision::{Bounds, DecisionSet, Input, Limits, SetFile, Worker};
use sark_registry::Snapshot;
use serde_json::{Value, json};

use crate::opa::Opa;

/// What a rule is: a value, or none; or it is refused, or ends with an error.
type Answer = Result<Option<Value>, String>;

/// Rules; the value of `x` is compared. `data.v` is [`values`].
pub struct Case {
    rules: &'static str,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    /// As OPA's.
    Same,
    /// OPA takes it, we refuse to load it.
    Refused,
    /// OPA ends with an error, and here there is no value.
    Nothing,
    /// OPA has a value or none, and we have this.
    Other(&'static str),
}

pub fn cases() -> Vec<Case> {
    let blocks = include_str!("language.txt").split("\n#= ").skip(1);
    let read = |block: &'static str| {
        let (head, rules) = block.split_once('\n').unwrap();
        let expected = match head {
            "same" => Expected::Same,
            "refused" => Expected::Refused,
            "nothing" => Expected::Nothing,
            other => Expected::Other(other.strip_prefix("other ").unwrap()),
        };
        Case { rules: rules.trim(), expected }
    };
    blocks.map(read).collect()
}

fn values() -> Value {
    json!({
        "s": "Grüße, 世界 🐈", "n": 3, "big": 12_345_678_901_234_567_890_u64, "f": 0.1,
        "list": ["b", "a", "c", "a"], "o": { "a": [1, 2], "b": 1 },
        "deep": { "x": { "y": [{ "z": 1 }] } },
    })
}

const SETTINGS: &str = "apiVersion: sark/v1
kind: DecisionSet
metadata: { name: case }
spec:
  defaults:
    llm: { action: audit }
    mcp: { action: audit }
    edr: { action: audit }
    tunnel: { action: audit }
    sensor: { action: audit }
  onError: { llm: deny, mcp: deny, edr: deny, tunnel: deny, sensor: deny }
";

const DECIDES: &str =
    "decisions contains {\"action\": \"alert\", \"rule_id\": \"x\", \"reason\": json.marshal(x)}";

fn ours(module: &str) -> Answer {
    let file =
        |path: &str, text: String| SetFile { path: path.to_owned(), octets: text.into_bytes() };
    let files = [
        file("set.yaml", SETTINGS.to_owned()),
        file("data.json", json!({ "v": values() }).to_string()),
        file("t.rego", module.to_owned()),
    ];
    let set = DecisionSet::load(&files, None, &Limits::default()).map_err(|e| format!("{e:?}"))?;
    let mut worker = Worker::new(Arc::new(set), &Bounds::default()).map_err(|e| e.to_string())?;
    let input = Input::Request(Request::default());
    let now = jiff::Timestamp::UNIX_EPOCH;
    let decision = worker.decide(&input, &Snapshot::build(Vec::new()), now);
    match decision.policy_id.as_str() {
        "default" => Ok(None),
        "t" => Ok(Some(normal(serde_json::from_str(&decision.reason).unwrap()))),
        _ => Err(decision.reason),
    }
}

fn theirs(module: &str, opa: &mut Opa) -> Answer {
    opa.load(&[("t.rego".to_owned(), module.to_owned())], &json!({ "v": values() }))?;
    let decisions = opa.document("data.sark.llm.t.decisions", &json!({}))?.unwrap();
    let reason = decisions.pointer("/0/reason").map(|reason| reason.as_str().unwrap());
    Ok(reason.map(|reason| normal(serde_json::from_str(reason).unwrap())))
}

/// `1.0` is written `1`, so that both are.
fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key, normal(value))).collect()
        }
        other => other,
    }
}

impl Case {
    /// What is not as expected.
    pub fn check(&self, opa: &mut Opa) -> Option<String> {
        let Self { rules, expected } = self;
        let module = format!("package sark.llm.t\n\n{rules}\n\n{DECIDES}\n");
        let (ours, theirs) = (ours(&module), theirs(&module, opa));
        let as_expected = match expected {
            Expected::Same => {
                ours.is_ok() == theirs.is_ok() && ours.as_ref().ok() == theirs.as_ref().ok()
            }
            Expected::Refused => ours.is_err() && theirs.is_ok(),
            Expected::Nothing => ours == Ok(None) && theirs.is_err(),
            Expected::Other(value) => {
                let value =
                    (*value != "undefined").then(|| normal(serde_json::from_str(value).unwrap()));
                ours == Ok(value) && theirs != ours
            }
        };
        (!as_expected)
            .then(|| format!("{expected:?}: {rules}\n    ours  {ours:?}\n    OPA's {theirs:?}"))
    }
}
