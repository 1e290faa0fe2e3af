use sark_core::audit::{Correlation, Evidence, Flow, Notice};
use sark_core::decision::Severity;

use super::*;

/// Every event of ours, in each form that is mapped in another way. The validator of the schema
/// judges the same ones in `tests/ocsf.rs`.
pub(super) fn records() -> Vec<AuditRecord> {
    let flow = Flow {
        protocol: 6,
        source: ([192, 0, 2, 1], 40_000).into(),
        destination: ([203, 0, 113, 1], 443).into(),
    };
    let notice = |resolved| Notice {
        key: "registry.feed.held:aws".into(),
        title: "A copy of aws waits".into(),
        resolved,
        routes: vec![],
        runbook: None,
        facts: [("feed".to_owned(), "aws".to_owned())].into(),
    };
    let record = |actor: &str, event: &str, outcome, detail| {
        let at = "2026-11-28T12:00:00.123Z".parse().expect("a time");
        AuditRecord::new(at, actor, event, outcome, detail)
    };
    let plain = |event: &str| {
        record("uid:0(root)", event, Outcome::Ok, json!({ "name": "a", "reason": "because" }))
    };
    let mut records: Vec<_> = super::EVENTS.iter().map(|event| plain(event)).collect();
    let input = json!({ "provider": "openai", "model": "gpt-5", "operation": "chat" });
    let model = json!({ "input": input });
    let launch = json!({ "input": { "kind": "agent_started", "provider": "openai" } });
    let about = |full: bool| Correlation {
        request: Some("r-1".into()),
        flow: full.then_some(flow),
        host: full.then(|| "laptop-7".into()),
        process: full.then(|| "claude[4711]".into()),
        user: Some("ada".into()),
        revision: Some(3),
    };
    for event in ["decision.llm", "decision.edr", "decision.tunnel", "decision.sensor"] {
        for outcome in [Outcome::Ok, Outcome::Refused, Outcome::Failed] {
            for full in [true, false] {
                let one = record("sarkd", event, outcome, model.clone()).about(about(full));
                let rules = vec!["llm-models/not-allowed".to_owned()];
                records.push(one.on(Evidence { rules, ..Evidence::default() }));
            }
        }
    }
    let one = record("sarkd", "decision.edr", Outcome::Ok, launch);
    records.push(one.about(about(true)));
    for resolved in [true, false] {
        let one = plain("registry.feed.held").told(Severity::High, notice(resolved));
        records.push(one.clone());
        records.push(one.about(about(true)));
    }
    for actor in ["token:ci", "cert:noc", "sensor:cat-1", "sarkd", "uid:7", "somebody", ""] {
        records.push(record(actor, "something.new", Outcome::Failed, json!(null)));
        records.push(record(actor, "api.refused", Outcome::Refused, json!({})));
    }
    records
}

#[test]
fn classes_are_those_of_the_table() {
    let source = Source { origin: "sark.example/audit", version: "0.1.0" };
    let types: Vec<_> = records()
        .iter()
        .map(|record| {
            let event = event(source, 7, record);
            assert_eq!(event["metadata"]["uid"], "sark.example/audit/7");
            assert_eq!(event["unmapped"], serde_json::to_value(record).unwrap());
            (record.event.clone(), event["type_uid"].as_u64().unwrap())
        })
        .collect();
    for (event, expected) in [
        ("flowspec.apply", 300_403),
        ("flowspec.withdraw", 300_404),
        ("registry.feed.accept", 300_410),
        ("sarkd.start", 600_203),
        ("api.refused", 300_201),
        ("decision.llm", 600_301),
        ("decision.edr", 100_701),
        ("decision.edr", 100_799),
        ("api.login", 300_201),
        ("api.looked", 600_302),
        ("flowspec.plan", 300_402),
        ("decision.tunnel", 400_101),
        ("decision.tunnel", 400_105),
        ("registry.feed.held", 200_401),
        ("registry.feed.held", 200_403),
        ("something.new", 600_399),
    ] {
        assert!(types.contains(&(event.to_owned(), expected)), "{event} {expected}: {types:?}");
    }
}

/// The schema's own words, as PyPI's `ocsf-json-schema` makes a JSON Schema of them.
#[test]
fn every_event_is_valid_by_the_schema_of_ocsf_1_8() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let packages = std::env::var_os("SARK_PYTHON").expect(
        "SARK_PYTHON names the Python packages: run `cargo xtask setup --only python` and set what \
         it prints",
    );
    let source = Source { origin: "sark.example/audit", version: "0.1.0" };
    let records = records();
    let lines: String =
        (1..).zip(&records).map(|(n, one)| format!("{}\n", event(source, n, one))).collect();
    let mut python = Command::new("python3")
        .args(["-c", include_str!("validate.py")])
        .env("PYTHONPATH", packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    python.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.trim(), format!("{} events are valid, and a wrong one is not", records.len()));
}
