//! The story of a request, as a person reads it.

use sark_api::{Explanation, NumberedRecord};
use serde_json::{Value, json};

use crate::support::sarkctl;
use crate::support::server::Answers;

const ID: &str = "01a2272d260089abcdef0123456789ab";

fn records(allow: bool) -> Vec<NumberedRecord> {
    let about = json!({
        "request": ID, "user": "alice", "host": "laptop-7", "flow": {
            "protocol": 6, "source": "10.20.7.23:51234", "destination": "203.0.113.88:443",
        },
    });
    let evidence = json!({
        "registryVersion": "sha256:0123456789abcdef0123", "policyVersion": "sha256:fedcba98765432100123",
        "rules": ["models/seen", "spend/large"],
    });
    let decided = json!({
        "sequence": 12, "at": "2026-11-29T12:00:00.001Z", "actor": "proxy:edge-1",
        "event": "decision.llm", "outcome": if allow { "ok" } else { "refused" },
        "evidence": evidence, "about": about, "detail": {
            "input": {
                "id": ID, "operation": "chat", "model": "gpt-4o", "agent": "codex",
                "groups": ["engineering"], "provider": "example", "endpoint": "example/api",
                "server_name": "api.example.com", "stream": true, "body_bytes": 2048,
                "inspected": true, "tools": ["search", "shell"],
                "spend": { "request_microusd": 1200, "day_microusd": 0, "month_microusd": 0 },
            },
            "decision": {
                "allow": allow, "action": if allow { "audit" } else { "deny" }, "severity": "info",
                "reason": "models are asked on\nrecord", "policy_id": "models", "rule_id": "seen",
                "obligations": [{ "type": "notify", "route": "soc" }],
            },
            "proxy": { "entrance": "transparent", "target": "203.0.113.88:443",
                       "ja4": "t13d1516h2_8daaf6152771_02713d6af862" },
        },
    });
    let answered = json!({
        "sequence": 15, "at": "2026-11-29T12:00:00.813Z", "actor": "proxy:edge-1",
        "event": "proxy.answer", "outcome": "ok", "about": about, "detail": {
            "status": 200, "model": "gpt-4o-2026-08-01", "usage": { "input": 812, "output": 40 },
            "costMicrousd": 2430, "unpriced": false, "toolCalls": ["search"], "finish": "tool_calls",
            "whole": true, "milliseconds": 812,
        },
    });
    let all = if allow { vec![decided, answered] } else { vec![decided] };
    all.into_iter().map(|one| serde_json::from_value(one).unwrap()).collect()
}

/// As `sarkd` tells it.
fn told(allow: bool) -> Value {
    let mut told = serde_json::to_value(Explanation::of(ID.to_owned(), records(allow))).unwrap();
    told["destination"]["registered"] = json!([{
        "endpoint": "example/api", "by": "203.0.113.0/24", "sources": ["example's list"],
        "learned": ["api.example.com"],
    }]);
    told["steering"] = json!({
        "revision": 7, "since": "2026-11-28T08:00:00Z", "registryVersion": "sha256:0123456789abcdef0123",
        "outcome": "redirect to 192.0.2.99", "order": "its destination prefix is longer",
        "rules": [
            rule("64512:1:1234", "dst 203.0.113.88/32 proto =6 dport =443"),
            rule("64512:1:99", "dst 203.0.113.0/24 proto =6"),
        ],
    });
    told
}

fn rule(community: &str, matches: &str) -> Value {
    json!({
        "largeCommunity": community, "nlri": "0d0120cb007158038106059101bb", "match": matches,
        "actions": [
            { "type": "redirect-ip", "address": "192.0.2.99", "copy": false,
              "community": "010cc00002630000" },
        ],
        "policy": "inspect-llm", "file": "policies/llm.yaml", "line": 9,
        "endpoints": ["example/api"], "sources": ["example's list"],
    })
}

#[test]
fn a_call_that_was_answered_and_one_that_was_denied() {
    let mut denied = told(false);
    denied["steering"] = Value::Null;
    denied["notes"] = json!(["no revision of the routers' rules was in use then"]);
    let server = Answers::default()
        .on("GET /api/v1/explain/01a2272d2600", 200, &told(true))
        .on("GET /api/v1/explain/01a2272d2601", 200, &denied)
        .serve();
    let of = |id| sarkctl(["explain", id, "--socket", "sarkd.sock"]).directory(server.path());
    of("01a2272d2600").golden("explain");
    of("01a2272d2601").golden("explain-denied");
    of("01a2272d2600").with(&["-o", "json"]).golden("explain-json");
}
