//! What records say, put in its place.

use std::collections::BTreeMap;

use sark_core::Request;
use sark_core::audit::AuditRecord;
use sark_core::decision::Decision;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{AnswerView, AskedView, ClientView, DecisionView, DestinationView, Explanation};
use crate::NumberedRecord;

/// The member of a detail that says how the connection came to a proxy.
const PROXY: &str = "proxy";
/// The member that says who a record said it was of.
const SAID_BY: &str = "saidBy";

impl Explanation {
    /// Of all records about one request, oldest first. Of the flow's rule they say nothing.
    #[must_use]
    pub fn of(request: String, records: Vec<NumberedRecord>) -> Self {
        let mut all = Self {
            request,
            client: ClientView::default(),
            destination: DestinationView::default(),
            steering: None,
            asked: None,
            decisions: Vec::new(),
            answers: Vec::new(),
            records: Vec::new(),
            notes: Vec::new(),
        };
        for NumberedRecord { sequence, record } in &records {
            all.correlate(record);
            // Of a record whose detail was left out, or that another version wrote, there is less to say.
            if record.event.starts_with("decision.") {
                all.decided(*sequence, record);
            } else if record.event == "proxy.answer" {
                all.answers.push(answer(*sequence, record));
            }
            all.connection(record);
        }
        all.records = records;
        all
    }

    fn correlate(&mut self, record: &AuditRecord) {
        let (about, client) = (&record.about, &mut self.client);
        fill(&mut client.user, about.user.as_deref());
        fill(&mut client.host, about.host.as_deref());
        fill(&mut client.process, about.process.as_deref());
        if let Some(flow) = about.flow {
            client.address.get_or_insert(flow.source);
            self.destination.address.get_or_insert(flow.destination);
        }
    }

    /// What proxies say of the connection: beside a decision, or in a record of its own.
    fn connection(&mut self, record: &AuditRecord) {
        let detail = &record.detail;
        let aside = detail.get(PROXY).unwrap_or(detail);
        if !record.event.starts_with("proxy.") && !detail[PROXY].is_object() {
            return;
        }
        let to = &mut self.destination;
        fill(&mut to.entrance, aside["entrance"].as_str());
        fill(&mut to.target, aside["target"].as_str());
        fill(&mut to.ja4, aside["ja4"].as_str());
        fill(&mut to.provider, detail["provider"].as_str());
        fill(&mut to.endpoint, detail["endpoint"].as_str());
        // What the connection is for; of a request that is for another host, that host.
        fill(&mut to.name, detail["host"].as_str().or(detail["name"].as_str()));
    }

    fn decided(&mut self, sequence: u64, record: &AuditRecord) {
        if let Some(decision) = read::<Decision>(&record.detail["decision"]) {
            self.decisions.push(DecisionView {
                record: sequence,
                at: record.at,
                by: by(record),
                allow: decision.allow,
                action: decision.action,
                severity: decision.severity,
                policy: decision.policy_id,
                rule: decision.rule_id,
                reason: decision.reason,
                matched: record.evidence.rules.clone(),
                obligations: decision.obligations,
                policy_version: record.evidence.policy_version.clone(),
                registry_version: record.evidence.registry_version.clone(),
            });
        }
        let Some(asked) = read::<Request>(&record.detail["input"]) else { return };
        let (client, to) = (&mut self.client, &mut self.destination);
        fill(&mut client.agent, asked.agent.as_deref());
        if client.groups.is_empty() {
            client.groups = asked.groups;
        }
        fill(&mut to.name, asked.server_name.as_deref());
        fill(&mut to.provider, asked.provider.as_deref());
        fill(&mut to.endpoint, asked.endpoint.as_deref());
        let call = asked.call.map(|call| format!("{} {}", call.server, call.name));
        match &mut self.asked {
            Some(before) => before.calls.extend(call),
            None => {
                self.asked = Some(AskedView {
                    at: record.at,
                    operation: text(&record.detail["input"]["operation"]).unwrap_or_default(),
                    model: asked.model,
                    stream: asked.stream,
                    body_octets: asked.body_bytes,
                    inspected: asked.inspected,
                    tools: asked.tools,
                    calls: call.into_iter().collect(),
                    most_microusd: asked.spend.and_then(|spend| spend.request_microusd),
                });
            }
        }
    }
}

/// Who sent it, and whom they named instead: a proxy on `sarkd`'s machine may have no name of its own there.
fn by(record: &AuditRecord) -> String {
    let actor = &record.actor;
    match record.detail[SAID_BY].as_str() {
        Some(said) => format!("{said} ({actor})"),
        None => actor.clone(),
    }
}

fn answer(sequence: u64, record: &AuditRecord) -> AnswerView {
    let detail = &record.detail;
    AnswerView {
        record: sequence,
        at: record.at,
        outcome: record.outcome,
        status: detail["status"].as_u64(),
        model: text(&detail["model"]),
        usage: read::<BTreeMap<_, _>>(&detail["usage"]).unwrap_or_default(),
        cost_microusd: detail["costMicrousd"].as_u64(),
        unpriced: detail["unpriced"].as_bool().unwrap_or_default(),
        tool_calls: read::<Vec<_>>(&detail["toolCalls"]).unwrap_or_default(),
        finish: text(&detail["finish"]),
        failure: text(&detail["failure"]),
        whole: detail["whole"].as_bool().unwrap_or_default(),
        milliseconds: detail["milliseconds"].as_u64(),
    }
}

/// The first that says it has said it.
fn fill(place: &mut Option<String>, said: Option<&str>) {
    if place.is_none() {
        *place = said.map(str::to_owned);
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// If it is one.
fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

#[cfg(test)]
mod tests {
    use sark_core::audit::{Correlation, Flow, Outcome};
    use sark_core::decision::Action;
    use serde_json::json;

    use super::*;

    fn record(event: &str, outcome: Outcome, detail: Value) -> AuditRecord {
        let flow = Flow {
            protocol: 6,
            source: ([10, 0, 0, 7], 50_000).into(),
            destination: ([192, 0, 2, 1], 443).into(),
        };
        let about = Correlation {
            request: Some("r1".into()),
            flow: Some(flow),
            user: Some("alice".into()),
            ..Correlation::default()
        };
        let at = jiff::Timestamp::UNIX_EPOCH;
        AuditRecord::new(at, "proxy:edge-1", event, outcome, detail).about(about)
    }

    fn told(records: Vec<AuditRecord>) -> Explanation {
        let numbered = (7..).zip(records);
        let numbered = numbered.map(|(sequence, record)| NumberedRecord { sequence, record });
        Explanation::of("r1".into(), numbered.collect())
    }

    #[test]
    fn a_call_is_told_from_its_decision_and_its_answer() {
        let decided = record(
            "decision.llm",
            Outcome::Ok,
            json!({
                "input": {
                    "id": "r1", "operation": "chat", "model": "gpt-4o", "agent": "codex",
                    "groups": ["engineering"], "provider": "openai", "endpoint": "openai/api",
                    "server_name": "api.openai.com", "stream": true, "body_bytes": 99, "inspected": true,
                    "tools": ["search"], "spend": {
                        "request_microusd": 12, "day_microusd": 0, "month_microusd": 0,
                    },
                },
                "decision": {
                    "allow": true, "action": "audit", "reason": "on record", "policy_id": "models",
                    "rule_id": "seen", "severity": "info", "obligations": [], "matched": [],
                },
                "proxy": { "entrance": "transparent", "target": "192.0.2.1:443", "ja4": "t13d" },
            }),
        );
        let answered = record(
            "proxy.answer",
            Outcome::Ok,
            json!({
                "status": 200, "model": "gpt-4o-2026", "usage": { "input": 12, "output": 4 },
                "costMicrousd": 70, "unpriced": false, "toolCalls": ["search"], "finish": "stop",
                "failure": null, "whole": true, "milliseconds": 812,
            }),
        );
        let story = told(vec![decided, answered]);
        assert_eq!(story.client.address, Some(([10, 0, 0, 7], 50_000).into()));
        assert_eq!(story.client.agent.as_deref(), Some("codex"));
        assert_eq!(story.client.groups, ["engineering"]);
        let to = &story.destination;
        assert_eq!(to.name.as_deref(), Some("api.openai.com"));
        assert_eq!(
            (to.entrance.as_deref(), to.ja4.as_deref()),
            (Some("transparent"), Some("t13d"))
        );
        let asked = story.asked.unwrap();
        assert_eq!((asked.operation.as_str(), asked.most_microusd), ("chat", Some(12)));
        assert_eq!(story.decisions[0].action, Action::Audit);
        assert_eq!((story.decisions[0].record, story.answers[0].record), (7, 8));
        let answer = &story.answers[0];
        assert_eq!((answer.usage["output"], answer.cost_microusd), (4, Some(70)));
        assert_eq!(story.records.len(), 2);
    }

    #[test]
    fn what_no_record_says_is_absent_and_odd_details_are_no_matter() {
        let odd = [json!(null), json!([1]), json!({ "input": 7, "decision": "x", "usage": [] })];
        for detail in odd {
            for event in ["decision.llm", "proxy.answer", "proxy.flow", "flowspec.apply"] {
                let story = told(vec![record(event, Outcome::Failed, detail.clone())]);
                assert_eq!((&story.asked, story.decisions.len()), (&None, 0));
                assert_eq!(story.client.user.as_deref(), Some("alice"));
            }
        }
        let fronted = json!({ "name": "a.example", "host": "b.example", "entrance": "explicit" });
        let story = told(vec![record("proxy.fronted", Outcome::Refused, fronted)]);
        assert_eq!(story.destination.name.as_deref(), Some("b.example"));
    }
}
