//! A list, and then calls of each of its models and of names that are nearly theirs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_prices::{
    Call, Limits, Picodollars, Unfound, Unit, Usage, compare, oddities, parse,
};

const LIMITS: Limits = Limits { octets: 1 << 16, entries: 200 };

fuzz_target!(|octets: &[u8]| {
    let list = match parse(octets, &LIMITS) {
        Ok(list) => list,
        Err(error) => {
            assert!(error.to_string().chars().count() < 600, "long: {error}");
            return;
        }
    };
    assert!(list.len() <= LIMITS.entries);
    assert!(list.models().all(|(name, _)| name != "sample_spec"));
    for (name, reason) in list.unreadable() {
        assert!(reason.chars().count() < 600, "long: {name}: {reason}");
    }
    let same = compare(&list, &list);
    assert!(same.added.is_empty() && same.removed.is_empty() && same.changed.is_empty());
    oddities(&list);

    let prompt = u64::from(octets.first().copied().unwrap_or(0)) * 5000;
    let usage = Unit::all().fold(Usage::default(), |usage, unit| usage.with(unit, 1));
    let usage = usage.with(Unit::Input, prompt).with(Unit::Output, u64::MAX);
    for (name, model) in list.models() {
        assert!(model.prices.is_sorted_by(|a, b| a.field < b.field));
        let prices = model.all_prices().map(|(_, price)| price.amount);
        assert!(prices.max().is_none_or(|most| most <= Picodollars::MOST_PRICE));
        for tier in [None, Some("batch"), Some("priority")] {
            let cost = list.cost(&Call { provider: None, model: name, tier, usage: &usage });
            let sum = cost.lines.iter().map(|line| {
                assert_eq!(line.amount.0, line.price.0 * u128::from(line.count));
                line.amount.0
            });
            assert_eq!(sum.sum::<u128>(), cost.total.0);
            assert_eq!(cost.lines.len() + cost.unpriced.len(), usage.counts().count());
        }
        let provider = model.provider.as_deref();
        for asked in [name.to_owned(), format!("{name}-2026-08-07"), format!("us.{name}")] {
            if let Err(Unfound::Unreadable { name, .. }) = list.lookup(provider, &asked) {
                assert!(list.unreadable().any(|(unreadable, _)| unreadable == name));
            }
        }
    }
});
