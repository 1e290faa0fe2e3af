//! Records as events of OCSF 1.8 (Open Cybersecurity Schema Framework).
//!
//! | Record | Class |
//! |---|---|
//! | an alert, whatever its event | Detection Finding 2004: create, or close when resolved |
//! | `decision.edr` that knows host and process | Process Activity 1007: launch, or the kind of activity |
//! | `decision.tunnel` that knows the flow | Network Activity 4001 |
//! | other `decision.…`: calls of models and tools | API Activity 6003, with profile `ai_operation` when the model is known |
//! | `api.login`; `api.refused`: who is not known, or may not | Authentication 3002 |
//! | `api.looked`: what a caller looked at in a minute | API Activity 6003, `Read` |
//! | `sarkd.…` | Application Lifecycle 6002 |
//! | changes: `flowspec.…`, `registry.…`, `policy.…`, `auth.…`, `approval.…`, `config.…`, `audit.…`, `alerts.…` | Entity Management 3004 |
//! | anything else | API Activity 6003, `Other` |
//!
//! What a class has no place for stands under `unmapped`; nothing of a record is left out.

mod parts;

use sark_core::audit::{AuditRecord, Outcome, rank};
use serde_json::{Map, Value, json};

/// The version that `metadata.version` names.
pub const VERSION: &str = "1.8.0";

/// The events that SARK writes, for whoever wants to see each of them mapped. Decisions come in more
/// forms than one.
pub const EVENTS: &[&str] = &[
    "alerts.dead",
    "alerts.replay",
    "alerts.sink",
    "alerts.test",
    "alerts.unreadable",
    "api.call",
    "api.login",
    "api.looked",
    "api.refused",
    "approval.approve",
    "approval.expire",
    "approval.reject",
    "approval.request",
    "approval.use",
    "audit.lost",
    "audit.prune",
    "audit.refused",
    "audit.tampered",
    "auth.token.create",
    "auth.token.revoke",
    "config.reload",
    "decision.edr",
    "decision.llm",
    "decision.mcp",
    "decision.sensor",
    "decision.tunnel",
    "flowspec.apply",
    "flowspec.plan",
    "flowspec.withdraw",
    "health.peer-down",
    "policy.activate",
    "policy.rollback",
    "policy.shadow",
    "registry.entry.delete",
    "registry.entry.put",
    "registry.feed.accept",
    "registry.feed.failed",
    "registry.feed.held",
    "registry.feed.reject",
    "registry.pin",
    "registry.prices",
    "registry.version",
    "sarkd.start",
    "sarkd.stop",
    "sensor.covered",
    "sensor.gap",
    "sensor.heard",
    "sensor.report",
    "sensor.silent",
    "store.leader",
];

/// What the events come from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Whose trail: the name of its key, or of the instance.
    pub origin: &'a str,
    /// Version of SARK.
    pub version: &'a str,
}

/// Class and activity, by their numbers.
struct Kind {
    class: u32,
    activity: u32,
    /// For activity 99.
    name: Option<String>,
}

/// The event of a record with this number in its trail.
#[must_use]
pub fn event(source: Source<'_>, sequence: u64, record: &AuditRecord) -> Value {
    let kind = kind(record);
    let mut event = base(source, sequence, record, &kind);
    match kind.class {
        2004 => finding(&mut event, source, record),
        1007 => process(&mut event, record),
        4001 => network(&mut event, record),
        3002 => authentication(&mut event, record),
        6002 => {
            let app = json!({ "name": "sarkd", "version": source.version, "vendor_name": "SARK" });
            event.insert("app".into(), app);
        }
        3004 => {
            event.insert("actor".into(), parts::actor(&record.actor));
            event.insert("entity".into(), entity(record));
        }
        _ => api(&mut event, record),
    }
    Value::Object(event)
}

fn kind(record: &AuditRecord) -> Kind {
    let event = record.event.as_str();
    let known = |class, activity| Kind { class, activity, name: None };
    if let Some(notice) = &record.notice {
        return known(2004, if notice.resolved { 3 } else { 1 });
    }
    let (area, last) = (first(event), event.rsplit('.').next().unwrap_or(event));
    let other = |class| Kind { class, activity: 99, name: Some(last.to_owned()) };
    let about = &record.about;
    match area {
        "decision" if last == "edr" && about.process.is_some() && about.host.is_some() => {
            match of_input(record, "kind") {
                Some("mcp_started" | "agent_started" | "agent_child" | "tunnel_process") => {
                    known(1007, 1)
                }
                // What a process does, or has, is none of the class's activities.
                Some(kind) => Kind { class: 1007, activity: 99, name: Some(kind.to_owned()) },
                None => other(1007),
            }
        }
        "decision" if last == "tunnel" && about.flow.is_some() => match record.outcome {
            Outcome::Ok => known(4001, 1),
            Outcome::Refused | Outcome::Failed => known(4001, 5),
        },
        "decision" => known(6003, 1),
        "api" if matches!(last, "login" | "refused") => known(3002, 1),
        "api" if last == "looked" => known(6003, 2),
        "sarkd" => match last {
            "start" => known(6002, 3),
            "stop" => known(6002, 4),
            _ => other(6002),
        },
        "flowspec" | "registry" | "policy" | "auth" | "approval" | "config" | "audit"
        | "alerts" | "edr" | "sensor" => match managed(last) {
            Some(activity) => known(3004, activity),
            None => other(3004),
        },
        _ => other(6003),
    }
}

/// Activities of Entity Management.
fn managed(last: &str) -> Option<u32> {
    Some(match last {
        "plan" => 2,
        "create" | "made" | "version" | "prices" | "checkpoint" | "request" => 1,
        "put" | "apply" | "update" | "pin" | "reload" | "load" => 3,
        "delete" | "withdraw" | "revoke" | "prune" | "excise" => 4,
        "accept" | "approve" | "activate" => 10,
        "reject" | "unpin" | "rollback" => 11,
        "held" => 12,
        "replay" => 13,
        _ => return None,
    })
}

fn first(event: &str) -> &str {
    event.split('.').next().unwrap_or(event)
}

/// What every class has.
fn base(
    source: Source<'_>,
    sequence: u64,
    record: &AuditRecord,
    kind: &Kind,
) -> Map<String, Value> {
    let Kind { class, activity, name } = kind;
    let mut metadata = json!({
        "version": VERSION,
        "product": { "name": "SARK", "vendor_name": "SARK", "version": source.version },
        "uid": format!("{}/{sequence}", source.origin),
        "sequence": sequence,
        "log_name": "audit",
        "log_provider": source.origin,
        "event_code": record.event,
    });
    if let Some(request) = &record.about.request {
        metadata["correlation_uid"] = json!(request);
    }
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| drop(event.insert(name.to_owned(), value));
    put("class_uid", json!(class));
    put("category_uid", json!(class / 1000));
    put("activity_id", json!(activity));
    put("type_uid", json!(class * 100 + activity));
    if let Some(name) = name {
        put("activity_name", json!(name));
    }
    // Informational is 1, critical 5.
    put("severity_id", json!(rank(record.severity) + 1));
    put("time", json!(record.at.as_millisecond()));
    let is_well = record.outcome == Outcome::Ok;
    // A finding's states are others: new, and resolved.
    if *class == 2004 {
        put("status_id", json!(if *activity == 3 { 4 } else { 1 }));
    } else {
        put("status_id", json!(if is_well { 1 } else { 2 }));
    }
    if let Some(reason) = record.detail.get("reason").and_then(Value::as_str) {
        put("status_detail", json!(reason));
    }
    let title = record.notice.as_ref().map(|notice| notice.title.clone());
    let message = title.unwrap_or_else(|| format!("{} by {}", record.event, record.actor));
    put("message", json!(message));
    put("metadata", metadata);
    // All of the record: the trail's own text can be told from it.
    put("unmapped", serde_json::to_value(record).unwrap_or_default());
    event
}

fn finding(event: &mut Map<String, Value>, source: Source<'_>, record: &AuditRecord) {
    let Some(notice) = &record.notice else { return };
    let mut info = json!({
        "uid": format!("{}/{}", source.origin, notice.key),
        "title": notice.title,
        "product_uid": "sark",
        "types": [record.event],
    });
    if let Some(rule) = record.evidence.rules.first() {
        // Type 1 is a rule.
        info["analytic"] = json!({ "type_id": 1, "uid": rule, "name": rule });
    }
    event.insert("finding_info".into(), info);
    event.insert("is_alert".into(), json!(true));
    let mut evidence = Map::new();
    evidence.insert("actor".into(), parts::actor(&record.actor));
    if !notice.facts.is_empty() {
        evidence.insert("data".into(), json!(notice.facts));
    }
    if let Some(flow) = &record.about.flow {
        parts::flow(&mut evidence, flow);
    }
    if let Some(process) = &record.about.process {
        evidence.insert("process".into(), parts::process(process));
    }
    if let Some(user) = &record.about.user {
        evidence.insert("user".into(), json!({ "name": user }));
    }
    event.insert("evidences".into(), json!([evidence]));
    if let Some(host) = &record.about.host {
        event.insert("device".into(), parts::device(host));
    }
}

fn process(event: &mut Map<String, Value>, record: &AuditRecord) {
    let about = &record.about;
    let (process, host) = (about.process.as_deref(), about.host.as_deref());
    event.insert("process".into(), parts::process(process.unwrap_or("unknown")));
    event.insert("device".into(), parts::device(host.unwrap_or("unknown")));
    let actor = match &about.user {
        Some(user) => json!({ "user": { "name": user } }),
        None => parts::actor(&record.actor),
    };
    event.insert("actor".into(), actor);
    model(event, record);
}

fn network(event: &mut Map<String, Value>, record: &AuditRecord) {
    if let Some(flow) = &record.about.flow {
        parts::flow(event, flow);
    }
}

fn authentication(event: &mut Map<String, Value>, record: &AuditRecord) {
    event.insert("user".into(), parts::user(&record.actor));
    event.insert("service".into(), json!({ "name": "sarkd API" }));
}

fn api(event: &mut Map<String, Value>, record: &AuditRecord) {
    let about = &record.about;
    let mut actor = match &about.user {
        Some(user) => json!({ "user": { "name": user } }),
        None => parts::actor(&record.actor),
    };
    if let Some(process) = &about.process {
        actor["process"] = parts::process(process);
    }
    event.insert("actor".into(), actor);
    let operation = of_input(record, "operation");
    let mut api = json!({ "operation": operation.unwrap_or(&record.event) });
    if let Some(provider) = of_input(record, "provider") {
        api["service"] = json!({ "name": provider });
    }
    if let Some(request) = &about.request {
        api["request"] = json!({ "uid": request });
    }
    event.insert("api".into(), api);
    match (&about.flow, &about.host) {
        (Some(flow), host) => {
            event.insert("src_endpoint".into(), parts::endpoint(flow.source, host.as_deref()));
            event.insert("dst_endpoint".into(), parts::endpoint(flow.destination, None));
        }
        (None, host) => {
            let name = host.as_deref().unwrap_or("localhost");
            event.insert("src_endpoint".into(), json!({ "hostname": name }));
        }
    }
    model(event, record);
}

/// A text of what was decided on.
fn of_input<'a>(record: &'a AuditRecord, name: &str) -> Option<&'a str> {
    record.detail.get("input")?.get(name)?.as_str()
}

/// Profile `ai_operation`.
fn model(event: &mut Map<String, Value>, record: &AuditRecord) {
    let model = of_input(record, "model");
    let (Some(model), Some(provider)) = (model, of_input(record, "provider")) else { return };
    event.insert("ai_model".into(), json!({ "name": model, "ai_provider": provider }));
    if let Some(metadata) = event.get_mut("metadata") {
        metadata["profiles"] = json!(["ai_operation"]);
    }
}

fn entity(record: &AuditRecord) -> Value {
    let detail = &record.detail;
    let named = ["name", "entry", "feed", "token", "policy", "id", "number", "revision", "version"];
    let name = named.iter().find_map(|name| match detail.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    let kind = record.event.rsplit_once('.').map_or(record.event.as_str(), |(kind, _)| kind);
    json!({ "name": name.unwrap_or_else(|| kind.to_owned()), "type": kind })
}

#[cfg(test)]
mod tests;
