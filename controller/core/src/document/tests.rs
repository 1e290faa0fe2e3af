//! What people write, and what they are told.

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    name: Spanned<String>,
    #[serde(default)]
    ports: Vec<Spanned<u16>>,
    #[serde(default)]
    source_ports: Vec<u16>,
    #[serde(default)]
    on: Option<bool>,
    #[serde(default)]
    action: Option<Action>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    inner: Option<Inner>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Action {
    Drop,
    Accept,
    Redirect { to: String },
    Mark(u8),
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Inner {
    a: u32,
    b: i8,
}

fn good(text: &str) -> Vec<Document<Rule>> {
    parse("a.yaml", text).unwrap_or_else(|mistake| panic!("{mistake}"))
}

fn bad(text: &str) -> String {
    let mistakes = parse_all::<Rule>("a.yaml", text).mistakes;
    assert!(!mistakes.is_empty(), "no mistake found in:\n{text}");
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn values_know_their_places() {
    let documents = good("# head\n\nname: x\nports: [1,\n  22]\n---\n# second\nname: y\n");
    assert_eq!(documents.len(), 2);
    assert_eq!((documents[0].line, documents[1].line), (3, 8));
    let rule = &documents[0].value;
    assert_eq!((rule.name.line, rule.name.column), (3, 7));
    assert_eq!(rule.ports[1], Spanned { value: 22, line: 5, column: 3 });
    assert_eq!(documents[1].value.name.line, 8);
}

#[test]
fn empty_documents_are_no_documents() {
    assert!(good("").is_empty());
    assert!(good("# only a comment\n---\n---\n").is_empty());
}

#[test]
fn the_type_decides_what_a_scalar_is() {
    for word in [
        "no", "on", "yes", "NO", "off", "y", "010", "0o10", "0x1F", "08:00", "1.10", "1e3",
        "1_000", "true", "12", "-0", ".nan",
    ] {
        let documents = good(&format!("name: {word}\nlabels: {{ {word}: {word} }}\n"));
        let rule = &documents[0].value;
        assert_eq!(rule.name.value, word);
        assert_eq!(rule.labels.get(word).map(String::as_str), Some(word), "{rule:?}");
    }
    for (word, value) in [("true", true), ("false", false)] {
        assert_eq!(good(&format!("name: x\non: {word}\n"))[0].value.on, Some(value));
    }
    for word in ["yes", "on", "no", "True", "1", "\"true\""] {
        assert!(
            bad(&format!("name: x\non: {word}\n")).contains("expected `true` or `false`"),
            "{word}"
        );
    }
    for word in
        ["010", "0x10", "1_0", "1e1", "+1", "08:00", "65536", "-1", "1.0", "\"10\"", "~", "[]"]
    {
        assert!(
            bad(&format!("name: x\nports: [{word}]\n")).contains("a whole number from 0 to 65535"),
            "{word}"
        );
    }
}

#[test]
fn actions_are_words_or_mappings() {
    let action = |text: &str| good(&format!("name: x\naction: {text}\n")).remove(0).value.action;
    assert_eq!(action("drop"), Some(Action::Drop));
    assert_eq!(action("{ drop: {} }"), Some(Action::Drop));
    assert_eq!(action("{ redirect: { to: here } }"), Some(Action::Redirect { to: "here".into() }));
    assert_eq!(action("{ mark: 46 }"), Some(Action::Mark(46)));
    assert_eq!(action("~"), None);
}

#[test]
fn aliases_and_merges_keep_the_place_of_use() {
    let text = "name: x\nlabels: &l { a: b }\n---\nname: &n y\nlabels: { c: *n }\n";
    assert_eq!(good(text)[1].value.labels["c"], "y");
    let text = "labels: &base { a: b, c: d }\nname: x\n";
    assert_eq!(good(text)[0].value.labels.len(), 2);
}

#[test]
fn messages() {
    let mut shown = String::new();
    for text in [
        "name: x\nprots: [443]\n",
        "name: x\nsource_ports: [443]\n",
        "name: x\nzzz: 1\n",
        "ports: [443]\n",
        "name: x\nname: y\n",
        "name: x\nports: 443\n",
        "name: x\nports: [443, http, 70000, 1.5]\nprots: 1\non: maybe\n",
        "name: [x]\nports: {}\n",
        "name:\n",
        "name: x\naction: dorp\n",
        "name: x\naction: { redirct: { to: y } }\n",
        "name: x\naction: { redirect: { ot: y } }\n",
        "name: x\naction: redirect\n",
        "name: x\naction: { drop: {}, accept: {} }\n",
        "name: x\naction: { mark: 300 }\n",
        "name: x\ninner: { a: 1 }\n",
        "name: x\ninner:\n  a: x\n  b: y\n  c: z\n",
        "name: x\n\tports: [1]\n",
        "name: x: y\n",
        "name: \"x\n",
        "name: x\nports: [1\n",
        "- name: x\n",
        "just text\n",
        "name: !secret x\n",
        "name: *nowhere\n",
        "name: x\nlabels: { a: \"\u{202e}evil\u{1b}[31m\", b: [] }\n",
        "name: x\nfoo: 1\n---\nname: y\nbar: 1\n---\nname: z\n",
    ] {
        let _ = write!(shown, "{}\n{}\n\n", text.trim_end().escape_debug(), bad(text));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn documents_without_mistakes_are_read_beside_others() {
    let parsed = parse_all::<Rule>("a.yaml", "name: x\nfoo: 1\n---\nname: y\n");
    let whole: Vec<_> = parsed
        .documents
        .iter()
        .map(|read| (read.document.value.name.as_str(), read.whole))
        .collect();
    assert_eq!(whole, [("x", false), ("y", true)]);
    assert_eq!(parsed.mistakes.len(), 1);
}

/// What the hostile must not reach: seconds, memory, the stack.
fn refused(text: &str) -> String {
    let before = std::time::Instant::now();
    let message = bad(text);
    assert!(before.elapsed() < std::time::Duration::from_secs(10), "slow: {message}");
    assert!(message.len() < 50_000);
    message.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn hostile_documents() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..=9 {
        let row = vec![format!("*a{}", level - 1); 9].join(",");
        let _ = writeln!(bomb, "a{level}: &a{level} [{row}]");
    }
    let flat = format!("a: &a {{}}\nb: [{}]\n", vec!["*a"; 5000].join(","));
    let anchors: String = (0..1000).map(|n| format!("- &a{n} x\n")).collect();
    let cases = [
        ("bomb", bomb),
        ("many aliases", flat),
        ("many anchors", anchors),
        ("cycle", "name: &a [*a]\n".to_owned()),
        ("merge cycle", "name: &a { <<: *a }\n".to_owned()),
        ("deep list", "[".repeat(200_000)),
        ("deep mapping", "{a: ".repeat(200_000)),
        ("deep block", (0..1000).map(|n| format!("{}a:\n", " ".repeat(n))).collect()),
        ("deep dashes", "- ".repeat(100_000)),
        ("100 MB", "a".repeat(100_000_000)),
        ("many documents", "---\na: 1\n".repeat(60_000)),
        ("many values", format!("[{}]", "1,".repeat(500_000))),
        ("many keys", (0..100_000).map(|n| format!("k{n}: 1\n")).collect()),
        ("long key", format!("{}: 1\n", "k".repeat(1_000_000))),
        ("NUL", "name: \0\n".to_owned()),
        ("not UTF-8 once", "name: \u{fffd}\nx: 1\n".to_owned()),
    ];
    let shown: Vec<_> =
        cases.iter().map(|(name, text)| format!("{name}: {}", refused(text))).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn nearest_is_near() {
    let known = ["ports", "sourcePorts", "protocol", "openai", "anthropic"];
    for (word, near) in [
        ("prots", Some("ports")),
        ("port", Some("ports")),
        ("source-ports", Some("sourcePorts")),
        ("SOURCE_PORT", Some("sourcePorts")),
        ("open-ai", Some("openai")),
        ("antropic", Some("anthropic")),
        ("zebra", None),
        ("", None),
        ("x", None),
    ] {
        assert_eq!(nearest(word, known), near, "{word}");
    }
    assert_eq!(nearest(&"p".repeat(10_000), known), None);
}

#[test]
fn spanned_reads_other_formats_too() {
    let value: Spanned<u16> = serde_json::from_str("443").unwrap();
    assert_eq!((value.value, value.line), (443, 0));
}

#[test]
fn json_is_yaml() {
    let rule =
        &good(r#"{"name": "x", "ports": [1], "action": {"redirect": {"to": "y"}}}"#)[0].value;
    assert_eq!(rule.ports[0].column, 25);
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC*") {
        let _ = parse_all::<Rule>("a", &text);
    }

    #[test]
    fn never_panics_on_yaml_like_text(parts in proptest::collection::vec(
        prop_oneof!["[a-z&*!|>%@`]{1,3}", Just("name".into()), Just(": ".into()), Just("\n".into()), Just("\n  ".into()),
            Just("- ".into()), Just("{".into()), Just("}".into()), Just("[".into()), Just("]".into()), Just(", ".into()),
            Just("'".into()), Just("\"".into()), Just("---\n".into()), Just("ports".into()), Just("&a ".into()),
            Just("*a".into()), Just("<<: ".into()), Just("# ".into()), Just("action".into()), Just("drop".into()),
            Just("\t".into()), Just("\r".into()), Just("\u{85}".into()), Just("? ".into())], 0..40)) {
        let text: String = parts.concat();
        for mistake in parse_all::<Rule>("a", &text).mistakes {
            let _ = mistake.to_string();
        }
    }
}
