//! Documents that are no lists, or too much.

use sark_prices::{Limits, ParseError, PriceList, Unfound, compare, parse};

const LIMITS: Limits = Limits { octets: 1 << 20, entries: 100 };

fn read(text: &str) -> Result<PriceList, ParseError> {
    parse(text.as_bytes(), &LIMITS)
}

#[test]
fn what_is_no_list() {
    for (text, part) in [
        ("", "truncated"),
        ("{\"a\": {\"input_cost_per_token\": 1e-06}", "truncated"),
        ("{\"a\": {\n\"input_cost_per_token\": 1e-", "truncated: it ends at line 2, column 27"),
        ("{\"a\": {\"input_cost_per_token\": 1e-06},}", "line 1, column"),
        ("[]", "no JSON object of models"),
        ("\"a\"", "no JSON object of models"),
        ("<html>", "no JSON object of models"),
        ("{} {}", "trailing"),
        (
            "{\"a\": 1, \"b\": []}",
            "none of its 2 entries can be read; the first, a: it is no object",
        ),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    assert_eq!(parse(b"{\"a\": \"\xff\"}", &LIMITS), Err(ParseError::NotText { at: 7 }));
    assert!(read("{}").unwrap().is_empty());
    assert!(read("\u{feff}{\"sample_spec\": {\"input_cost_per_token\": 1}}").unwrap().is_empty());
}

#[test]
fn too_much_is_refused() {
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(LIMITS.octets));
    assert_eq!(read(&long), Err(ParseError::TooLong { most: LIMITS.octets }));
    let many = |count: usize| {
        let entries: Vec<_> = (0..count).map(|n| format!("\"m{n}\": {{}}")).collect();
        format!("{{{}}}", entries.join(","))
    };
    assert_eq!(read(&many(100)).unwrap().len(), 100);
    assert_eq!(read(&many(101)), Err(ParseError::TooMany { most: 100 }));
}

/// As deep as the document is long: neither the stack nor anything else minds.
#[test]
fn depth_does_not_matter() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
        let text =
            format!("{{\"a\": {{\"x\": {deep}, \"input_cost_per_token\": 1}}, \"b\": {deep}}}");
        let list = read(&text).unwrap();
        assert_eq!(list.len(), if open == "[" { 1 } else { 2 });
        let text = format!("{{\"a\": {{\"tiered_pricing\": {deep}}}, \"b\": {{}}}}");
        assert_eq!(read(&text).unwrap().unreadable().count(), 1);
    }
    let deep = "[".repeat(500_000);
    assert!(matches!(read(&format!("{{\"a\": {deep}")), Err(ParseError::Truncated { .. })));
}

#[test]
fn an_entry_that_cannot_be_read_is_named_and_nothing_else_is_taken_for_it() {
    let twice = "\"a-b\": {\"input_cost_per_token\": 1}, \"a-b\": {\"input_cost_per_token\": 2}";
    for (entry, part) in [
        (twice, "it is there twice"),
        ("\"a-b\": {\"alias_of\": \"a\"}, \"a-b\": {}", "it is there twice"),
        ("\"a-b\": {\"alias_of\": \"a-b\"}", "stands for a-b"),
        ("\"a-b\": {\"alias_of\": \"a-c\"}, \"a-c\": {\"alias_of\": \"a\"}", "stands for a-c"),
        ("\"a-b\": 7", "no object, but 7"),
        ("\"a-b\": {\"input_cost_per_token\": 1, \"input_cost_per_token\": 1}", "is there twice"),
        ("\"a-b\": {\"input_cost_per_token\": 1e-13}", "less than half a picodollar"),
        ("\"a-b\": {\"input_cost_per_token\": 10000.01}", "10000.01 is too large"),
        ("\"a-b\": {\"input_cost_per_token\": {\"eur\": 1}}", "{\"eur\": 1} is not a number"),
        ("\"a-b\": {\"search_context_cost_per_query\": 3}", "search_context_cost_per_query: "),
        ("\"a-b\": {\"tiered_pricing\": {}}", "no list of objects"),
        ("\"a-b\": {\"tiered_pricing\": [{\"range\": [5, 5]}]}", "not two numbers"),
        ("\"a-b\": {\"tiered_pricing\": [{\"range\": [0, 1]}, {}]}", "item 1: its range"),
        (
            "\"a-b\": {\"tiered_pricing\": [{\"range\": [0, null]}, {\"range\": [5, 9]}]}",
            "over one another",
        ),
    ] {
        let text = format!("{{\"a\": {{\"input_cost_per_token\": 1}}, {entry}}}");
        let list = read(&text).unwrap();
        let found = list.unreadable().find(|(name, _)| *name == "a-b");
        let (_, reason) = found.unwrap_or_else(|| panic!("{entry} was read"));
        assert!(reason.contains(part), "{entry}: {reason}");
        assert!(reason.chars().count() < 200, "{reason}");
        for name in ["a-b", "a-b-2026-01-01", "a-b-c"] {
            let unfound = list.lookup(None, name).unwrap_err();
            assert!(matches!(unfound, Unfound::Unreadable { .. }), "{name}: {unfound}");
        }
        assert!(list.lookup(None, "a").is_ok());
    }
}

#[test]
fn names_that_nobody_asks_for() {
    for name in ["", "a\\u0000b", "a\\nb", &"x".repeat(257)] {
        let list = read(&format!("{{\"{name}\": {{}}, \"a\": {{}}}}")).unwrap();
        let (name, reason) = list.unreadable().next().unwrap();
        assert_eq!(reason, "it is no name of a model");
        assert!(name.len() < 60 && !name.contains(char::is_control), "{name}");
    }
}

#[test]
fn notes_are_bounded() {
    let fields: Vec<_> = (0..200).map(|n| format!("\"cost_{n}\": 1")).collect();
    let list = read(&format!("{{\"a\": {{{}}}}}", fields.join(","))).unwrap();
    assert_eq!(list.notes().unused.len(), 100);
    let fields: Vec<_> =
        (1..=600).map(|n| format!("\"input_cost_per_token_above_{n}k_tokens\": 1")).collect();
    let list = read(&format!("{{\"a\": {{{}}}, \"b\": {{}}}}", fields.join(","))).unwrap();
    assert_eq!(list.unreadable().next().unwrap().1, "it has more than 512 prices");
}

/// A price that comes or goes is compared with the one that held in its place.
#[test]
fn a_price_that_appears_is_no_way_round_the_doubt() {
    let old =
        read(r#"{"m": {"input_cost_per_token": 1e-6, "output_cost_per_token": 4e-6}}"#).unwrap();
    for (field, amount, jumps) in [
        ("input_cost_per_token_above_1k_tokens", "0", true),
        ("input_cost_per_token_above_1k_tokens", "9999", true),
        ("output_cost_per_token_flex", "9999", true),
        ("cache_read_input_token_cost", "9999", true),
        ("output_cost_per_reasoning_token", "0", true),
        ("input_cost_per_token_above_200k_tokens", "2e-6", false),
        ("output_cost_per_token_priority", "8e-6", false),
        ("cache_read_input_token_cost", "2.5e-7", false),
    ] {
        let new = format!(
            r#"{{"m": {{"input_cost_per_token": 1e-6, "output_cost_per_token": 4e-6, "{field}": {amount}}}}}"#
        );
        let new = read(&new).unwrap();
        for (from, to) in [(&old, &new), (&new, &old)] {
            let comparison = compare(from, to);
            assert_eq!(comparison.changed[0].jump(5).is_some(), jumps, "{field} {amount}");
        }
    }
}

/// A provider's names begin in a few ways; a list with more makes no question longer.
#[test]
fn beginnings_are_bounded() {
    let models: Vec<_> = (0..100)
        .map(|n| {
            format!(
                r#""p-{n:02}/m{n}": {{"litellm_provider": "p-{n:02}", "input_cost_per_token": 1}}"#
            )
        })
        .collect();
    let list = read(&format!("{{{}}}", models.join(","))).unwrap();
    let found = |n: usize| list.lookup(Some("p"), &format!("m{n}")).is_ok();
    assert_eq!((0..100).filter(|n| found(*n)).collect::<Vec<_>>(), (0..32).collect::<Vec<_>>());
}

/// What nothing is paid in place of is lost, whatever else has a price.
#[test]
fn a_price_that_goes_with_nothing_in_its_place_jumps() {
    let of = |fields: &str| read(&format!(r#"{{"m": {{{fields}}}}}"#)).unwrap();
    let both = of(r#""output_cost_per_token": 1, "output_cost_per_token_batches": 1"#);
    let batches = of(r#""output_cost_per_token_batches": 1"#);
    assert!(compare(&both, &batches).changed[0].jump(10).is_some());
    assert!(compare(&batches, &both).changed[0].jump(10).is_none());
}
