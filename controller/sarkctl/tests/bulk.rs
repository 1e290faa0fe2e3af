//! `registry lookup --brief`: questions by the million.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use crate::support::sarkctl;
use crate::support::server::Answers;
use serde_json::{Value, json};

const OFFLINE: [&str; 6] =
    ["registry", "lookup", "--brief", "--offline", "--registry", "overlay.yaml"];
const ONLINE: [&str; 5] = ["registry", "lookup", "--brief", "--socket", "sarkd.sock"];
const ROUTE: &str = "POST /v1/registry/lookup-lines";

/// Some of each kind: known, unknown, no question, no text.
fn mixed() -> Vec<u8> {
    let mut text = b"# questions of a day\n192.0.2.7\n\n203.0.113.1\r\nopenai/api\n".to_vec();
    text.extend(b"  FR.EU.models.example\n192.0.2.7/24\n\x1b[2J\xff\n");
    text.extend([b'x'; 2000]);
    text.extend(b"\nlocalhost\n192.0.2.0/24");
    text
}

#[test]
fn each_question_has_a_line() {
    let run = sarkctl(OFFLINE).stdin(mixed()).golden("lookup-brief");
    assert_eq!((run.code, run.stdout.lines().count()), (2, 9));
    let run = sarkctl(OFFLINE).stdin("192.0.2.7\nno.example\n").run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    // Arguments are questions too, before and after those of standard input.
    let run = sarkctl(OFFLINE).with(&["no.example", "-", "a\nb"]).stdin("192.0.2.7\n").run();
    let first: Vec<&str> = run.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!((run.code, first), (2, vec!["no.example", "192.0.2.7", "a\u{fffd}b"]));
    assert_eq!(run.stderr, "error: argument 3: it is more than one line\n");
}

#[test]
fn json_has_an_object_a_line_and_yaml_one_list() {
    let run = sarkctl(OFFLINE).with(&["-o", "json"]).stdin(mixed()).run();
    let lines: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((run.code, lines.len()), (2, 9));
    let known = json!({
        "query": "192.0.2.7", "endpoint": "example/api", "matched": "192.0.2.0/28", "kind": "api",
        "role": "ingress", "sharedness": "dedicated", "confidence": 95,
    });
    assert_eq!(lines[0], known);
    assert_eq!(lines[1], json!({"query": "203.0.113.1"}));
    assert_eq!(
        (&lines[3]["query"], &lines[3]["matched"]),
        (&json!("FR.EU.models.example"), &json!("*.eu.models.example"))
    );
    let problems: Vec<usize> = (0..9).filter(|at| lines[*at].get("problem").is_some()).collect();
    assert_eq!(problems, [2, 4, 5, 6, 7]);
    let told: Vec<&str> = run.stderr.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    let places = [5, 7, 8, 9, 10].map(|line| format!("<stdin>:{line}:1"));
    assert_eq!(told, places);
    let run = sarkctl(OFFLINE).with(&["-o", "yaml"]).stdin("192.0.2.7\nno.example\n").run();
    let text = "- query: \"192.0.2.7\"\n  endpoint: example/api\n";
    assert!(
        run.stdout.starts_with(text) && run.stdout.ends_with("- query: no.example\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn nothing_of_many_is_lost() {
    let question = |number: usize| match number % 3 {
        0 => format!("h{number}.eu.models.example"),
        1 => format!("192.0.2.{}", number % 256),
        _ => format!("no{number}.example"),
    };
    let count = 100_000;
    let text: Vec<String> = (0..count).map(question).collect();
    let run = sarkctl(OFFLINE).with(&["-o", "json"]).stdin(text.join("\n")).run();
    assert_eq!((run.code, run.stdout.lines().count()), (0, count));
    for (number, line) in run.stdout.lines().enumerate() {
        let answer: Value = serde_json::from_str(line).unwrap();
        assert_eq!(answer["query"], text[number]);
        let known = number % 3 == 0 || (number % 3 == 1 && number % 256 < 16);
        assert_eq!(answer.get("endpoint").is_some(), known, "{line}");
    }
}

#[test]
fn an_answer_does_not_wait_for_the_next_question() {
    let mut child = sarkctl(OFFLINE)
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for question in ["192.0.2.7", "no.example", "192.0.2.8"] {
        writeln!(stdin, "{question}").unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(line.starts_with(question), "{line}");
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_has_enough_ends_it() {
    let mut child = sarkctl(OFFLINE)
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Questions without an end: it stops reading, or this would never stop writing.
    let writer = std::thread::spawn(move || while writeln!(stdin, "192.0.2.7").is_ok() {});
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("192.0.2.7 "), "{line}");
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn sarkd_is_asked_what_can_be_asked() {
    let said = [
        json!({"query": "192.0.2.7", "endpoint": "example/api", "matched": "192.0.2.0/28", "kind": "api", "later": 1}),
        json!({"query": "203.0.113.1"}),
        json!({"query": "openai/api", "problem": "is an endpoint"}),
    ];
    let said: String = said.iter().map(|line| format!("{line}\n")).collect();
    let server = Answers::default().lines(ROUTE, "sha256:0123456789abcdef", &said).serve();
    let text = b"192.0.2.7\n# no\n\xff\n203.0.113.1\nopenai/api\n";
    let run = sarkctl(ONLINE).with(&["-o", "json"]).directory(server.path()).stdin(&text[..]).run();
    let lines: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((run.code, lines.len()), (2, 4), "{}", run.stderr);
    assert_eq!(
        (&lines[0]["endpoint"], &lines[3]["problem"]),
        (&json!("example/api"), &json!("is an endpoint"))
    );
    let told =
        "error: <stdin>:3:1: the line is not UTF-8 text\nerror: <stdin>:5:1: is an endpoint\n";
    assert_eq!(run.stderr, told);
    let asked = (ROUTE.to_owned(), "192.0.2.7\n203.0.113.1\nopenai/api\n".to_owned());
    assert_eq!(server.requests(), [asked]);
    // Nothing to ask.
    let run = sarkctl(ONLINE).directory(server.path()).stdin("# none\n").run();
    assert_eq!((run.code, run.stdout.as_str(), server.requests().len()), (0, "", 1));
}

#[test]
fn answers_to_other_questions_are_none() {
    let of = |text: &str| Answers::default().lines(ROUTE, "sha256:0", text).serve();
    for (said, part) in [
        ("", "to \"a.example\": EOF"),
        ("{\"query\":\"b.example\"}\n", "it answers \"b.example\""),
        ("[1]\n", "cannot read what"),
    ] {
        let server = of(said);
        let run = sarkctl(ONLINE).directory(server.path()).stdin("a.example\n").run();
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{said}");
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
    let server = Answers::default().on(ROUTE, 200, &json!({})).serve();
    let run = sarkctl(ONLINE).directory(server.path()).stdin("a.example\n").run();
    assert!(run.code == 1 && run.stderr.contains("of which registry"), "{}", run.stderr);
}

#[test]
fn detail_is_not_for_millions() {
    let lookup = ["registry", "lookup", "--offline"];
    let run = sarkctl(lookup).stdin("a.example\n".repeat(10_001)).run();
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("--brief answers any number"), "{}", run.stderr);
}
