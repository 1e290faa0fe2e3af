//! Policies that mean harm: refused when they are loaded, or stopped within their limits; and the same
//! worker answers what comes after.

#![expect(clippy::unwrap_used, reason = "tests, helpers included")]

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sark_core::decision::Action;
use sark_policy::decision::{Bounds, DecisionSet, Input, Limits, Line, SetFile, Worker};
use sark_registry::{Snapshot, seed};

/// Nothing a test does takes longer on any machine; what is measured is that it ends at all.
const BOUNDS: Bounds = Bounds { instructions: 50_000, time: Duration::from_millis(20) };

fn file(path: &str, text: &str) -> SetFile {
    SetFile { path: path.to_owned(), octets: text.as_bytes().to_vec() }
}

fn settings(on_error: &str) -> SetFile {
    let lines = |value: &str| Line::ALL.map(|line| format!("    {line}: {value}\n")).concat();
    let (defaults, on_error) = (lines("{ action: audit }"), lines(on_error));
    let head = "apiVersion: sark/v1\nkind: DecisionSet\nmetadata: { name: test }\nspec:\n";
    file("set.yaml", &format!("{head}  defaults:\n{defaults}  onError:\n{on_error}"))
}

fn load(files: &[SetFile]) -> Result<DecisionSet, String> {
    let set = DecisionSet::load(files, None, &Limits::default());
    set.map_err(|mistakes| mistakes.iter().map(|mistake| format!("{mistake}\n")).collect())
}

/// A policy that does `harm` if the model is `harm`, beside one that blocks the model `bad`.
fn with_harm(harm: &str, more: &str, on_error: &str) -> Vec<SetFile> {
    let bad = format!(
        "package sark.llm.hostile\n\ndecisions contains {{\"action\": \"alert\", \"rule_id\": \"x\"}} if {{\n\tinput.model == \"harm\"\n{harm}\n}}\n\n{more}\n"
    );
    let good = "package sark.llm.good\n\ndecisions contains {\"action\": \"block\", \"rule_id\": \"b\", \"reason\": \"no\"} if input.model == \"bad\"\n";
    vec![settings(on_error), file("hostile.rego", &bad), file("good.rego", good)]
}

fn request(model: &str) -> Input {
    let json = format!(r#"{{"id": "r", "operation": "chat", "model": "{model}"}}"#);
    Input::from_json(Line::Llm, &json).unwrap()
}

fn now() -> Timestamp {
    "2026-11-28T13:32:00Z".parse().unwrap()
}

/// Asks for harm and for what comes after, on one worker, with errors closed and open.
#[track_caller]
fn is_stopped(harm: &str, more: &str, says: &[&str]) {
    let registry = Snapshot::build(seed());
    for (on_error, action) in [("deny", Action::Deny), ("allow", Action::Allow)] {
        let set = load(&with_harm(harm, more, on_error)).unwrap();
        let mut worker = Worker::new(Arc::new(set), &BOUNDS).unwrap();
        for round in 0..3 {
            let harmed = worker.decide(&request("harm"), &registry, now());
            assert_eq!((harmed.action, &*harmed.policy_id), (action, "engine"), "{harmed:?}");
            assert!(says.iter().any(|says| harmed.reason.contains(says)), "{}", harmed.reason);
            let blocked = worker.decide(&request("bad"), &registry, now());
            assert_eq!((blocked.action, &*blocked.policy_id), (Action::Block, "good"), "{round}");
            let other = worker.decide(&request("other"), &registry, now());
            assert_eq!((other.action, &*other.policy_id), (Action::Audit, "default"), "{round}");
        }
    }
}

#[track_caller]
fn is_refused(harm: &str, more: &str, says: &str) {
    let error = load(&with_harm(harm, more, "deny")).unwrap_err();
    assert!(error.contains(says), "{harm:.200}{more:.200}: {error:.500}");
}

/// `x1` to `x40`, each twice the one before.
fn doubled(first: &str, twice: impl Fn(usize) -> String) -> String {
    let steps = (1..=40).map(|step| format!("\n\tx{step} := {}", twice(step - 1)));
    format!("\tx0 := {first}{}\n\tcount([x40]) > 0", steps.collect::<String>())
}

#[test]
fn what_grows_with_each_step_is_stopped() {
    let limits = ["longer than", "instructions"];
    let text = doubled("sprintf(\"%v\", [input])", |x| format!("concat(\"\", [x{x}, x{x}])"));
    is_stopped(&text, "", &limits);
    let list = doubled("[input]", |x| format!("array.concat(x{x}, x{x})"));
    is_stopped(&list, "", &limits);
}

#[test]
fn comprehensions_and_ranges_are_stopped() {
    let says = ["longer than", "instructions"];
    is_stopped(
        "\tcount({[x, y] | some x in numbers.range(1, 9000); some y in numbers.range(1, 9000)}) > 0",
        "",
        &says,
    );
    is_stopped("\tcount({x: y | some x in numbers.range(1, 100000); y := x * x}) > 0", "", &says);
    is_stopped("\tevery x in numbers.range(1, 1000000) { x > 0 }", "", &says);
    is_stopped(
        "\tf(1) > 0",
        "f(x) := count([1 | some y in numbers.range(1, 100000); y + x > 0])",
        &says,
    );
}

#[test]
fn one_call_that_asks_for_all_memory_is_refused() {
    for (harm, says) in [
        ("\tnumbers.range(1, 9000000000000) != []", "has no end that is known"),
        ("\tnumbers.range(input.a, input.b) != []", "has no end that is known"),
        ("\tnumbers.range_step(1, 10, 0) != []", "cannot be called"),
        ("\tbits.lsh(1, 4294967295) > 0", "cannot be called"),
        ("\tsprintf(\"%9999999999d\", [1]) != \"\"", "pads to more than"),
        ("\tsprintf(\"%099999d\", [1]) != \"\"", "pads to more than"),
        ("\tsprintf(\"%½d\", [1]) != \"\"", "pads to more than"),
        ("\tsprintf(input.model, [1]) != \"\"", "is not written out"),
    ] {
        is_refused(harm, "", says);
    }
    let fine =
        "\tsprintf(\"%3d %v %% %.2f %s\", [1, 2, 3, \"x\"]) != \"\"\n\tnumbers.range(1, 10) != []";
    load(&with_harm(fine, "", "deny")).unwrap();
}

#[test]
fn patterns_neither_blow_up_nor_grow() {
    is_stopped("\tregex.match(\"((a{1000}){1000}){10}\", \"a\")", "", &["a pattern is too large"]);
    // Backtracking engines take for ever; this one reads the text once.
    let harm = "\tregex.match(\"^(([a-z])+.)+[A-Z]([a-z])+$\", concat(\"\", [\"a\" | some x in numbers.range(1, 5000); x > 0]))";
    let set = load(&with_harm(harm, "", "deny")).unwrap();
    let bounds = Bounds { time: Duration::from_secs(60), instructions: 1_000_000 };
    let mut worker = Worker::new(Arc::new(set), &bounds).unwrap();
    let registry = Snapshot::build(seed());
    let decision = worker.decide(&request("harm"), &registry, now());
    assert_eq!(&*decision.policy_id, "default", "{decision:?}");
}

#[test]
fn recursion_is_refused_with_the_way_round() {
    is_refused("\tf(1)", "f(x) := g(x)\ng(x) := h(x)\nh(x) := f(x)", "→ sark.llm.hostile.g → ");
    is_refused("\ta", "a if b\nb if a", "sark.llm.hostile.a → sark.llm.hostile.b");
    is_refused("\tdata.sark.llm[_].decisions", "", "depends on itself");
    is_refused("\tdata.sark.llm.hostile.decisions", "", "depends on itself");
    is_refused("\tdata[input.model]", "", "depends on itself");
}

#[test]
fn what_is_nested_or_long_is_refused_or_read_and_never_hangs() {
    let nested = |open: &str, close: &str, depth: usize| {
        format!("\tx := {}1{}", open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in [("[", "]"), ("{", "}"), ("(", ")"), ("{1: ", "}"), ("[x | x := ", "]")] {
        is_refused(&nested(open, close, 10_000), "", "brackets in brackets");
    }
    is_refused(&"\t[[[[[[[[[[1]]]]]]]]]]\n".repeat(3_000), "", "brackets in brackets");
    for step in ["\n\t+ 1", "\n\t# c\n\t+\n\t1", "+ 1", ".a", "[\n1\n]", " in\nx", " in \"\n\""] {
        let chain = format!("\tx := a{}", step.repeat(5_000));
        is_refused(&chain, "", "an expression is too long");
    }
    // Twenty thousand rules are many and not deep.
    let rules: String = (0..20_000).map(|n| format!("r{n} := 1\n")).collect();
    let _ = load(&with_harm("", &rules, "deny"));
    let unclosed = format!("\tx := \"{}", "a".repeat(100_000));
    assert!(load(&with_harm(&unclosed, "", "deny")).is_err());
}

#[test]
fn data_and_input_have_their_depth_and_size() {
    let deep = |depth: usize| format!("{{\"a\": {}1{}}}", "[".repeat(depth), "]".repeat(depth));
    let with = |data: &str| {
        let mut files = with_harm("\tdata.a", "", "deny");
        files.push(file("data.json", data));
        load(&files)
    };
    let registry = Snapshot::build(seed());
    for (data, error) in [(deep(100), None), (deep(100_000), Some("recursion"))] {
        match (with(&data), error) {
            (Ok(set), None) => {
                let mut worker = Worker::new(Arc::new(set), &BOUNDS).unwrap();
                let decision = worker.decide(&request("bad"), &registry, now());
                assert_eq!(decision.action, Action::Block);
            }
            (Err(why), Some(says)) => assert!(why.contains(says), "{why:.300}"),
            (result, _) => panic!("{result:?}"),
        }
    }
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(100 << 20));
    assert!(with(&large).unwrap_err().contains("are more than"));
    for json in [deep(100_000), format!("{{\"id\": {}", "[".repeat(1_000_000))] {
        for line in Line::ALL {
            assert!(Input::from_json(line, &json).is_err());
        }
    }
}
