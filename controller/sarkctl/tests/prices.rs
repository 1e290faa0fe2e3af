//! `sarkctl registry prices`, on a file and on a stand-in for sarkd.

use crate::support::sarkctl;
use crate::support::server::Answers;
use serde_json::{Value, json};

const PRICES: [&str; 2] = ["registry", "prices"];

/// On the list of `tests/data`.
fn offline(words: &[&str]) -> crate::support::Sarkctl {
    sarkctl(PRICES).with(words).with(&["--file", "prices.json"])
}

fn clean(run: &crate::support::Run) {
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
}

#[test]
fn what_models_cost() {
    offline(&["list"]).golden("prices-list");
    clean(&offline(&["list", "--provider", "alibaba"]).golden("prices-list-provider"));
    let asked = ["model-large-2026-11-01", "model-latest", "model-prose", "flash", "gpt-9"];
    let run = offline(&["list", "--provider", "openai"]).with(&asked).golden("prices-models");
    clean(&run);
    offline(&["list", "--provider", "alibaba", "flash"]).golden("prices-ranges");
    let run = offline(&["list", "model-large", "-o", "json"]).run();
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(answer["results"][0]["how"], "exact");
    let price = &answer["results"][0]["model"]["prices"][0];
    assert_eq!((&price["unit"], &price["usd"]), (&json!("input"), &json!("0.0000025")));
    let yaml = offline(&["list", "model-large", "-o", "yaml"]).run();
    assert!(yaml.stdout.contains("field: input_cost_per_token"), "{}", yaml.stdout);
}

#[test]
fn what_a_call_costs() {
    let call = |words: &[&str]| offline(&["cost", "--provider", "openai"]).with(words);
    call(&[
        "model-large",
        "--input-tokens",
        "1000",
        "--cache-read",
        "5000",
        "--output-tokens",
        "300",
    ])
    .golden("prices-cost");
    let part = ["model-large", "--tier", "batch", "--input-tokens", "10", "--cache-read", "10"];
    let run = call(&part).with(&["--use", "search-low=2", "--input-audio", "7"]);
    assert_eq!(run.golden("prices-cost-part").code, 1, "what has no price is no success");
    assert_eq!(call(&["gpt-9", "--output-tokens", "1"]).golden("prices-cost-unknown").code, 1);

    // The same call, as its provider reports it and as it is.
    let reported = ["model-large", "--reported", "--input-tokens", "6000", "--cache-read", "5000"];
    let reported =
        call(&reported).with(&["--output-tokens", "500", "--reasoning", "200"]).run().stdout;
    let apart = ["model-large", "--input-tokens", "1000", "--cache-read", "5000"];
    let apart = call(&apart).with(&["--output-tokens", "300", "--reasoning", "200"]).run().stdout;
    assert_eq!(reported, apart);
    let wrong = ["model-large", "--reported", "--input-tokens", "1", "--cache-read", "2"];
    let run = call(&wrong).run();
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("2 tokens are said to be inside the 1"), "{}", run.stderr);
    for wrong in [["--use", "search-low"], ["--use", "x=1"], ["--use", "query=-1"]] {
        assert_eq!(call(&["model-large"]).with(&wrong).run().code, 2, "{wrong:?}");
    }
    let json = call(&["model-large", "--input-tokens", "1000000", "-o", "json"]).run();
    let cost: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&cost["total"], &cost["complete"]), (&json!("2.5"), &json!(true)));
}

#[test]
fn what_is_odd() {
    let run = sarkctl(PRICES).with(&["check", "prices.json"]).golden("prices-check");
    clean(&run);
    let good = r#"{"a": {"input_cost_per_token": 1e-6}}"#;
    assert_eq!(sarkctl(PRICES).with(&["check", "-"]).stdin(good).run().code, 0);
    for bad in ["", "[]", "{\"a\": 1}", "{\"a\": {\"input_cost_per_token\": 1e-"] {
        let run = sarkctl(PRICES).with(&["check", "-"]).stdin(bad).run();
        assert_eq!(run.code, 2, "{bad}");
        assert!(run.stderr.contains("is no price list"), "{}", run.stderr);
    }
}

#[test]
fn lists_of_sarkd() {
    let at = "2026-11-21T07:00:00Z";
    let list = json!({"version": 7, "hash": "sha256:0123456789abcdef"});
    let prices = json!([{"field": "input_cost_per_token", "unit": "input", "usd": "0.0000025"}]);
    let model = json!({"name": "model\u{1b}[2J-large", "provider": "openai", "mode": "chat",
        "maxInput": null, "maxOutput": null, "deprecated": null, "prices": prices});
    let version = |number: u64| {
        json!({"number": number, "hash": "sha256:0123456789abcdef", "at": at,
            "cause": "feed price-list", "actor": "sarkd"})
    };
    let versions = json!({"inUse": 7, "versions": [version(7), version(6)]});
    let cost = json!({"list": list, "entry": "model-large", "how": "exact", "lines": [],
        "unpriced": [], "total": "0", "complete": true});
    let lookup = json!({"list": list, "results": [{"query": "m", "how": "exact", "problem": null, "model": model}]});
    let server = Answers::default()
        .on(
            "GET /v1/registry/prices?provider=openai&version=7",
            200,
            &json!({"list": list, "models": [model]}),
        )
        .on("GET /v1/registry/prices/lookup?q=m", 200, &lookup)
        .on("GET /v1/registry/prices/versions?limit=20", 200, &versions)
        .on("POST /v1/registry/prices/cost", 200, &cost)
        .serve();
    let run = |words: &[&str]| {
        sarkctl(PRICES).with(words).with(&["--socket", "sarkd.sock"]).directory(server.path())
    };
    let listed = ["list", "--provider", "openai", "--version", "7"];
    clean(&run(&listed).golden("prices-list-online"));
    clean(&run(&["list", "m"]).run());
    run(&["versions"]).golden("prices-versions");
    assert_eq!(
        run(&["cost", "model-large", "--input-tokens", "3", "--tier", "flex"]).run().code,
        0
    );
    let asked = server.requests();
    let (_, body) = asked.iter().find(|(question, _)| question.starts_with("POST")).unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let expected = json!({"provider": null, "model": "model-large", "tier": "flex",
        "usage": {"input": 3}, "version": null});
    assert_eq!(body, expected);
}

/// As of any feed: what is shown is what is decided on.
#[test]
fn a_list_that_waits() {
    let at = "2026-11-21T07:00:00Z";
    let doubt = json!({"code": "price-jump", "message": "prices of 3 of 9 models jump",
        "help": "compare, then accept or reject"});
    let pending = json!({"hash": "sha256:cd", "fetchedAt": at, "entries": 9, "added": 3, "removed": 3,
        "addedSample": ["m0 input_cost_per_token 0.00003"],
        "removedSample": ["m0 input_cost_per_token 0.000003"], "doubts": [doubt]});
    let feed = |pending: Value| {
        json!({"name": "price-list", "title": "What models cost", "owner": "registry.prices",
            "licence": null, "location": "https://prices.example/list.json", "format": "pricelist",
            "schedule": "0 23 5 * * * *", "state": "held", "endpoints": [],
            "copy": {"hash": "sha256:ab", "changedAt": at, "published": null, "entries": 9, "skipped": 0},
            "checkedAt": at, "nextAt": at, "failures": 0, "problem": null, "pending": pending})
    };
    let result = json!({"feed": "price-list", "outcome": "held", "added": 3, "removed": 3, "problems": [doubt]});
    let server = Answers::default()
        .on("GET /v1/registry/feeds/price-list", 200, &feed(pending))
        .on("POST /v1/registry/feeds/price-list/accept", 200, &result)
        .on("POST /v1/registry/feeds/price-list/reject", 200, &result)
        .on("POST /v1/registry/refresh", 200, &json!({"version": "sha256:ab", "results": [result]}))
        .serve();
    let run = |words: &[&str]| {
        sarkctl(PRICES).with(words).with(&["--socket", "sarkd.sock"]).directory(server.path())
    };
    run(&["show"]).golden("prices-show");
    run(&["show", "--pending"]).golden("prices-pending");
    for word in ["accept", "reject"] {
        assert_eq!(run(&[word, "--yes"]).run().code, 0);
        assert_eq!(run(&[word, "--yes", "--hash", "sha256:ee"]).run().code, 2);
    }
    assert_eq!(run(&["refresh"]).run().code, 3, "held");
    let asked = server.requests();
    assert!(asked.iter().any(|(_, body)| body == r#"{"feeds":["price-list"]}"#), "{asked:?}");

    let server =
        Answers::default().on("GET /v1/registry/feeds/price-list", 200, &feed(Value::Null)).serve();
    let none = sarkctl(PRICES).with(&["show", "--pending", "--socket", "sarkd.sock"]);
    let none = none.directory(server.path()).run();
    assert_eq!(
        (none.code, none.stdout.as_str()),
        (0, "no copy of price-list waits for a decision\n")
    );
}
