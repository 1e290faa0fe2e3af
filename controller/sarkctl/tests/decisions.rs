//! Decision sets on files: checked, tested, asked.

use crate::support::sarkctl;
use serde_json::Value;

const NOW: [&str; 2] = ["--now", "2026-11-28T10:00:00Z"];

#[test]
fn sets_are_checked() {
    sarkctl(["policy", "check", "decisions"]).golden("decisions-check");
    sarkctl(["policy", "check", "decisions", "drop-one.yaml"]).golden("decisions-check-both");
    sarkctl(["policy", "check", "wrong-decisions"]).golden("decisions-check-wrong");
    let run = sarkctl(["policy", "check", "wrong-decisions", "-o", "json"]).run();
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &report["valid"]), (2, &Value::Bool(false)));
    assert_eq!(report["mistakes"][0]["line"], 3);
}

#[test]
fn a_directory_has_network_policies_and_sets() {
    let directory = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| {
        let to = directory.path().join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(format!("tests/data/{from}"), to).unwrap();
    };
    copy("drop-one.yaml", "a.yaml");
    copy("decisions/set.yaml", "decision/set.yaml");
    copy("decisions/llm/hours.rego", "decision/hours.rego");
    let run = sarkctl(["policy", "check", "."]).directory(directory.path()).run();
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!((run.code, lines.len()), (0, 2), "{}{}", run.stdout, run.stderr);
    assert!(lines[0].starts_with("ok: 1 policy in 1 file"), "{}", run.stdout);
    assert!(lines[1].starts_with("ok: 1 policy in decision set small"), "{}", run.stdout);
}

#[test]
fn what_ships_is_right_and_covered() {
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let with = |words: &[&str]| {
        let run = sarkctl(["policy"]).with(words).directory(&shipped).run();
        assert_eq!(run.code, 0, "{words:?}: {}{}", run.stdout, run.stderr);
        run.stdout
    };
    with(&["check", "policies"]);
    assert!(with(&["test", "policies/decision"]).ends_with("tests passed\n"));
    with(&["coverage", "policies/decision", "--at-least", "95"]);
}

#[test]
fn tests_run_and_are_counted() {
    sarkctl(["policy", "test", "decisions", "-v"]).golden("decisions-test");
    sarkctl(["policy", "test", "decisions", "--run", "nothing"]).golden("decisions-test-none");
    sarkctl(["policy", "coverage", "decisions"]).golden("decisions-coverage");
    sarkctl(["policy", "coverage", "decisions", "--at-least", "99"])
        .golden("decisions-coverage-low");
}

#[test]
fn a_test_that_fails_is_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy("tests/data/decisions/set.yaml", directory.path().join("set.yaml")).unwrap();
    let test = "package sark.lib.x_test\n\ntest_fine if true\n\ntest_wrong if 1 == 2\n";
    std::fs::write(directory.path().join("x_test.rego"), test).unwrap();
    let run = sarkctl(["policy", "test", "."]).directory(directory.path()).run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    let wanted = "FAIL  data.sark.lib.x_test.test_wrong  ./x_test.rego:5\n1 of 2 tests passed\n";
    assert_eq!(run.stdout, wanted);
}

#[test]
fn it_is_decided() {
    let eval = ["policy", "eval", "decisions", "-i", "requests.json"];
    sarkctl(eval).with(&NOW).golden("decisions-eval");
    let explain = ["policy", "explain", "decisions", "-i", "requests.json"];
    sarkctl(explain).with(&NOW).golden("decisions-explain");
    let one = r#"{"id": "1", "operation": "tool_call", "call": {"server": "s", "name": "n"}}"#;
    let run = sarkctl(["policy", "eval", "decisions", "-i", "-", "-o", "json"]).stdin(one).run();
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["results"][0]["line"], "mcp");
    assert_eq!(report["results"][0]["decision"]["policy_id"], "default");
}

#[test]
fn what_is_no_input_says_why() {
    let eval = ["policy", "eval", "decisions", "-i", "-"];
    sarkctl(eval)
        .stdin(r#"{"id": "1", "operation": "chat", "modell": "x"}"#)
        .golden("decisions-input-wrong");
    for input in ["", "{", "[]", "{}", "1", r#"{"id": 1, "operation": "chat"}"#] {
        let run = sarkctl(eval).stdin(input).run();
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{input}: {}", run.stderr);
        assert!(run.stderr.starts_with("error: "), "{input}: {}", run.stderr);
    }
    let mcp = r#"{"id": "1", "operation": "chat"}"#;
    let run = sarkctl(eval).with(&["--line", "mcp"]).stdin(mcp).run();
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("is of the line llm and not mcp"), "{}", run.stderr);
}

#[test]
fn bundles_are_read_and_their_signatures_checked() {
    let bundles = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy/tests/bundle");
    let check = |words: &[&str]| {
        sarkctl(["policy", "check", "rs256.tar.gz"]).with(words).directory(&bundles).run()
    };
    let signed = check(&["--key", "rs256.pem", "--key-id", "secops", "--scope", "write"]);
    // Its set.yaml is not one: it is read, so the signature held.
    assert!(signed.stderr.contains("rs256.tar.gz:set.yaml"), "{}", signed.stderr);
    assert_eq!(signed.code, 2);
    let other = check(&["--key", "rs256.pem", "--key-id", "netsec", "--scope", "write"]);
    assert!(other.stderr.contains("which is not configured"), "{}", other.stderr);
    let wrong = check(&["--key", "make.py"]);
    assert!(wrong.stderr.contains("the key is for HS256"), "{}", wrong.stderr);
    let directory = sarkctl(["policy", "test", "decisions", "--key", "x"]).run();
    assert!(directory.stderr.contains("is a directory"), "{}", directory.stderr);
    assert_eq!((other.code, wrong.code, directory.code), (2, 2, 2));
}

#[test]
fn it_is_measured() {
    let bench = ["policy", "bench", "decisions", "-i", "requests.json", "--seconds", "1"];
    let run = sarkctl(bench).with(&["--threads", "2", "-o", "json"]).run();
    let measured: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(measured["threads"], 2, "{}", run.stderr);
    assert!(measured["perSecond"].as_u64().unwrap() > 0);
    assert!(measured["p50Ns"].as_u64() <= measured["p99Ns"].as_u64());
}
