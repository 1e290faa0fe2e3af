//! Counters of `nft -j list`.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Counter;
use crate::ruleset::{SEEN, commented};

/// What a listing holds.
#[derive(Debug, Default)]
pub struct Counters {
    /// By rule.
    pub rules: Vec<Counter>,
    /// All packets that were looked at.
    pub seen: Counter,
    /// Of the table, if it says one.
    pub fingerprint: Option<String>,
}

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

/// Sums the counters of each rule: it may have several nft rules, or entries of a map.
pub fn read(listing: &str, rules: usize) -> Result<Counters, String> {
    let listing: Listing = serde_json::from_str(listing).map_err(|error| error.to_string())?;
    let mut counters = Counters { rules: vec![Counter::default(); rules], ..Counters::default() };
    for object in listing.nftables {
        if let Some(rule) = object.rule {
            counters.add(rule.comment, rule.expr.iter().find_map(|expression| expression.counter));
        }
        for (key, _) in object.map.into_iter().flat_map(|map| map.elem) {
            if let Key::Counted { elem } = key {
                counters.add(elem.comment, elem.counter);
            }
        }
    }
    Ok(counters)
}

impl Counters {
    fn add(&mut self, comment: Option<String>, counter: Option<Numbers>) {
        let (Some(comment), Some(Numbers { packets, bytes })) = (comment, counter) else { return };
        let sum = match commented(&comment) {
            Some(rule) => self.rules.get_mut(rule),
            None => match comment.strip_prefix(SEEN) {
                Some(fingerprint) => {
                    self.fingerprint = Some(fingerprint.trim_start().to_owned());
                    Some(&mut self.seen)
                }
                None => None,
            },
        };
        if let Some(sum) = sum {
            sum.packets = sum.packets.saturating_add(packets);
            sum.bytes = sum.bytes.saturating_add(bytes);
        }
    }
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
            {"rule": {"chain": "p", "comment": "seen 0a1b", "expr": [{"counter": {"packets": 7, "bytes": 700}}]}},
            {"rule": {"chain": "p", "expr": [{"vmap": {"key": 1, "data": "@m"}}]}}]}"#;
        let counters = read(listing, 2).unwrap();
        let of = |packets, bytes| Counter { packets, bytes };
        assert_eq!(counters.rules, [of(5, 500), of(5, 200)]);
        assert_eq!(counters.seen, of(7, 700));
        assert_eq!(counters.fingerprint.as_deref(), Some("0a1b"));
        assert!(read("", 0).is_err());
        assert!(read("{}", 0).is_err());
    }
}
