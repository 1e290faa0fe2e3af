//! Golden messages of every sink, and what answers mean.

use std::collections::BTreeMap;

use sark_core::audit::{AuditRecord, Correlation, Evidence, Flow, Notice, Outcome};
use sark_core::decision::Severity;
use serde_json::Value;

use super::*;
use crate::message::{Kind, delivery_id};

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// An alert with everything that is awkward in one form or another.
pub(crate) fn message() -> Message {
    let at = "2026-11-28T12:00:00.123456Z".parse().unwrap();
    let facts = [
        ("feed", "aws <!channel> & co"),
        ("pipe|\\", "a=b\\c\"d]e|f"),
        ("link", "[x](https://evil.example)"),
        ("lines", "one\r\ntwo"),
    ];
    let notice = Notice {
        key: "registry.feed.held:aws".into(),
        title: "Feed aws is held: 12|% gone\nnow".into(),
        resolved: false,
        routes: Vec::new(),
        runbook: Some("feeds".into()),
        facts: facts.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
    };
    let about = Correlation {
        host: Some("lap-7".into()),
        process: Some("claude[4711]".into()),
        user: Some("ann".into()),
        flow: Some(Flow {
            protocol: 6,
            source: ([192, 0, 2, 1], 40_000).into(),
            destination: ([203, 0, 113, 1], 443).into(),
        }),
        ..Correlation::default()
    };
    let detail = serde_json::json!({});
    let record = AuditRecord::new(at, "sarkd", "registry.feed.held", Outcome::Refused, detail)
        .about(about)
        .on(Evidence { rules: vec!["feeds/held".into()], ..Evidence::default() })
        .told(Severity::High, notice.clone());
    let runbooks = Some("https://wiki.example/sark/");
    Message { count: 3, ..Message::of(&record, &notice, 42, "edge-1", runbooks) }
}

fn all() -> BTreeMap<&'static str, Box<dyn HttpSink>> {
    let key = SigningKey::parse(&secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
    let sinks: [(&str, Box<dyn HttpSink>); 6] = [
        (
            "webhook",
            Box::new(Webhook { url: secret("https://u/"), keys: vec![key], headers: Vec::new() }),
        ),
        ("slack", Box::new(Slack { url: secret("https://u/") })),
        ("teams", Box::new(Teams { url: secret("https://u/") })),
        ("pagerduty", Box::new(PagerDuty { url: secret("https://u/"), routing_key: secret("R0") })),
        (
            "splunk",
            Box::new(Splunk {
                url: secret("https://u:8088/"),
                token: secret("T0"),
                index: Some("netsec".into()),
                channel: Some("00000000-0000-4000-8000-000000000001".into()),
            }),
        ),
        (
            "elastic",
            Box::new(Elastic {
                url: secret("https://u:9200"),
                index: "sark".into(),
                login: ElasticLogin::ApiKey(secret("K0")),
            }),
        ),
    ];
    sinks.into_iter().collect()
}

/// Request line, headers, then each line of the body as JSON.
fn shown(post: &Post) -> String {
    let mut out = format!("POST {}\n", post.url.reveal());
    for (name, value) in &post.headers {
        out.push_str(&format!("{name}: {}\n", value.reveal()));
    }
    for line in std::str::from_utf8(&post.body).unwrap().lines() {
        let text = match serde_json::from_str::<Value>(line) {
            Ok(value) => serde_json::to_string_pretty(&value).unwrap(),
            Err(_) => line.to_owned(),
        };
        out.push_str(&format!("\n{text}\n"));
    }
    out
}

#[test]
fn golden_messages() {
    let (message, now) = (message(), "2026-11-28T12:00:01Z".parse().unwrap());
    let words = Words::of(&message, None, None);
    for (name, sink) in all() {
        let id = delivery_id(&message, name);
        insta::assert_snapshot!(name, shown(&sink.post(&message, &words, &id, now)));
    }
    let sentinel = sentinel();
    let token = Token { token: secret("B0"), until: now };
    let post = format!(
        "{}\n{}",
        shown(&sentinel.ask_token()),
        shown(&sentinel.post(&message, &words, "msg_1", &token))
    );
    insta::assert_snapshot!("sentinel", post);
    let lines = [
        Syslog { facility: 13 }.frame(&message, &words, "msg_1"),
        cef().frame(&message, &words, "msg_1"),
        json_line(&message, &words, "msg_1"),
    ];
    let lines: Vec<_> = lines.iter().map(|line| String::from_utf8_lossy(line)).collect();
    insta::assert_snapshot!("lines", lines.join("\n"));
}

fn sentinel() -> Sentinel {
    Sentinel {
        endpoint: secret("https://dce.example"),
        rule: "dcr-1".into(),
        stream: "Custom-SarkAlerts_CL".into(),
        authority: "https://login.example/".into(),
        tenant: "t 1".into(),
        client_id: "c1".into(),
        client_secret: secret("s&=1"),
    }
}

fn cef() -> Cef {
    Cef { syslog: Syslog { facility: 16 }, version: "0.1.0".into() }
}

#[test]
fn the_end_of_an_alert_is_told_as_such() {
    let message = Message { kind: Kind::Resolved, ..message() };
    let words = Words::of(&message, None, None);
    let body = |name: &str| -> Value {
        serde_json::from_slice(&all()[name].post(&message, &words, "i", Timestamp::UNIX_EPOCH).body)
            .unwrap()
    };
    assert_eq!(body("pagerduty")["event_action"], "resolve");
    assert_eq!(body("pagerduty")["dedup_key"], "edge-1/registry.feed.held:aws");
    assert_eq!(body("webhook")["type"], "alert.resolved");
    assert!(body("slack")["text"].as_str().unwrap().starts_with("Resolved: "));
}

/// As each vendor documents: the body matters where it does.
#[test]
fn what_answers_mean() {
    let sinks = all();
    let busy = br#"{"text":"Server is busy","code":9}"#.as_slice();
    let no_index = br#"{"text":"Incorrect index","code":7}"#.as_slice();
    let there = br#"{"errors":true,"items":[{"create":{"status":409,"error":{"reason":"x"}}}]}"#;
    let full = br#"{"errors":true,"items":[{"create":{"status":429,"error":{"reason":"x"}}}]}"#;
    let odd = br#"{"errors":true,"items":[{"create":{"status":400,"error":{"reason":"x"}}}]}"#;
    let good = br#"{"errors":false,"items":[{"create":{"status":201}}]}"#;
    for (sink, status, body, meant) in [
        ("webhook", 204, b"".as_slice(), 'd'),
        ("webhook", 409, b"", 'r'),
        ("webhook", 410, b"", 'x'),
        ("webhook", 302, b"", 'x'),
        ("slack", 200, b"ok", 'd'),
        ("slack", 400, b"invalid_payload", 'x'),
        ("slack", 404, b"no_service", 'x'),
        ("slack", 429, b"", 'r'),
        ("slack", 503, b"", 'r'),
        ("teams", 202, b"", 'd'),
        ("teams", 200, b"failed with HTTP error 429 with ContextId", 'r'),
        ("teams", 401, b"", 'x'),
        ("pagerduty", 202, b"{}", 'd'),
        ("pagerduty", 400, b"{}", 'x'),
        ("pagerduty", 500, b"", 'r'),
        ("splunk", 200, br#"{"text":"Success","code":0}"#, 'd'),
        ("splunk", 400, no_index, 'x'),
        ("splunk", 403, br#"{"text":"Invalid token","code":4}"#, 'x'),
        ("splunk", 503, busy, 'r'),
        ("splunk", 400, busy, 'r'),
        ("elastic", 200, good, 'd'),
        ("elastic", 200, there, 'd'),
        ("elastic", 200, full, 'r'),
        ("elastic", 200, odd, 'x'),
        ("elastic", 200, b"<html>", 'r'),
        ("elastic", 401, b"", 'x'),
    ] {
        let answer = Answer { status, retry_after: None, body, now: Timestamp::UNIX_EPOCH };
        let verdict = match sinks[sink].judge(&answer) {
            Verdict::Delivered { .. } => 'd',
            Verdict::Retry { .. } => 'r',
            Verdict::Dead { .. } => 'x',
        };
        assert_eq!(verdict, meant, "{sink} {status} {}", String::from_utf8_lossy(body));
    }
}

#[test]
fn splunk_is_asked_whether_it_was_indexed() {
    let splunk = Splunk {
        url: secret("https://u"),
        token: secret("T0"),
        index: None,
        channel: Some("c".into()),
    };
    assert_eq!(splunk.ack_id(br#"{"text":"Success","code":0,"ackId":7}"#), Some(7));
    assert_eq!(Splunk { channel: None, ..splunk.clone() }.ack_id(br#"{"code":0,"ackId":7}"#), None);
    assert_eq!(splunk.ask(7).url.reveal(), "https://u/services/collector/ack?channel=c");
    assert_eq!(Splunk::acknowledged(7, br#"{"acks":{"7":true}}"#), Acknowledged::Yes);
    assert_eq!(Splunk::acknowledged(7, br#"{"acks":{"7":false}}"#), Acknowledged::NotYet);
    assert_eq!(Splunk::acknowledged(7, br#"{"acks":{"6":true}}"#), Acknowledged::Unknown);
}

#[test]
fn a_token_is_not_used_to_its_last_second() {
    let now = Timestamp::UNIX_EPOCH;
    let body = br#"{"token_type":"Bearer","expires_in":3600,"access_token":"B0"}"#;
    let token = Sentinel::token(&Answer { status: 200, retry_after: None, body, now }).unwrap();
    assert_eq!(token.until.as_second(), 3480);
    let refused = Answer { status: 401, retry_after: None, body: b"AADSTS7000215", now };
    assert!(
        matches!(Sentinel::token(&refused), Err(Verdict::Dead { why }) if why.contains("token"))
    );
}

proptest::proptest! {
    /// Whatever is in an alert, each form stays within its limits and keeps its frame.
    #[test]
    fn hostile_alerts_keep_the_frame(title in ".{0,400}", key in ".{1,300}", value in ".{0,600}", many in 0usize..40) {
        let notice = Notice {
            key, title, resolved: false, routes: Vec::new(), runbook: None,
            facts: (0..many).map(|n| (format!("{n}{value}"), value.clone())).collect(),
        };
        let record = AuditRecord::new(Timestamp::UNIX_EPOCH, &value, &value, Outcome::Ok, Value::Null);
        let message = Message::of(&record, &notice, 1, "edge-1", None);
        let words = Words::of(&message, None, None);
        for (name, sink) in all() {
            let post = sink.post(&message, &words, "msg_1", Timestamp::UNIX_EPOCH);
            for line in std::str::from_utf8(&post.body).unwrap().lines() {
                serde_json::from_str::<Value>(line).unwrap();
            }
            let most = if name == "teams" { 28 << 10 } else { 256 << 10 };
            assert!(post.body.len() <= most, "{name}: {}", post.body.len());
            if name == "slack" {
                let value: Value = serde_json::from_slice(&post.body).unwrap();
                let blocks = value["blocks"].as_array().unwrap();
                assert!(blocks.len() <= 50);
                for field in blocks.iter().flat_map(|b| b["fields"].as_array().into_iter().flatten()) {
                    assert!(field["text"].as_str().unwrap().chars().count() <= 2000);
                }
            }
        }
        for frame in [Syslog { facility: 13 }.frame(&message, &words, "i"), cef().frame(&message, &words, "i")] {
            let text = std::str::from_utf8(&frame).unwrap();
            let (length, line) = text.split_once(' ').unwrap();
            assert_eq!(length.parse::<usize>().unwrap(), line.len());
            assert!(!line.contains(['\n', '\r', '\0']));
        }
    }
}
