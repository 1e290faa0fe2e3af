//! Counters of `nft -j list`.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Counter;
use crate::ruleset::{PROGRAM, commented};

/// The parts of a listing that are of use here: long ones have many others.
#[derive(Deserialize)]
struct Listing {
    nftables: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    rule: Option<Rule>,
    map: Option<Map>,
}

#[derive(Deserialize)]
struct Rule {
    comment: Option<String>,
    #[serde(default)]
    expr: Vec<Expression>,
}

#[derive(Deserialize)]
struct Expression {
    counter: Option<Numbers>,
}

#[derive(Deserialize)]
struct Map {
    /// Pairs of key and verdict.
    #[serde(default)]
    elem: Vec<(Key, IgnoredAny)>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Key {
    Counted { elem: Element },
    Other(IgnoredAny),
}

#[derive(Deserialize)]
struct Element {
    comment: Option<String>,
    counter: Option<Numbers>,
}

#[derive(Deserialize, Clone, Copy)]
struct Numbers {
    packets: u64,
    bytes: u64,
}

/// The fingerprint of the program that a listed table is of, if it says one.
pub fn fingerprint(listing: &str) -> Result<Option<String>, String> {
    let rules = parse(listing)?.nftables.into_iter().filter_map(|object| object.rule);
    let mut comments = rules.filter_map(|rule| rule.comment);
    Ok(comments.find_map(|comment| Some(comment.strip_prefix(PROGRAM)?.trim_start().to_owned())))
}

fn parse(listing: &str) -> Result<Listing, String> {
    serde_json::from_str(listing).map_err(|error| error.to_string())
}

/// Adds what a listed table has counted to the counters of the rules, which are by their number. A
/// rule may have several nft rules, or entries of a map.
pub fn add(listing: &str, rules: &mut [Counter]) -> Result<(), String> {
    let mut add = |comment: Option<String>, numbers: Option<Numbers>| {
        let (Some(comment), Some(Numbers { packets, bytes })) = (comment, numbers) else { return };
        if let Some(sum) = commented(&comment).and_then(|rule| rules.get_mut(rule)) {
            sum.packets = sum.packets.saturating_add(packets);
            sum.bytes = sum.bytes.saturating_add(bytes);
        }
    };
    for object in parse(listing)?.nftables {
        if let Some(rule) = object.rule {
            add(rule.comment, rule.expr.iter().find_map(|expression| expression.counter));
        }
        for (key, _) in object.map.into_iter().flat_map(|map| map.elem) {
            if let Key::Counted { elem } = key {
                add(elem.comment, elem.counter);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_entries_are_summed_by_their_comment() {
        let listing = r#"{"nftables": [
            {"metainfo": {"version": "1.0.6"}},
            {"table": {"family": "inet", "name": "t", "handle": 1}},
            {"map": {"name": "m", "elem": [
                [{"elem": {"val": "10.0.0.1", "comment": "r1", "counter": {"packets": 2, "bytes": 80}}}, {"drop": null}],
                [{"elem": {"val": {"concat": ["10.0.0.2", "tcp", 443]}, "comment": "r1", "counter": {"packets": 3, "bytes": 120}}}, {"goto": {"target": "a"}}]]}},
            {"map": {"name": "by_prefix", "elem": [["10.0.0.1", {"jump": {"target": "c"}}],
                [{"prefix": {"addr": "10.1.0.0", "len": 16}}, {"jump": {"target": "d"}}]]}},
            {"map": {"name": "empty"}},
            {"rule": {"chain": "c", "comment": "r0", "expr": [{"match": {"op": "==", "left": 1, "right": 2}},
                {"counter": {"packets": 5, "bytes": 500}}, {"accept": null}]}},
            {"rule": {"chain": "c", "comment": "r9", "expr": [{"counter": {"packets": 5, "bytes": 500}}]}},
            {"rule": {"chain": "p", "comment": "program 0a1b", "expr": [{"accept": null}]}},
            {"rule": {"chain": "p", "expr": [{"vmap": {"key": 1, "data": "@m"}}]}}]}"#;
        let mut counters = [Counter::default(); 2];
        let of = |packets, bytes| Counter { packets, bytes };
        add(listing, &mut counters).unwrap();
        assert_eq!(counters, [of(5, 500), of(5, 200)]);
        add(listing, &mut counters).unwrap();
        assert_eq!(counters, [of(10, 1000), of(10, 400)]);
        assert_eq!(fingerprint(listing).unwrap().as_deref(), Some("0a1b"));
        for unreadable in ["", "{}"] {
            assert!(add(unreadable, &mut counters).is_err());
            assert!(fingerprint(unreadable).is_err());
        }
    }
}
