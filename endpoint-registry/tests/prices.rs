//! The gate before a price list.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::fmt::Write as _;
use std::num::NonZeroU64;
use std::sync::Arc;

use sark_registry::doubt::{Verdict, judge};
use sark_registry::feed::{
    self, Change, Content, Feed, Format, Limits, Location, PRICE_LIST, Parsed, PriceDoubt,
    Transport, Trust,
};

fn feed(doubt: PriceDoubt) -> Feed {
    Feed {
        name: PRICE_LIST.to_owned(),
        title: "Prices".to_owned(),
        owner: "netsec".to_owned(),
        licence: None,
        enabled: true,
        location: Location::File("prices.json".into()),
        format: Format::PriceList(doubt),
        schedule: "0 0 4 * * * *".parse().unwrap(),
        outputs: Vec::new(),
        limits: Limits {
            change: Change { percent: 100, entries: 20 },
            most_octets: NonZeroU64::MIN,
            ..Limits::default()
        },
        trust: Trust::default(),
        transport: Transport::default(),
    }
}

/// A copy with these models, each with an input price in millionths of a dollar.
fn copy(models: impl IntoIterator<Item = (u32, u32)>) -> Parsed {
    let mut text = "{\"sample_spec\": {}".to_owned();
    for (model, price) in models {
        write!(text, ", \"m{model:03}\": {{\"input_cost_per_token\": {price}e-6, \"output_cost_per_token\": 1e-5}}")
            .unwrap();
    }
    text.push('}');
    parsed(&text)
}

fn parsed(text: &str) -> Parsed {
    let list = sark_prices::parse(text.as_bytes(), &sark_prices::Limits::default()).unwrap();
    let content = Content::Prices(Arc::new(list));
    Parsed { content, published: None, skipped: Vec::new(), skipped_count: 0 }
}

fn verdict(old: &Parsed, new: &Parsed) -> Verdict {
    judge(&feed(PriceDoubt::default()), Some(old), new, &[])
}

fn codes(verdict: &Verdict) -> Vec<&'static str> {
    match verdict {
        Verdict::Accept { .. } => Vec::new(),
        Verdict::Hold { reasons, .. } => reasons.iter().map(|doubt| doubt.code()).collect(),
    }
}

#[test]
fn a_first_list_has_nothing_to_lose() {
    let verdict = judge(&feed(PriceDoubt::default()), None, &copy((0..10).map(|n| (n, 5))), &[]);
    assert_eq!(verdict.change().added, 10);
    assert!(verdict.is_accepted());
    let empty = judge(&feed(PriceDoubt::default()), None, &copy([]), &[]);
    assert_eq!(codes(&empty), ["empty"]);
}

#[test]
fn models_that_go() {
    let old = copy((0..100).map(|n| (n, 5)));
    for (from, expected) in
        [(0, &[][..]), (10, &[]), (11, &["models-lost"]), (99, &["models-lost"])]
    {
        let new = verdict(&old, &copy((from..100).map(|n| (n, 5))));
        assert_eq!(codes(&new), expected, "{from} models went");
        assert_eq!(new.change().removed, u64::from(from));
    }
    let more = verdict(&old, &copy((0..900).map(|n| (n, 5))));
    assert!(more.is_accepted(), "any number may come");
    assert_eq!(codes(&verdict(&old, &copy([]))), ["empty", "models-lost"]);
    // What cannot be read any more has no price any more.
    let mut text = "{".to_owned();
    for n in 0..100 {
        let price = if n < 11 { "\"free\"" } else { "5e-6" };
        let comma = if n == 0 { "" } else { "," };
        write!(text, "{comma}\"m{n:03}\": {{\"input_cost_per_token\": {price}, \"output_cost_per_token\": 1e-5}}").unwrap();
    }
    text.push('}');
    assert_eq!(codes(&verdict(&old, &parsed(&text))), ["models-lost"]);
}

#[test]
fn prices_that_jump() {
    let old = copy((0..200).map(|n| (n, 20)));
    let with = |count: u32, price: u32| {
        verdict(&old, &copy((0..200).map(|n| (n, if n < count { price } else { 20 }))))
    };
    assert!(with(200, 200).is_accepted(), "ten times as much is no jump");
    assert!(with(200, 2).is_accepted(), "nor is a tenth");
    let few = with(2, 201);
    assert!(few.is_accepted(), "one model in a hundred may");
    let Verdict::Accept { warnings, .. } = &few else { unreachable!() };
    assert_eq!(warnings.len(), 1, "but not without a word");
    for price in [201, 1, 0] {
        let held = with(3, price);
        assert_eq!(codes(&held), ["price-jump"], "{price}");
        let Verdict::Hold { reasons, change } = &held else { unreachable!() };
        let text = reasons[0].to_string();
        assert!(text.contains("m000 (input_cost_per_token 0.00002 →"), "{text}");
        assert_eq!((change.added, change.removed), (3, 3));
        assert_eq!(change.removed_sample[0], "m000 input_cost_per_token 0.00002");
    }
    // The price of a unit that is gone altogether is one that jumped.
    let text = (0..200).map(|n| format!("\"m{n:03}\": {{\"input_cost_per_token\": 20e-6}}"));
    let text = format!("{{{}}}", text.collect::<Vec<_>>().join(","));
    assert_eq!(codes(&verdict(&old, &parsed(&text))), ["price-jump"]);
}

#[test]
fn the_limits_are_the_feed_s() {
    let (old, new) = (copy([(1, 10), (2, 10), (3, 10)]), copy([(1, 31), (2, 10)]));
    for (lost_percent, factor, jump_percent, expected) in [
        (10, 10, 1, &["models-lost"][..]),
        (34, 10, 1, &[]),
        (34, 3, 1, &["price-jump"]),
        (34, 3, 34, &[]),
        (0, 3, 0, &["models-lost", "price-jump"]),
    ] {
        let feed = feed(PriceDoubt { lost_percent, factor, jump_percent });
        let verdict = judge(&feed, Some(&old), &new, &[]);
        assert_eq!(codes(&verdict), expected, "{lost_percent} {factor} {jump_percent}");
    }
}

#[test]
fn the_name_is_the_configuration_s() {
    let text = format!(
        "apiVersion: sark/v1\nkind: EndpointFeed\nmetadata: {{ name: {PRICE_LIST}, owner: netsec }}\nspec:\n  \
         title: Own\n  file: a.txt\n  format: text\n  schedule: \"0 0 4 * * *\"\n  \
         outputs: [{{ endpoint: own/a, title: A, kind: vpn }}]\n"
    );
    let mistakes = feed::parse("own.yaml", &text).unwrap_err();
    assert!(mistakes[0].message.contains("registry.prices"), "{}", mistakes[0].message);
    assert!(feed::feeds().iter().all(|feed| feed.name != PRICE_LIST));
}
