//! What holds for any list and any usage.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use proptest::prelude::*;
use sark_prices::{
    Call, Cost, Counting, Limits, Picodollars, PriceList, Reported, Unit, Usage, compare, parse,
};

fn read(text: &str) -> PriceList {
    parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn units() -> impl Strategy<Value = Unit> {
    prop::sample::select(Unit::all().collect::<Vec<_>>())
}

fn usages() -> impl Strategy<Value = Usage> {
    let counts =
        prop::collection::vec((units(), prop_oneof![0..1_000_000_u64, Just(u64::MAX)]), 0..8);
    counts.prop_map(|counts| {
        counts.into_iter().fold(Usage::default(), |usage, (unit, n)| usage.with(unit, n))
    })
}

/// Names of prices, of all kinds.
fn fields() -> impl Strategy<Value = String> {
    let above = prop_oneof![Just(None), (1..400_u64).prop_map(Some)];
    let tier = prop::sample::select(vec!["", "_batches", "_priority", "_flex"]);
    (units(), above, tier).prop_map(|(unit, above, tier)| {
        let above = above.map_or(String::new(), |n| format!("_above_{n}k_tokens"));
        format!("{}{above}{tier}", unit.field())
    })
}

/// An amount in picodollars, and one of the ways to write it.
fn amounts() -> impl Strategy<Value = (u128, String)> {
    (0..=Picodollars::MOST_PRICE.0, -20_i64..20).prop_map(|(pico, shift)| {
        // pico × 10⁻¹² with the point moved by `shift` and the exponent moved back.
        let text = if shift >= 0 {
            format!("{pico}{}e{}", "0".repeat(usize::try_from(shift).unwrap()), -12 - shift)
        } else {
            let places = usize::try_from(-shift).unwrap();
            let digits = format!("{pico:0>width$}", width = places + 1);
            let (whole, fraction) = digits.split_at(digits.len() - places);
            format!("{whole}.{fraction}e{}", -12 - shift)
        };
        (pico, text)
    })
}

fn models() -> impl Strategy<Value = Vec<(String, u128, String)>> {
    prop::collection::vec((fields(), amounts()), 0..12).prop_map(|prices| {
        let mut prices: Vec<_> = prices.into_iter().map(|(f, (p, t))| (f, p, t)).collect();
        prices.sort();
        prices.dedup_by(|a, b| a.0 == b.0);
        prices
    })
}

fn document(name: &str, prices: &[(String, u128, String)]) -> String {
    let mut text = String::new();
    for (field, _, amount) in prices {
        write!(text, ",\"{field}\":{amount}").unwrap();
    }
    format!("{{\"{name}\":{{\"litellm_provider\":\"x\"{text}}}}}")
}

fn cost(list: &PriceList, tier: Option<&str>, usage: &Usage) -> Cost {
    list.cost(&Call { provider: Some("x"), model: "m", tier, usage })
}

fn tiers() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![None, Some("batches"), Some("priority"), Some("nobody")])
}

proptest! {
    #[test]
    fn octets_never_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&octets, &Limits::default());
    }

    /// However it is written, it is read as what it is.
    #[test]
    fn prices_are_exact((pico, text) in amounts()) {
        let list = read(&format!("{{\"m\":{{\"input_cost_per_token\":{text}}}}}"));
        let (_, model) = list.models().next().unwrap();
        prop_assert_eq!(model.prices[0].amount, Picodollars(pico), "{}", text);
        prop_assert_eq!(list.notes().rounded, 0);
        let written = Picodollars(pico).to_string();
        prop_assert_eq!(written.parse(), Ok(Picodollars(pico)));
    }

    /// Everything used is in a line or among the unpriced, once; the total is the sum of the lines,
    /// each of which is its price times its count.
    #[test]
    fn nothing_is_dropped(prices in models(), usage in usages(), tier in tiers()) {
        let list = read(&document("m", &prices));
        let cost = cost(&list, tier, &usage);
        let mut seen: Vec<_> = cost.lines.iter().map(|line| (line.unit, line.count)).collect();
        seen.extend(cost.unpriced.iter().map(|item| (item.unit, item.count)));
        seen.sort();
        prop_assert_eq!(seen, usage.counts().collect::<Vec<_>>());
        let mut total = 0_u128;
        for line in &cost.lines {
            let amount = u128::from(line.count).checked_mul(line.price.0).unwrap();
            prop_assert_eq!(line.amount.0, amount);
            total = total.checked_add(amount).unwrap();
            // The price is one that the list has.
            let field = line.source.to_string();
            prop_assert!(prices.iter().any(|(name, pico, _)| *name == field && *pico == line.price.0));
        }
        prop_assert_eq!(cost.total.0, total);
    }

    /// More of something never costs less, unless a threshold is passed.
    #[test]
    fn more_is_not_cheaper(prices in models(), usage in usages(), unit in units(), tier in tiers()) {
        let flat: Vec<_> = prices.into_iter().filter(|(name, ..)| !name.contains("k_tokens")).collect();
        let list = read(&document("m", &flat));
        let more = usage.clone().with(unit, usage.of(unit).saturating_add(1000));
        prop_assert!(cost(&list, tier, &more).total >= cost(&list, tier, &usage).total);
    }

    /// Of two ways to count, the same tokens come out.
    #[test]
    fn counting_loses_no_token(input in 0..1_000_000_u64, cached in 0..1_000_000_u64, output in 0..1_000_000_u64, thoughts in 0..1_000_000_u64) {
        let beside = Reported { input, cache_read: cached, output: output + thoughts, reasoning: thoughts, ..Reported::default() };
        let inside = Reported { input: input + cached, ..beside };
        let gemini = Reported { output, ..inside };
        let usage = beside.usage(Counting::Beside).unwrap();
        prop_assert_eq!(inside.usage(Counting::Inside).unwrap(), usage.clone());
        prop_assert_eq!(gemini.usage(Counting::Gemini).unwrap(), usage.clone());
        prop_assert_eq!(usage.prompt(), input + cached);
    }

    /// A list differs from itself in nothing, and what one comparison adds the other removes.
    #[test]
    fn comparisons_are_fair(old in models(), new in models(), factor in 2_u32..100) {
        let (old, new) = (read(&document("m", &old)), read(&document("m", &new)));
        let same = compare(&old, &old);
        prop_assert!(same.added.is_empty() && same.removed.is_empty() && same.changed.is_empty());
        let (there, back) = (compare(&old, &new), compare(&new, &old));
        prop_assert_eq!(there.changed.len(), back.changed.len());
        for (there, back) in there.changed.iter().zip(&back.changed) {
            for (a, b) in there.prices.iter().zip(&back.prices) {
                prop_assert_eq!((a.from, a.to), (b.to, b.from));
                if a.from.is_some() && a.to.is_some() {
                    prop_assert_eq!(a.is_jump(factor), b.is_jump(factor));
                }
            }
        }
    }

    /// Names are hostile too. What is found by a beginning is a beginning of what was asked for.
    #[test]
    fn lookups_never_panic(name in "\\PC{0,40}", provider in prop::option::of("\\PC{0,12}")) {
        let list = read(r#"{"a-b":{"input_cost_per_token":1,"litellm_provider":"x"},"x/a":{},"é":{}}"#);
        if let Ok(found) = list.lookup(provider.as_deref(), &name) {
            let bare = found.name.trim_start_matches("x/");
            prop_assert!(name.contains(bare), "{} for {}", found.name, name);
        }
    }
}
