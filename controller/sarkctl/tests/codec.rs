//! `flowspec encode` and `flowspec decode`.

use std::io::Read as _;
use std::process::Stdio;

use crate::support::sarkctl;

const TEXT: &str = "dst 203.0.113.88/32 proto =6 dport =443";
const HEX: &str = "0d0120cb007158038106059101bb";

#[test]
fn one_rule() {
    sarkctl(["flowspec", "encode", TEXT]).golden("encode");
    sarkctl(["flowspec", "decode", HEX]).golden("decode");
    sarkctl(["flowspec", "decode", HEX, "-o", "json"]).golden("decode-json");
    sarkctl(["flowspec", "decode", HEX, "-o", "yaml"]).golden("decode-yaml");
    sarkctl(["flowspec", "encode", "--afi", "ipv6", "dst 2001:db8::9/128"]).golden("encode-ipv6");
}

#[test]
fn canonical_is_asked_for() {
    let text = "dst 192.0.2.0/24 dport =443|=80";
    let (plain, canonical) = (
        sarkctl(["flowspec", "encode", text]).run().stdout,
        sarkctl(["flowspec", "encode", "--canonical", text]).run().stdout,
    );
    assert_ne!(plain, canonical);
    let sorted = sarkctl(["flowspec", "encode", "dst 192.0.2.0/24 dport =80|=443"]).run().stdout;
    assert_eq!(canonical, sorted);
}

#[test]
fn one_wrong_rule() {
    sarkctl(["flowspec", "encode", "dst 192.0.2.0/24 dport >=80&<=x"]).golden("encode-wrong");
    sarkctl(["flowspec", "encode", "dst 2001:db8::9/128"]).golden("encode-wrong-family");
    sarkctl(["flowspec", "decode", "0d0120"]).golden("decode-short");
    sarkctl(["flowspec", "decode", "0d0"]).golden("decode-odd");
}

#[test]
fn a_stream_goes_on_after_a_wrong_line() {
    let lines = format!("# rules\n{HEX}\n\n0dzz\n  0d 0120cb007158 038106 059101bb\r\n00\n{HEX}");
    sarkctl(["flowspec", "decode"]).stdin(lines.clone()).golden("decode-stream");
    sarkctl(["flowspec", "decode", "-", "-o", "json"])
        .stdin(lines.clone())
        .golden("decode-stream-json");
    sarkctl(["flowspec", "decode", "-o", "yaml"]).stdin(lines).golden("decode-stream-yaml");
    sarkctl(["flowspec", "encode"])
        .stdin(format!("{TEXT}\nnonsense\n\u{fffd}"))
        .golden("encode-stream");
}

#[test]
fn octets_that_are_no_text_and_endless_lines_are_wrong_lines() {
    let mut input = b"\xff\xfe\n".to_vec();
    input.resize(input.len() + 1_000_000, b'0');
    input.extend(format!("\n{HEX}\n").as_bytes());
    let run = sarkctl(["flowspec", "decode"]).stdin(input).run();
    assert_eq!(run.code, 2);
    assert_eq!(run.stdout, format!("{TEXT}\n"));
    assert!(run.stderr.contains("line 1: it is not UTF-8 text"), "{}", run.stderr);
    assert!(run.stderr.contains("line 2: it is longer than"), "{}", run.stderr);
}

#[test]
fn an_empty_stream_is_no_error() {
    let run = sarkctl(["flowspec", "decode"]).run();
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = sarkctl(["flowspec", "decode"])
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let lines = format!("{HEX}\n").repeat(10_000);
    // It stops reading when nobody reads what it writes.
    let _ = std::io::Write::write_all(&mut stdin, lines.as_bytes());
    drop(stdin);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}
