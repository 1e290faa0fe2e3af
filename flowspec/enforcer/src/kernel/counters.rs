//! Counters of `nft -j list`.

use serde_json::Value;

use super::Counter;
use crate::ruleset::{SEEN, commented};

/// What a listing holds.
#[derive(Debug, Default)]
pub struct Counters {
    /// By rule.
    pub rules: Vec<Counter>,
    /// All packets that were looked at.
    pub seen: Counter,
}

/// Sums the counters of each rule: it may have several nft rules, or entries of a map.
pub fn read(listing: &str, rules: usize) -> Result<Counters, String> {
    let listing: Value = serde_json::from_str(listing).map_err(|error| error.to_string())?;
    let Some(objects) = listing.get("nftables").and_then(Value::as_array) else {
        return Err("no list of objects".to_owned());
    };
    let mut counters = Counters { rules: vec![Counter::default(); rules], ..Counters::default() };
    for object in objects {
        if let Some(rule) = object.get("rule") {
            let expressions = rule.get("expr").and_then(Value::as_array);
            let counter = expressions.into_iter().flatten().find_map(|e| e.get("counter"));
            counters.add(rule, counter)?;
        }
        let entries = object.pointer("/map/elem").and_then(Value::as_array);
        for entry in entries.into_iter().flatten() {
            // A pair of key and verdict.
            if let Some(element) = entry.pointer("/0/elem") {
                counters.add(element, element.get("counter"))?;
            }
        }
    }
    Ok(counters)
}

impl Counters {
    fn add(&mut self, commented_on: &Value, counter: Option<&Value>) -> Result<(), String> {
        let (Some(counter), Some(comment)) =
            (counter, commented_on.get("comment").and_then(Value::as_str))
        else {
            return Ok(());
        };
        let number = |name: &str| counter.get(name).and_then(Value::as_u64);
        let (Some(packets), Some(bytes)) = (number("packets"), number("bytes")) else {
            return Err(format!("the counter of {comment} has no numbers"));
        };
        let sum = match commented(comment) {
            Some(rule) => self.rules.get_mut(rule),
            None if comment == SEEN => Some(&mut self.seen),
            None => None,
        };
        if let Some(sum) = sum {
            sum.packets = sum.packets.saturating_add(packets);
            sum.bytes = sum.bytes.saturating_add(bytes);
        }
        Ok(())
    }
}
