//! Decision sets in sarkd: put to use, recorded, watched, taken back.

use serde_json::{Value, json};

use crate::client::{get, post};
use crate::daemon::Place;
use crate::decision_sets::{
    DECIDE, NOBODY, ROLLOUT, action, active, asked, named, records, shipped, small,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_set_decides_and_the_trail_has_why() {
    let mut place = Place::new(NOBODY);
    place.start().await;
    let socket = place.socket();
    let (status, refused) = post(&socket, DECIDE, asked("ada")).await;
    assert_eq!(status, 503, "{refused}");
    assert!(refused["error"]["help"].as_str().unwrap().contains("policy activate"), "{refused}");

    let (status, answer) = post(&socket, ROLLOUT, json!({ "files": shipped(), "expect": 0 })).await;
    assert_eq!((status, &answer["changed"]), (200, &json!(true)), "{answer}");
    assert_eq!(answer["active"]["policies"], 13);
    let version = answer["active"]["version"].clone();
    let (_, again) = post(&socket, ROLLOUT, json!({ "files": shipped(), "expect": 1 })).await;
    assert_eq!(again["changed"], false, "the same again is no rollout");

    // A secret in a prompt is refused, and what was found is all that is told of it.
    let finding =
        json!({ "class": "secret", "kind": "aws_access_key", "count": 1, "confidence": 1 });
    let input = json!({
        "id": "q-2", "operation": "chat", "user": "ada", "host": "pc-7", "provider": "openai",
        "endpoint": "openai/api", "model": "gpt-5", "findings": [finding],
    });
    let request = json!({ "line": "llm", "input": input, "texts": { "prompt": "my own words" } });
    let (status, answer) = post(&socket, DECIDE, request.clone()).await;
    assert_eq!((status, &answer["policyVersion"]), (200, &version), "{answer}");
    assert_eq!(answer["decision"]["policy_id"], "no-secrets", "{answer}");
    let found = records(&place, "decision.llm", 1).await.remove(0).clone();
    assert_eq!(found["evidence"]["policyVersion"], version);
    assert_eq!(found["evidence"]["registryVersion"], answer["registryVersion"]);
    assert_eq!(found["about"], json!({ "request": "q-2", "host": "pc-7", "user": "ada" }));
    assert_eq!(found["detail"]["decision"], answer["decision"]);
    assert_eq!(found["detail"]["input"]["model"], "gpt-5");
    assert!(found["evidence"]["rules"][0].as_str().unwrap().starts_with("no-secrets/"));
    assert!(!found.to_string().contains("my own words"), "{found}");

    // Only to see it: no record.
    let mut dry = request;
    dry["dryRun"] = json!(true);
    let (_, seen) = post(&socket, DECIDE, dry).await;
    assert_eq!(seen["decision"], answer["decision"]);

    // A sensor's report is decided on, and somebody is told.
    let report = json!({
        "id": "c-1", "sensor": "roof-cat-2", "event": "carrier", "site": "roof",
        "confidence": 0.9, "facts": { "payload": true, "payload_bytes": 204_800 },
    });
    let (status, taken) = post(&socket, "/api/v1/sensors/rfc1149/reports", report).await;
    assert_eq!((status, &taken["action"]), (200, &json!("alert")), "{taken}");
    let told = records(&place, "sensor.report", 1).await.remove(0).clone();
    assert_eq!(told["notice"]["key"], "sensor:rfc1149:carrier:roof");
    assert_eq!(told["evidence"]["policyVersion"], version);

    // What is wrong replaces nothing.
    let mut wrong = shipped();
    wrong.push(
        json!({ "name": "llm/bad.rego", "text": "package sark.llm.bad\n\nx := http.send({})\n" }),
    );
    let (status, refused) = post(&socket, ROLLOUT, json!({ "files": wrong })).await;
    assert_eq!(status, 400, "{refused}");
    assert_eq!(refused["error"]["diagnostics"][0]["file"], "llm/bad.rego", "{refused}");
    let (status, refused) =
        post(&socket, ROLLOUT, json!({ "files": shipped(), "expect": 9 })).await;
    assert_eq!(status, 409, "{refused}");
    for bad in [
        json!({ "line": "mcp", "input": { "id": "1", "operation": "chat" } }),
        json!({ "line": "edr", "input": { "id": "1" } }),
        json!({ "line": "llm", "input": { "id": "1", "operation": "chat", "prompt": "x" } }),
    ] {
        assert_eq!(post(&socket, DECIDE, bad).await.0, 400);
    }
    assert_eq!(records(&place, "decision.llm", 1).await.len(), 1);

    // It decides after a crash as before.
    place.kill();
    place.start().await;
    let (_, now) = get(&socket, ROLLOUT).await;
    assert_eq!(now["active"]["version"], version);
    assert_eq!(action(&socket, "ada").await, "audit");
    assert!(place.terminate().await.success());
    assert!(!place.log().contains("my own words"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_watched_and_taken_back() {
    let mut place = Place::new(&format!(
        "{NOBODY}\ndecisions: {{ canary: {{ denied: 0.2, failed: 0.1, after: 20 }} }}"
    ));
    place.start().await;
    let socket = place.socket();
    let put = async |files: &[(String, String)], how: Value| {
        let mut body = how;
        body["files"] = json!(named(files));
        post(&socket, ROLLOUT, body).await
    };
    let (old, new) = (small("old", "audit", "u"), small("new", "deny", "u"));
    let (status, refused) = put(&new, json!({ "stage": "shadow" })).await;
    assert_eq!(status, 400, "beside what? {refused}");
    assert_eq!(put(&old, json!({})).await.0, 200);

    let (_, answer) = put(&new, json!({ "stage": "shadow" })).await;
    assert_eq!(answer["candidate"]["stage"], "shadow", "{answer}");
    for _ in 0..3 {
        assert_eq!(action(&socket, "u1").await, "audit");
    }
    // Nobody waited for what it says.
    let counted = place
        .until("the shadow is counted", async || {
            let (_, now) = get(&socket, ROLLOUT).await;
            let counted = now["candidate"]["counted"].clone();
            (counted["candidate"]["decided"] == 3).then_some(counted)
        })
        .await;
    assert_eq!((&counted["differ"], &counted["candidate"]["denied"]), (&json!(3), &json!(3)));
    assert_eq!(counted["leftOut"], 0);
    let decided = records(&place, "decision.llm", 3).await;
    assert_eq!(decided[0]["detail"]["decision"]["action"], "audit");
    assert_eq!(decided[0]["detail"]["candidate"], Value::Null);
    let shadowed = records(&place, "policy.shadow", 3).await;
    assert_eq!(shadowed[0]["detail"]["decided"], decided[0]["detail"]["decision"]);
    assert_eq!(shadowed[0]["detail"]["shadow"]["action"], "deny");
    assert_eq!(shadowed[0]["about"], json!({ "request": "q-1", "user": "u1" }));

    // Taken back by hand, and then there is no candidate.
    let (status, answer) = post(&socket, "/v1/decisions/rollback", json!({})).await;
    assert_eq!((status, &answer["candidate"]), (200, &Value::Null), "{answer}");
    assert_eq!(answer["active"]["name"], "old");
    let (status, refused) = post(&socket, "/v1/decisions/rollback", json!({})).await;
    assert_eq!(status, 422, "nothing before: {refused}");

    let (status, refused) = put(&new, json!({ "stage": "canary", "percent": 100 })).await;
    assert_eq!(status, 400, "{refused}");
    let (_, answer) = put(&new, json!({ "stage": "canary", "percent": 50 })).await;
    assert_eq!(answer["candidate"]["percent"], 50, "{answer}");
    let mut denied = 0;
    for n in 0..200 {
        denied += usize::from(action(&socket, &format!("u{n}")).await == "deny");
        if get(&socket, ROLLOUT).await.1["candidate"].is_null() {
            break;
        }
    }
    assert!((20..60).contains(&denied), "{denied}");
    for n in 0..20 {
        assert_eq!(action(&socket, &format!("u{n}")).await, "audit", "it decides no more");
    }
    let back = records(&place, "policy.rollback", 3).await;
    let outcomes: Vec<_> = back.iter().map(|record| &record["outcome"]).collect();
    assert_eq!(outcomes, ["ok", "refused", "ok"], "by hand, with nothing before, by itself");
    let notice = &back[2]["notice"];
    let title = notice["title"].as_str().unwrap();
    assert!(title.contains("it stopped 100.0 %"), "{title}");
    assert!(notice["key"].as_str().unwrap().starts_with("policy.canary:"), "{notice}");

    // Put to use at once, and back to the one before; also after a crash.
    assert_eq!(put(&new, json!({})).await.0, 200);
    assert_eq!(
        (action(&socket, "u1").await.as_str(), active(&socket).await.as_str()),
        ("deny", "new")
    );
    place.kill();
    place.start().await;
    assert_eq!(active(&socket).await, "new");
    let (_, answer) = post(&socket, "/v1/decisions/rollback", json!({})).await;
    assert_eq!(answer["active"]["name"], "old");
    assert_eq!(action(&socket, "u1").await, "audit");
    // By the beginning of its version.
    let (_, sets) = get(&socket, "/v1/decisions/sets").await;
    let of_new = sets["sets"].as_array().unwrap().iter().find(|set| set["name"] == "new").unwrap();
    let short = of_new["version"].as_str().unwrap()[7..19].to_owned();
    assert_eq!(post(&socket, ROLLOUT, json!({ "version": short })).await.0, 200);
    assert_eq!(active(&socket).await, "new");
    assert_eq!(post(&socket, ROLLOUT, json!({ "version": "abcd" })).await.0, 404);
    let (_, set) = get(&socket, &format!("/v1/decisions/sets/{short}")).await;
    assert_eq!(set["files"].as_array().unwrap().len(), 2);
    assert!(place.terminate().await.success());
}
