//! What comes out is read by the tools it is for.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

use std::process::Command;

use sark_export::{Exported, Form, Selection, export};
use sark_registry::{Snapshot, seed};

fn all(form: Form, shared: bool) -> Exported {
    let mut endpoints = seed();
    // What a feed might say.
    endpoints.iter_mut().for_each(|e| e.title = "=x\"\n;}\t0.0.0.0 evil.example\n".into());
    let now = "2026-11-24T00:00:00Z".parse().unwrap();
    let selection = Selection { shared, ..Selection::default() };
    export(&Snapshot::build(endpoints), form, &selection, now)
}

/// Runs a checker on the document; `package` is what brings it.
fn check(package: &str, program: &str, before: &[&str], text: &str) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("export");
    std::fs::write(&file, text).unwrap();
    let run = Command::new(program).args(before).arg(&file).output();
    let output = run.unwrap_or_else(|e| panic!("{program}: {e}; apt-get install {package}"));
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn nft_takes_the_sets() {
    let exported = all(Form::Nftables, true);
    assert!(exported.text.contains("set anthropic_api_v6 {"), "{}", exported.text);
    assert!(!exported.text.contains("egress"));
    check("nftables", "nft", &["-c", "-f"], &exported.text);
}

#[test]
fn the_zone_is_one() {
    let exported = all(Form::Rpz, false);
    assert!(exported.text.contains("\n*.openai.azure.com CNAME .\n"));
    assert!(exported.notes[0].contains("wildcard"), "{:?}", exported.notes);
    check("bind9-utils", "named-checkzone", &["rpz.sark.invalid"], &exported.text);
}

#[test]
fn shared_addresses_are_left_out_unless_asked_for() {
    let (few, many) = (all(Form::Nftables, false), all(Form::Nftables, true));
    assert!(few.text.len() < many.text.len());
    assert!(few.notes[0].contains("other sites"), "{:?}", few.notes);
    assert!(many.notes.is_empty());
}

#[test]
fn no_title_gets_into_forms_without_quotes() {
    for form in [Form::Nftables, Form::Rpz, Form::Hosts, Form::Zeek] {
        assert!(!all(form, true).text.contains("evil.example"), "{form:?}");
    }
    assert!(all(Form::Csv, true).text.contains(",\"'=x\"\"\n;}"));
    serde_json::from_str::<serde_json::Value>(&all(Form::Json, true).text).unwrap();
}
