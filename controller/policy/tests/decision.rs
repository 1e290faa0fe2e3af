//! Sets of decision policies: what is refused, what is decided, and within which limits.

#![expect(clippy::unwrap_used, reason = "tests, helpers included")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sark_core::decision::{Action, Decision, Severity};
use sark_policy::decision::{
    Bounds, DecisionSet, Input, Limits, Line, SetFile, TestOutcome, Worker, prepared_schema,
    run_tests,
};
use sark_registry::{Snapshot, seed};

fn file(path: &str, text: &str) -> SetFile {
    SetFile { path: path.to_owned(), octets: text.as_bytes().to_vec() }
}

fn settings(on_error: &str) -> SetFile {
    let lines = |value: &str| {
        ["llm", "mcp", "edr", "tunnel", "sensor"]
            .map(|line| format!("    {line}: {value}\n"))
            .concat()
    };
    file(
        "set.yaml",
        &format!(
            "apiVersion: sark/v1\nkind: DecisionSet\nmetadata: {{ name: test }}\nspec:\n  defaults:\n{}  onError:\n{}",
            lines("{ action: audit }"),
            lines(on_error)
        ),
    )
}

/// A set of one policy with this text.
fn set(body: &str) -> Result<DecisionSet, String> {
    set_of(&[settings("deny"), file("p.rego", &format!("package sark.llm.p\n\n{body}\n"))])
}

fn set_of(files: &[SetFile]) -> Result<DecisionSet, String> {
    let set = DecisionSet::load(files, None, &Limits::default());
    set.map_err(|mistakes| mistakes.iter().map(|m| format!("{m}\n")).collect())
}

fn registry() -> Snapshot {
    Snapshot::build(seed())
}

fn now() -> Timestamp {
    "2026-11-28T13:32:00Z".parse().unwrap()
}

fn decide(set: DecisionSet, json: &str) -> Decision {
    // However slow the machine is, it is the instructions that end.
    let bounds = Bounds { time: Duration::from_secs(60), ..Bounds::default() };
    let mut worker = Worker::new(Arc::new(set), &bounds).unwrap();
    let input = Input::from_json(Line::Llm, json).unwrap();
    worker.decide(&input, &registry(), now())
}

const REQUEST: &str = r#"{"id": "r1", "operation": "chat", "user": "ada", "model": "m",
    "endpoint": "openai/api"}"#;

fn shipped() -> Vec<SetFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/decision");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.push(SetFile { path: name, octets: std::fs::read(&path).unwrap() });
            }
        }
    }
    files
}

#[test]
fn what_ships_loads_and_passes_its_tests() {
    let files = shipped();
    let set = set_of(&files).unwrap();
    assert_eq!(set.policies().len(), 13, "{:?}", set.policies());
    let report = run_tests(&files, &Limits::default(), Duration::from_secs(10)).unwrap();
    let failed: Vec<_> =
        report.tests.iter().filter(|test| test.outcome != TestOutcome::Passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(report.tests.len() > 100, "{}", report.tests.len());
    assert!(report.percent() > 95.0, "{:?}", report.coverage);
}

#[test]
fn the_schemas_of_inputs_are_those_that_ship() {
    for line in Line::ALL {
        let path = format!("../../policies/decision/schemas/{line}.schema.json");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let schema = serde_json::to_string_pretty(&prepared_schema(line)).unwrap() + "\n";
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &schema).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(kept, schema, "UPDATE_GOLDEN=1 writes {}", path.display());
    }
}

#[test]
fn a_rule_that_matches_decides_with_what_was_prepared() {
    let set = set(r#"decisions contains {
        "action": "deny", "rule_id": "no", "severity": "high",
        "reason": sprintf("%v %v %v %v", [input.user, concat(",", input.groups), input.time.weekday,
            input.registry.kind]),
        "obligations": [{"type": "notify", "route": "soc"}],
    } if { input.time.minute == 812; input.time.date == "2026-11-28" }"#)
    .unwrap();
    let decision = decide(set, REQUEST);
    assert_eq!((decision.action, decision.allow), (Action::Deny, false));
    assert_eq!((&*decision.policy_id, &*decision.rule_id), ("p", "no"));
    assert_eq!(decision.reason, "ada  6 api");
    assert_eq!(decision.severity, Severity::High);
    assert_eq!(decision.obligations.len(), 1);
}

#[test]
fn groups_are_those_of_the_identity_and_of_the_data() {
    let files = [
        settings("deny"),
        file("data.yaml", "groups: { ml: [ada, grace], ops: [ada], other: [eve] }\n"),
        file(
            "p.rego",
            "package sark.llm.p\n\ndecisions contains {\"action\": \"alert\", \"rule_id\": \"g\", \"reason\": concat(\" \", input.groups)}\n",
        ),
    ];
    let json = r#"{"id": "r", "operation": "chat", "user": "ada", "groups": ["staff", "ml"]}"#;
    assert_eq!(decide(set_of(&files).unwrap(), json).reason, "ml ops staff");
}

#[test]
fn no_rule_is_the_default_and_says_so() {
    let decision = decide(set("decisions contains 1 if input.model == \"x\"").unwrap(), REQUEST);
    assert_eq!((decision.action, &*decision.policy_id), (Action::Audit, "default"));
    let nothing = set_of(&[settings("deny")]).unwrap();
    assert_eq!(decide(nothing, REQUEST).action, Action::Audit);
}

/// What cannot work is refused when it is loaded, with its place and what to do.
#[test]
fn what_cannot_work_is_refused() {
    for (body, place, wanted) in [
        ("decisions contains 1 if http.send({}).x", "p.rego:3:", "`http.send` cannot be called"),
        ("decisions contains 1 if rand.intn(\"a\", 3) == 1", "p.rego:3:", "`rand.intn`"),
        ("decisions contains 1 if time.now_ns() > 0", "p.rego:3:", "`input.time`"),
        ("decisions contains 1 if io.jwt.decode(\"a\")", "p.rego:3:", "check tokens before"),
        ("decisions contains 1 if net.cidr_merge([])", "p.rego:3:", "`net.cidr_contains`"),
        ("decisions contains 1 if nosuch.fn(1)", "p.rego:3:", "Unknown function: 'nosuch.fn'"),
        ("decisions contains x if { input.y }", "p.rego:3:", "'x'"),
        ("decisions contains", "p.rego:", "expecting expression"),
        ("decisions := {1}", "p.rego:3:", "`decisions` is a set"),
        ("other contains 1", "p.rego:1:", "policy `p` has no rule `decisions`"),
        ("decisions contains x if some x in decisions", "p.rego:3:", "depends on itself"),
        ("decisions contains f(1)\nf(x) := g(x)\ng(x) := f(x)", "p.rego:", "p.f → "),
        ("decisions contains 1 if count(data.sark.llm) > 0", "p.rego:3:", "depends on itself"),
        ("decisions contains 1 if { x := 1 with input as {} }", "p.rego:3:", "`with`"),
    ] {
        let error = set(body).unwrap_err();
        assert!(error.contains(wanted) && error.starts_with(place), "{body}:\n{error}");
    }
    let deep = format!("decisions contains {}1{}", "[".repeat(60), "]".repeat(60));
    let wide = "decisions contains [[[[[[[[[[[[[[1]]]]]]]]]]]]]]\n".repeat(1_000);
    let long = format!("decisions contains 1{}", "\n+ 1".repeat(19_000));
    let many = "x".repeat(300 << 10);
    for (body, wanted) in [
        (&deep, "brackets in brackets"),
        (&wide, "brackets in brackets"),
        (&long, "an expression is too long"),
        (&many, "split the policy"),
    ] {
        let error = set(body).unwrap_err();
        assert!(error.contains(wanted), "{error:.500}");
    }
}

#[test]
fn packages_and_data_have_their_places() {
    let policy = "\ndecisions contains 1 if input.x\n";
    for (files, wanted) in [
        (vec![file("a.rego", &format!("package sark.dns.p{policy}"))], "is no policy"),
        (vec![file("a.rego", &format!("package sark.llm.p.q{policy}"))], "is no policy"),
        (vec![file("a.rego", &format!("package sark.llm{policy}"))], "is no policy"),
        (vec![file("sark/data.json", "{}")], "a member `sark`"),
        (vec![file("data.json", "{\"a\": 1}"), file("data.yaml", "a: 2")], "`a` is given by"),
        (vec![file("data.json", "[1]")], "no object at the top"),
        (vec![file("data.json", "{\"a\": ")], "data.json:1:"),
        (vec![file("data.json", &format!("{}{}", "[".repeat(500), "]".repeat(500)))], "recursion"),
        (vec![SetFile { path: "a.rego".into(), octets: vec![0xff] }], "UTF-8"),
        (
            vec![SetFile { path: "data.json".into(), octets: vec![b' '; 100 << 20] }],
            "are more than",
        ),
    ] {
        let mut all = vec![settings("deny")];
        all.extend(files);
        let error = set_of(&all).unwrap_err();
        assert!(error.contains(wanted), "{wanted}: {error:.300}");
    }
    assert!(set_of(&[]).unwrap_err().contains("set.yaml: is missing"));
    assert!(set_of(&[settings("hold")]).unwrap_err().contains("hold"));
    let unknown = file(
        "set.yaml",
        &String::from_utf8(settings("deny").octets).unwrap().replace("tunnel", "tunel"),
    );
    assert!(set_of(&[unknown]).unwrap_err().contains("tunel"));
}

/// A policy that fails is a rule of the engine; what others say counts too.
#[test]
fn a_policy_that_cannot_be_asked_is_closed_or_open_as_the_set_says() {
    let hostile = [
        (
            "decisions contains 1 if { count([x | some x in numbers.range(1, 100000); some y in numbers.range(1, 10000); x * y == 7]) > 0 }",
            "instructions",
        ),
        (
            "decisions contains 1 if regex.match(\"(a{1000}){1000}\", \"a\")",
            "a pattern is too large",
        ),
        ("decisions contains 1", "is no decision"),
        ("decisions contains {\"action\": \"kill\", \"rule_id\": \"x\"}", "is no decision"),
        (
            "decisions contains {\"action\": \"deny\", \"rule_id\": \"x\", \"allow\": true}",
            "the opposite",
        ),
        (
            "decisions contains {\"action\": \"deny\", \"rule_id\": \"x\", \"policy_id\": \"q\"}",
            "another policy",
        ),
        ("decisions contains {\"action\": \"redact\", \"rule_id\": \"x\"}", "contradict"),
        (
            "decisions contains {\"action\": \"deny\", \"rule_id\": sprintf(\"r%v\", [x])} if some x in numbers.range(1, 200)",
            "200 members",
        ),
    ];
    for (body, wanted) in hostile {
        for (on_error, action) in [("deny", Action::Deny), ("allow", Action::Allow)] {
            let bad = file("p.rego", &format!("package sark.llm.p\n{body}\n"));
            let alone = decide(set_of(&[settings(on_error), bad.clone()]).unwrap(), REQUEST);
            assert_eq!((alone.action, &*alone.policy_id), (action, "engine"), "{body}: {alone:?}");
            assert!(alone.reason.contains(wanted), "{body}: {}", alone.reason);
            assert_eq!(alone.severity, Severity::High);
            let good = file(
                "q.rego",
                "package sark.llm.q\ndecisions contains {\"action\": \"block\", \"rule_id\": \"b\", \"reason\": \"no\"}\n",
            );
            let both = decide(set_of(&[settings(on_error), bad, good]).unwrap(), REQUEST);
            assert_eq!((both.action, &*both.policy_id), (Action::Block, "q"), "{both:?}");
            // What contradicts stands beside the error that says so.
            let rules = if wanted == "contradict" { 3 } else { 2 };
            assert_eq!(both.matched.len(), rules, "{both:?}");
        }
    }
}

/// After a policy was stopped the same worker answers as before.
#[test]
fn a_worker_goes_on_after_a_policy_was_stopped() {
    let body = "decisions contains {\"action\": \"alert\", \"rule_id\": \"slow\"} if { input.model == \"slow\"; count([x | some x in numbers.range(1, 90000); some y in numbers.range(1, 9000); x * y == 7]) > 0 }\ndecisions contains {\"action\": \"alert\", \"rule_id\": \"fast\"} if input.model == \"fast\"";
    let mut worker = Worker::new(Arc::new(set(body).unwrap()), &Bounds::default()).unwrap();
    let registry = registry();
    for round in 0..20 {
        for (model, policy) in [("slow", "engine"), ("fast", "p"), ("other", "default")] {
            let json = format!(r#"{{"id": "r", "operation": "chat", "model": "{model}"}}"#);
            let input = Input::from_json(Line::Llm, &json).unwrap();
            let decision = worker.decide(&input, &registry, now());
            assert_eq!(decision.policy_id, policy, "{round} {model}: {decision:?}");
        }
    }
}

#[test]
fn the_version_is_of_what_decides() {
    let files = shipped();
    let version = |files: &[SetFile]| set_of(files).unwrap().version().clone();
    let before = version(&files);
    let mut reversed = files.clone();
    reversed.reverse();
    assert_eq!(version(&reversed), before);
    let of = |name: &str, text: &str| {
        let mut changed = files.clone();
        let file = changed.iter_mut().find(|file| file.path == name).unwrap();
        file.octets.extend_from_slice(text.as_bytes());
        version(&changed)
    };
    assert_eq!(of("data_test.rego", "\n# more\n"), before);
    assert_ne!(of("data.yaml", "\n# more\n"), before);
    assert_ne!(of("set.yaml", "\n# more\n"), before);
    assert_ne!(of("lib/names.rego", "\n# more\n"), before);
}

/// Ways to read of the input whether it is `host: a`, each as files beside the policy `p`.
const READERS: [(&str, &[&str]); 17] = [
    ("input.host == \"a\"", &[]),
    ("input[\"ho\\u0073t\"] == \"a\"", &[]),
    ("some key in [\"agent\", \"host\"]; input[key] == \"a\"", &[]),
    ("some value in input; value == \"a\"", &[]),
    ("all := input; all.host == \"a\"", &[]),
    ("object.get(input, \"host\", \"b\") == \"a\"", &[]),
    ("object.get(input, [\"host\"], \"b\") == \"a\"", &[]),
    ("\"a\" in {value | value := input.host}", &[]),
    ("[value | some value in [input.host]][0] == \"a\"", &[]),
    ("every value in [input.host] { value == \"a\" }", &[]),
    (
        "given == \"a\"\n}\n\ngiven := \"a\" if {\n\tinput.host != \"b\"\n} else := \"c\" if {\n\ttrue",
        &[],
    ),
    ("data.sark.lib.f.same(input)", &["package sark.lib.f\nsame(all) if all.host == \"a\""]),
    (
        "data.sark.lib.f.same",
        &["package sark.lib.f\nimport input.host as named\nsame if named == \"a\""],
    ),
    // A function of its own, under the name of a built-in one.
    (
        "object.get(input, \"user\", \"\") == \"a\"",
        &[
            "package sark.llm.p\nimport data.sark.lib.object",
            "package sark.lib.object\nget(all, name, other) := all.host",
        ],
    ),
    (
        "data.sark.lib.f.same",
        &[
            "package sark.lib.f\nsame if object.get(input, \"user\", \"\") == \"a\"",
            "package sark.lib.f.object\nget(all, name, other) := all.host",
        ],
    ),
    // By a name that goes on below its package.
    (
        "data.sark.lib.f.same(\"a\")",
        &[
            "package sark.lib.f\nsame(name) if g.equal(name)",
            "package sark.lib.f.g\nequal(name) if input.host == name",
        ],
    ),
    (
        "data.sark.lib.f.same(\"a\")",
        &[
            "package sark.lib.f\nimport data.sark.lib.g\nsame(name) if g.deep.equal(name)",
            "package sark.lib.g.deep\nequal(name) if input.host == name",
        ],
    ),
];

/// In both orders, twice: by one that remembers, and by one that asks anew.
fn compare(files: &[SetFile], inputs: [&str; 2]) -> [Decision; 2] {
    let set = Arc::new(set_of(files).unwrap());
    let worker = || Worker::new(Arc::clone(&set), &Bounds::default()).unwrap();
    let [one, two] = inputs.map(|json| Input::from_json(Line::Llm, json).unwrap());
    let anew = [&one, &two].map(|it| worker().forgetful().decide(it, &registry(), now()));
    for order in [[0, 1, 0, 1], [1, 0, 1, 0]] {
        let mut remembers = worker();
        for n in order {
            let said = remembers.decide([&one, &two][n], &registry(), now());
            assert_eq!(
                said,
                anew[n],
                "{n} of {order:?}: {}",
                String::from_utf8_lossy(&files[1].octets)
            );
        }
    }
    anew
}

#[test]
fn what_is_remembered_is_what_would_be_said() {
    let policy = |condition: &str| {
        format!(
            "package sark.llm.p\n\ndecisions contains {{\"action\": \"deny\", \"rule_id\": \"r\"}} if is_a\n\n\
             is_a if {{\n\t{condition}\n}}\n"
        )
    };
    let a = r#"{"id": "r1", "operation": "chat", "user": "ada", "host": "a"}"#;
    let b = r#"{"id": "r2", "operation": "chat", "user": "ada", "host": "b"}"#;
    for (condition, more) in READERS {
        // An import of the policy's own file comes first in it.
        let (own, beside): (Vec<&str>, Vec<&str>) =
            more.iter().partition(|text| text.starts_with("package sark.llm.p\n"));
        let text = own.iter().fold(policy(condition), |text, own| {
            text.replacen("package sark.llm.p\n", &format!("{own}\n"), 1)
        });
        let mut files = vec![settings("deny"), file("p.rego", &text)];
        let named = beside.iter().enumerate();
        files.extend(named.map(|(n, text)| file(&format!("{n}.rego"), text)));
        let [a, b] = compare(&files, [a, b]);
        assert_eq!((a.action, b.action), (Action::Deny, Action::Audit), "{condition}");
    }
    // Whether an object is there is part of what is asked of its member.
    let unpriced = "object.get(input.spend, \"request_microusd\", 0) == 0";
    let files = [settings("deny"), file("p.rego", &policy(unpriced))];
    let priced = r#"{"id": "r3", "operation": "chat",
        "spend": {"day_microusd": 1, "month_microusd": 1}}"#;
    let [priced, without] = compare(&files, [priced, a]);
    assert_eq!((priced.action, without.action), (Action::Deny, Action::Audit));
}
