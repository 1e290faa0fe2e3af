//! What comes out is read by the tools it is for.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

mod support;

use std::process::Command;

use sark_export::{Form, Selection, export};
use sark_feed_formats::{ParseLimits, Part, parse};
use sark_registry::feed::{Content, Format, Subject};
use sark_registry::{Endpoint, Snapshot};
use support::{all, needed, now, scene, shipped, spared};

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
    for snapshot in [shipped(), scene()] {
        check("nftables", "nft", &["-c", "-f"], &all(&snapshot, Form::Nftables, true).text);
    }
    // Endpoints without addresses are empty sets.
    check("nftables", "nft", &["-c", "-f"], &all(&scene(), Form::Nftables, false).text);
    let exported = all(&shipped(), Form::Nftables, true);
    assert!(exported.text.contains("set anthropic_api_v6 {"), "{}", exported.text);
    assert!(!exported.text.contains("egress"));
}

#[test]
fn the_zone_is_one() {
    let exported = all(&shipped(), Form::Rpz, false);
    assert!(exported.text.contains("\n*.openai.azure.com CNAME .\n"));
    assert!(exported.notes[0].contains("wildcard"), "{:?}", exported.notes);
    check("bind9-utils", "named-checkzone", &["rpz.sark.invalid"], &exported.text);
    let exported = export(&scene(), Form::Rpz, &Selection::default(), &spared(), now());
    assert!(exported.text.contains(" rpz-passthru.\n"), "{}", exported.text);
    check("bind9-utils", "named-checkzone", &["rpz.sark.invalid"], &exported.text);
}

#[test]
fn no_title_gets_into_forms_without_quotes() {
    for form in [Form::Nftables, Form::Rpz, Form::Hosts, Form::Zeek, Form::Suricata] {
        assert!(!all(&shipped(), form, true).text.contains("evil.example"), "{form}");
    }
    assert!(all(&shipped(), Form::Csv, true).text.contains(",\"'=x\"\"\n;}"));
    for form in [Form::Json, Form::Stix] {
        serde_json::from_str::<serde_json::Value>(&all(&shipped(), form, true).text).unwrap();
    }
}

/// The validator of those who write the specification. It would rather have random ids (103) and
/// hashes of the pages that are referred to (302).
#[test]
fn the_bundle_is_stix() {
    let program = "from stix2validator.scripts.stix2_validator import main; main()";
    let directory = tempfile::tempdir().unwrap();
    for (name, snapshot) in [("shipped.json", shipped()), ("scene.json", scene())] {
        std::fs::write(directory.path().join(name), all(&snapshot, Form::Stix, true).text).unwrap();
    }
    let output = Command::new("python3")
        .args(["-c", program, "--version", "2.1", "--strict", "--disable", "103,302"])
        .args(["shipped.json", "scene.json"])
        .current_dir(directory.path())
        .env("PYTHONPATH", needed("SARK_STIX_VALIDATOR"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.matches("STIX JSON: Valid").count(), 2, "{text}");
}

/// Our own reader of feeds gets back what went out, but for wildcards in the middle of a name, which
/// take a regular expression.
#[test]
fn the_bundle_comes_back_as_a_feed() {
    for snapshot in [shipped(), scene()] {
        let text = all(&snapshot, Form::Stix, true).text;
        let part = Part { name: "bundle", octets: text.as_bytes() };
        let limits = ParseLimits { most_entries: 100_000 };
        let parsed = parse(&Format::Stix, &[part], &limits, now()).unwrap();
        let Content::Entries(entries) = parsed.content else { panic!("{:?}", parsed.content) };
        let (gone, mut stayed): (Vec<_>, Vec<_>) =
            subjects(&snapshot).into_iter().partition(|subject| {
                let text = subject.to_string();
                let rest = text.strip_prefix("*.").unwrap_or(&text);
                rest.contains('*') || (text.contains('*') && text.contains('_'))
            });
        let mut found: Vec<_> = entries.iter().map(|entry| entry.subject.clone()).collect();
        for list in [&mut found, &mut stayed] {
            list.sort();
            list.dedup();
        }
        assert_eq!(found, stayed);
        assert!(!gone.is_empty());
        assert_eq!(parsed.skipped_count, gone.len() as u64, "{:?}", parsed.skipped);
        for label in ["kind:", "sharedness:", "endpoint:"] {
            let has = |entry: &sark_registry::feed::Entry| {
                entry.labels.iter().any(|l| l.key == "tag" && l.value.starts_with(label))
            };
            assert!(entries.iter().all(has), "{label}");
        }
    }
}

fn subjects(snapshot: &Snapshot) -> Vec<Subject> {
    let of = |e: &Endpoint| {
        let names = e.names.iter().cloned().map(Subject::Name);
        let nets = e.prefixes.iter().copied().map(Subject::Prefix);
        let learned = e.learned.iter().map(|l| Subject::Prefix(l.address.into()));
        names.chain(nets).chain(learned).collect::<Vec<_>>()
    };
    let usable = snapshot.endpoints().iter().filter(|e| e.is_usable(now()) && e.is_destination());
    usable.flat_map(of).collect()
}
