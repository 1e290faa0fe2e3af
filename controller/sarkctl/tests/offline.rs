//! Commands on files, without `sarkd`: the registry and the policies.

use crate::support::sarkctl;

const REGISTRY: &str = "overlay.yaml";

#[test]
fn who_is_it() {
    let lookup = ["registry", "lookup", "--offline", "--registry", "overlay.yaml"];
    sarkctl(lookup).with(&["192.0.2.7", "fr.eu.models.example", "203.0.113.1"]).golden("lookup");
    let run = sarkctl(lookup).with(&["-o", "json"]).stdin("# two\n192.0.2.7\n\nno.example\n").run();
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(answer["results"][0]["hits"][0]["endpoint"]["id"], "example/api");
    assert_eq!(answer["results"][0]["hits"][0]["matched"], "192.0.2.0/28");
    assert_eq!(answer["results"][1]["hits"], serde_json::json!([]));
    assert_eq!(run.code, 0);
}

#[test]
fn a_question_that_is_none() {
    sarkctl(["registry", "lookup", "--offline", "openai/api", "192.0.2.7/24"])
        .golden("lookup-no-question");
    assert_eq!(sarkctl(["registry", "lookup", "--offline", ""]).run().code, 2);
    assert_eq!(sarkctl(["registry", "lookup", "--offline"]).stdin(vec![0xff]).run().code, 2);
}

#[test]
fn endpoints() {
    let show = ["registry", "show", "example/api", "--offline", "--registry", REGISTRY];
    sarkctl(show).golden("endpoint");
    sarkctl(["registry", "show", "antropic/api", "--offline"]).golden("endpoint-unknown");
    sarkctl(["registry", "list", "--offline", "--provider", "antropic"]).golden("provider-unknown");
    sarkctl(["registry", "list", "--offline", "--kind", "vnp"]).golden("kind-unknown");
    let list =
        sarkctl(["registry", "list", "--offline", "--provider", "anthropic", "-o", "json"]).run();
    let list: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    let endpoints = list["endpoints"].as_array().unwrap();
    assert!(!endpoints.is_empty());
    assert!(endpoints.iter().all(|endpoint| endpoint["provider"] == "anthropic"));
}

#[test]
fn a_wrong_overlay_shows_its_line() {
    let lookup = ["registry", "lookup", "--offline", "--registry", "wrong-overlay.yaml", "1.1.1.1"];
    sarkctl(lookup).golden("overlay-wrong");
    let online = ["registry", "lookup", "--registry", REGISTRY, "1.1.1.1"];
    sarkctl(online).golden("overlay-online");
}

#[test]
fn policies_are_checked() {
    sarkctl(["policy", "check", "drop-one.yaml"]).golden("check");
    sarkctl(["policy", "check", "drop-one.yaml", "-o", "json"]).golden("check-json");
    sarkctl(["policy", "check", "wrong-policy.yaml"]).golden("check-wrong");
    sarkctl(["policy", "check", "wrong-policy.yaml", "-o", "json"]).golden("check-wrong-json");
    sarkctl(["policy", "check", "absent"]).golden("check-absent");
    let text = std::fs::read_to_string("tests/data/drop-one.yaml").unwrap();
    sarkctl(["policy", "check", "-"]).stdin(text).golden("check-stdin");
}

#[test]
fn policies_of_files() {
    let list = ["policy", "list", "--offline", "-f", "drop-one.yaml"];
    sarkctl(list).with(&["--now", "2026-11-21T07:00:00Z"]).golden("policies");
    sarkctl(["policy", "list", "-f", "drop-one.yaml"]).golden("policies-online");
}

#[test]
fn hostile_files_are_bad_input() {
    let directory = tempfile::tempdir().unwrap();
    let check = |name: &str, text: &[u8]| {
        std::fs::write(directory.path().join(name), text).unwrap();
        let run = sarkctl(["policy", "check", name]).directory(directory.path()).run();
        assert_eq!(run.code, 2, "{name}: {}", run.stderr);
        assert!(run.stderr.starts_with("error: "), "{name}: {}", run.stderr);
    };
    check("empty.yaml", b"");
    check("binary.yaml", b"\x00\xff\xfe");
    check("long.yaml", &vec![b'a'; 2 << 20]);
    check("deep.yaml", &vec![b'['; 100_000]);
    let bomb = "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n";
    check("bomb.yaml", bomb.as_bytes());
    let run =
        sarkctl(["policy", "check", "."]).directory(tempfile::tempdir().unwrap().path()).run();
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("no policies in ."), "{}", run.stderr);
}
