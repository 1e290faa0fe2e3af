//! What records say of calls, for whoever watches them pass.

use jiff::Timestamp;
use sark_core::Request;
use sark_core::audit::{Outcome, Written};
use serde::Deserialize;

use super::records::SAID_BY;

/// Characters of a name that are kept: clients choose many of them.
const LONGEST: usize = 128;
/// Kinds of tokens, as prices name them. All of a prompt, cached or not.
const INPUT: [&str; 10] = [
    "input",
    "cache-read",
    "cache-write",
    "cache-write-1h",
    "cache-write-12h",
    "input-audio",
    "cache-read-audio",
    "cache-write-audio",
    "input-image-token",
    "input-video-token",
];
/// And of an answer.
const OUTPUT: [&str; 5] =
    ["output", "reasoning", "output-audio", "output-image-token", "output-video-token"];

/// Something that happened to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// It was decided on.
    Decided(Decided),
    /// It was answered.
    Answered(Answered),
}

/// A decision on a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) request: String,
    pub(super) at: Timestamp,
    pub(super) proxy: String,
    pub(super) allow: bool,
    pub(super) provider: Option<String>,
    pub(super) model: Option<String>,
    /// The user, or else the address.
    pub(super) client: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) operation: Option<String>,
}

/// How one ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) request: String,
    pub(super) status: Option<u64>,
    pub(super) is_failed: bool,
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cost_microusd: u64,
    /// It used something that has no price.
    pub(super) is_unpriced: bool,
    pub(super) milliseconds: Option<u64>,
}

/// What a record says of a call, if it is about one; of what is stored, without secrets.
pub(super) fn seen(written: &Written) -> Option<Seen> {
    let event = written.index().event.as_str();
    if !matches!(event, "decision.llm" | "decision.mcp" | "proxy.answer") {
        return None;
    }
    let record = written.record().ok()?;
    let request = short(record.about.request.as_deref()?);
    let detail = &record.detail;
    if event == "proxy.answer" {
        let tokens =
            |kinds: &[&str]| kinds.iter().filter_map(|kind| detail["usage"][*kind].as_u64()).sum();
        // Without a price list there is no cost, of whatever was used.
        let cost = detail["costMicrousd"].as_u64();
        return Some(Seen::Answered(Answered {
            request,
            status: detail["status"].as_u64(),
            is_failed: record.outcome != Outcome::Ok,
            input: tokens(&INPUT),
            output: tokens(&OUTPUT),
            cost_microusd: cost.unwrap_or_default(),
            is_unpriced: detail["unpriced"] == true
                || (cost.is_none() && detail["usage"].is_object()),
            milliseconds: detail["milliseconds"].as_u64(),
        }));
    }
    let asked = Request::deserialize(&detail["input"]).ok()?;
    let client = asked.user.or_else(|| asked.source.map(|source| source.to_string()));
    Some(Seen::Decided(Decided {
        request,
        at: record.at,
        proxy: short(&match detail[SAID_BY].as_str() {
            Some(said) => format!("{said} ({})", record.actor),
            None => record.actor.clone(),
        }),
        allow: record.outcome == Outcome::Ok,
        provider: asked.provider.as_deref().map(short),
        model: asked.model.as_deref().map(short),
        client: client.as_deref().map(short),
        agent: asked.agent.as_deref().map(short),
        operation: detail["input"]["operation"].as_str().map(short),
    }))
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use sark_core::audit::{AuditRecord, Correlation};
    use serde_json::{Value, json};

    use super::*;

    fn of(event: &str, outcome: Outcome, detail: Value) -> Option<Seen> {
        let about = Correlation { request: Some("r1".into()), ..Correlation::default() };
        let record =
            AuditRecord::new(Timestamp::UNIX_EPOCH, "proxy:a", event, outcome, detail).about(about);
        seen(&Written::of(&record).unwrap())
    }

    #[test]
    fn decisions_and_answers_are_seen_and_nothing_else() {
        let input = json!({ "id": "r1", "operation": "chat", "provider": "openai", "model": "m",
                            "source": "10.0.0.7" });
        let Some(Seen::Decided(decided)) =
            of("decision.llm", Outcome::Refused, json!({ "input": input }))
        else {
            panic!("it is a decision");
        };
        assert_eq!((decided.allow, decided.client.as_deref()), (false, Some("10.0.0.7")));
        assert_eq!(decided.operation.as_deref(), Some("chat"));
        let usage = json!({ "input": 7, "cache-read": 3, "output": 2, "reasoning": 1, "page": 9 });
        let detail = json!({ "status": 200, "usage": usage, "costMicrousd": null });
        let Some(Seen::Answered(answer)) = of("proxy.answer", Outcome::Ok, detail) else {
            panic!("it is an answer");
        };
        assert_eq!((answer.input, answer.output, answer.cost_microusd), (10, 3, 0));
        assert!(answer.is_unpriced, "it used something, and there is no price list");
        let is_unpriced = |usage: Value, cost: Value, unpriced: bool| {
            let detail = json!({ "usage": usage, "costMicrousd": cost, "unpriced": unpriced });
            let Some(Seen::Answered(answer)) = of("proxy.answer", Outcome::Ok, detail) else {
                panic!("it is an answer");
            };
            answer.is_unpriced
        };
        let used = || json!({ "input": 7 });
        assert!(is_unpriced(used(), json!(3), true), "a part of it has no price");
        assert!(!is_unpriced(used(), json!(3), false));
        assert!(!is_unpriced(Value::Null, Value::Null, false), "nothing was used");
        assert_eq!(of("proxy.flow", Outcome::Ok, json!({ "input": {} })), None);
        assert_eq!(of("decision.llm", Outcome::Ok, json!({ "input": 7 })), None);
        assert_eq!(of("decision.edr", Outcome::Ok, json!({})), None);
    }
}
