//! Each publisher's form, with invented content, against what is read from it.
//! `UPDATE_GOLDEN=1` rewrites the `.expected` files.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fmt::Write as _, fs, path::PathBuf};

use jiff::Timestamp;
use sark_feed_formats::{ParseError, ParseLimits, Part, parse};
use sark_registry::feed::{Columns, Content, CsvForm, Format, JsonForm, Parsed, PriceDoubt};

fn cases() -> Vec<(&'static str, Format, Vec<&'static str>)> {
    let one = |name, format, file| (name, format, vec![file]);
    vec![
        one("prefixes", Format::Prefixes, "prefixes.json"),
        one("google", Format::Google, "google.json"),
        one("aws", Format::Aws, "aws.json"),
        one("azure", Format::Azure, "azure.json"),
        one("fastly", Format::Fastly, "fastly.json"),
        one("github", Format::Github, "github.json"),
        one("onionoo", Format::Onionoo, "onionoo.json"),
        one("tor-exit-addresses", Format::TorExitAddresses, "tor-exit-addresses.txt"),
        one("mullvad", Format::Mullvad, "mullvad.json"),
        one("nordvpn-v1", Format::Nordvpn, "nordvpn-v1.json"),
        one("nordvpn-v2", Format::Nordvpn, "nordvpn-v2.json"),
        one("proton", Format::Proton, "proton.json"),
        one("pia", Format::Pia, "pia.json"),
        one("surfshark", Format::Surfshark, "surfshark.json"),
        one("ivpn", Format::Ivpn, "ivpn.json"),
        one("airvpn", Format::Airvpn, "airvpn.json"),
        one("windscribe", Format::Windscribe, "windscribe.json"),
        one("private-relay", Format::PrivateRelay, "private-relay.csv"),
        one("derp", Format::Derp, "derp.json"),
        (
            "domain-list",
            Format::DomainList { list: "category-ai".to_owned() },
            vec!["domain-list/category-ai", "domain-list/openai", "domain-list/vendor"],
        ),
        one("ripe-announced", Format::RipeAnnounced, "ripe-announced.json"),
        ("ip-to-asn", Format::IpToAsn, vec!["ip-to-asn-v6.tsv", "ip-to-asn-v4.tsv"]),
        one("public-suffixes", Format::PublicSuffixes, "public-suffixes.txt"),
        one("price-list", Format::PriceList(PriceDoubt::default()), "price-list.json"),
        one("text", Format::Text, "text.txt"),
        one("csv", csv(), "csv.csv"),
        one("json", json(), "json.json"),
        one("misp", Format::Misp, "misp.json"),
        one("stix", Format::Stix, "stix.json"),
        one("taxii", Format::Stix, "taxii.json"),
    ]
}

fn csv() -> Format {
    let columns = Columns { subject: "indicator".to_owned(), tag: Some("3".to_owned()) };
    Format::Csv(CsvForm { delimiter: b';', header: true, columns })
}

fn json() -> Format {
    Format::Json(JsonForm {
        items: "$.list.items[*]".to_owned(),
        subjects: vec!["$.addr".to_owned(), "$.name".to_owned()],
        tag: Some("$.kind".to_owned()),
    })
}

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn read(format: &Format, parts: &[(&str, &[u8])]) -> Result<Parsed, ParseError> {
    let parts: Vec<_> = parts.iter().map(|&(name, octets)| Part { name, octets }).collect();
    let now: Timestamp = "2026-11-24T09:00:00Z".parse().unwrap();
    parse(format, &parts, &ParseLimits { most_entries: 1000 }, now)
}

fn print(parsed: &Parsed) -> String {
    let mut text = format!("published {}\n", parsed.published.as_deref().unwrap_or("-"));
    match &parsed.content {
        Content::Entries(entries) => {
            for entry in entries {
                write!(text, "{}", entry.subject).unwrap();
                for label in &entry.labels {
                    write!(text, " {}={}", label.key, label.value).unwrap();
                }
                for port in &entry.ports {
                    write!(text, " {port}").unwrap();
                }
                text.push('\n');
            }
        }
        Content::Asns(ranges) => {
            for range in ranges {
                writeln!(text, "{} {} {} {}", range.first, range.last, range.asn, range.name)
                    .unwrap();
            }
        }
        Content::Suffixes(list) => write!(text, "{list}").unwrap(),
        Content::Prices(list) => {
            for (name, model) in list.models() {
                writeln!(text, "{name} {}", model.provider.as_deref().unwrap_or("-")).unwrap();
                for price in &model.prices {
                    writeln!(text, "  {} {}", price.field, price.amount).unwrap();
                }
            }
        }
    }
    writeln!(text, "skipped {}", parsed.skipped_count).unwrap();
    for skipped in &parsed.skipped {
        writeln!(text, "  {}: {}", skipped.place, skipped.reason).unwrap();
    }
    text
}

#[test]
fn each_form_is_read() {
    for (name, format, files) in cases() {
        let octets: Vec<_> =
            files.iter().map(|file| (*file, fs::read(dir().join(file)).unwrap())).collect();
        let parts: Vec<_> = octets.iter().map(|(file, octets)| (*file, &octets[..])).collect();
        let parsed = read(&format, &parts).unwrap_or_else(|error| panic!("{name}: {error}"));
        if let Content::Entries(entries) = &parsed.content {
            assert!(entries.is_sorted_by(|a, b| a < b), "{name}: sorted, each once");
            assert!(entries.iter().all(|entry| entry.labels.is_sorted()), "{name}: labels");
        }
        let printed = print(&parsed);
        let expected = dir().join(format!("{name}.expected"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&expected, &printed).unwrap();
        }
        assert_eq!(printed, fs::read_to_string(&expected).unwrap_or_default(), "{name}");

        // Windows line ends and a byte order mark change nothing.
        if !matches!(format, Format::PublicSuffixes) {
            let windows: Vec<_> = octets
                .iter()
                .map(|(file, octets)| {
                    let text = String::from_utf8(octets.clone()).unwrap().replace('\n', "\r\n");
                    (*file, [b"\xef\xbb\xbf", text.as_bytes()].concat())
                })
                .collect();
            let parts: Vec<_> = windows.iter().map(|(file, octets)| (*file, &octets[..])).collect();
            assert_eq!(print(&read(&format, &parts).unwrap()), printed, "{name} with CRLF");
        }
    }
}

/// Every golden input cut short, with an octet changed, or in the wrong place: an answer, in time.
#[test]
fn any_change_gets_an_answer() {
    for (name, format, files) in cases() {
        let octets: Vec<_> =
            files.iter().map(|file| (*file, fs::read(dir().join(file)).unwrap())).collect();
        let whole = &octets[0].1;
        for at in (0..whole.len()).step_by(7) {
            let mut cut = octets.clone();
            cut[0].1.truncate(at);
            let parts: Vec<_> = cut.iter().map(|(file, octets)| (*file, &octets[..])).collect();
            let result = read(&format, &parts);
            // The last line of a document may be white space, or a signature.
            if files[0].ends_with(".json") && at + 60 < whole.len() {
                let error = result.unwrap_err().to_string();
                let said = error.contains("truncated") || error.contains("empty");
                assert!(said, "{name} cut at {at}: {error}");
            }
            for octet in [0, b'"', b'[', b'9', 0xff] {
                let mut changed = octets.clone();
                changed[0].1[at] = octet;
                let parts: Vec<_> =
                    changed.iter().map(|(file, octets)| (*file, &octets[..])).collect();
                let _ = read(&format, &parts);
            }
        }
    }
}

#[test]
fn what_is_no_feed_is_refused_with_its_reason() {
    let deep = "[".repeat(200_000);
    for (name, format, files) in cases() {
        for (text, parts_of_message) in [
            ("", &["empty"][..]),
            ("\u{feff} \r\n", &["empty"]),
            ("<!DOCTYPE html><html>no</html>", &["web page"]),
            ("\x1f\u{8}", &["none of the", "expected", "no usable"]),
            ("{\"error\": \"no\"}", &["none of the", "expected"]),
            (&deep, &["none of the", "expected"]),
            ("99999999999999999999999999999999", &["none of the", "expected", "truncated"]),
        ] {
            let file = files[0];
            let result = read(&format, &[(file, text.as_bytes())]);
            // Free text beyond ASCII and lists of other things: each line is skipped.
            let error = result.unwrap_err().to_string();
            let said = parts_of_message.iter().any(|part| error.contains(part));
            assert!(said, "{name}: {error}");
            assert!(error.len() < 400, "{name}: {error}");
        }
    }
    let gzip = read(&Format::Text, &[("a", b"\x1f\x8b\x08")]).unwrap_err();
    assert_eq!(gzip.to_string(), "a is compressed (gzip)");
    assert!(read(&Format::Text, &[]).is_err());
    let none = read(&Format::DomainList { list: "b".to_owned() }, &[("a", b"x.example")]);
    assert_eq!(none.unwrap_err(), ParseError::NoList { name: "b".to_owned() });
}

#[test]
fn more_than_the_limit_is_refused_but_duplicates_are_one() {
    let lines = |count: usize| -> String {
        (0..count).map(|at| format!("192.0.{}.{}\n", at / 256, at % 256)).collect()
    };
    for count in [1001, 5000] {
        let error = read(&Format::Text, &[("a", lines(count).as_bytes())]).unwrap_err();
        assert_eq!(error.to_string(), "a has more than 1000 entries");
    }
    let parsed = read(&Format::Text, &[("a", lines(1000).repeat(9).as_bytes())]).unwrap();
    assert_eq!(parsed.content.count(), 1000);
}

#[test]
fn shared_labels_and_versions_do_not_multiply() {
    let flags: String = (0..5000).map(|at| format!("\"f{at}\",")).collect();
    let document =
        format!(r#"{{"relays":[{{"or_addresses":["192.0.2.1:1"],"flags":[{}"x"]}}]}}"#, flags);
    let parsed = read(&Format::Onionoo, &[("a", document.as_bytes())]).unwrap();
    let Content::Entries(entries) = parsed.content else { unreachable!() };
    assert_eq!(entries[0].labels.len(), 65, "64 flags and the role");

    let events: Vec<_> =
        (0..5000).map(|at| format!(r#"{{"Event":{{"timestamp":"{at}"}}}}"#)).collect();
    let document = format!("[{}]", events.join(","));
    let parsed = read(&Format::Misp, &[("a", document.as_bytes())]).unwrap();
    assert_eq!(parsed.published.as_deref(), Some("0 1 2 3 4 5 6 7"));
}

#[test]
fn a_path_that_is_none_is_found_without_a_copy() {
    let Format::Json(mut form) = json() else { unreachable!() };
    form.items = "$.[".to_owned();
    assert!(sark_feed_formats::check(&Format::Json(form)).is_err());
    assert_eq!(sark_feed_formats::check(&json()), Ok(()));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        for (_, format, files) in cases() {
            let _ = read(&format, &[(files[0], &octets)]);
        }
    }
}
