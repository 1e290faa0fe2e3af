//! Days of a content network that rotates 64 addresses over 20 names: what ageing must keep,
//! whatever is changed about it. `cargo xtask bench month` runs a month of it.

#![allow(dead_code, reason = "the bench prints more than is asserted here")]

use sark_registry::ageing::Config;

#[path = "../examples/month/simulation.rs"]
mod simulation;

use simulation::{DAY, MINUTE, Manner, Outcome, Setup, Which, run};

const SEEDS: [u64; 2] = [11, 12];

fn two_days(which: Which, manner: Manner) -> Vec<Outcome> {
    let setup = |seed| Setup { which: which.clone(), manner, span: 2 * DAY, seed, rate: 1.0 };
    SEEDS.iter().map(|&seed| run(&setup(seed))).collect()
}

/// At least so many percent of connections covered, and at most so many announcements a minute.
fn keeps(which: Which, manner: Manner, covered: f64, announced: f64) {
    for outcome in two_days(which.clone(), manner) {
        let what = format!("{which:?} {manner:?}: {outcome:#?}");
        assert!(outcome.connections.all > 100_000, "{what}");
        assert!(outcome.connections.percent() >= covered, "{what}");
        assert!(outcome.short.percent() >= covered, "{what}");
        // Flows that are known to live keep their rules; of those that are not, nearly all do.
        assert!(outcome.reported.percent() >= 99.8, "{what}");
        assert!(outcome.unreported.percent() >= 99.5, "{what}");
        let minutes = (outcome.span / MINUTE) as f64;
        let churn = outcome.by_name;
        assert!(churn.announced as f64 / minutes <= announced, "{what}");
        assert_eq!(churn.flaps, 0, "{what}");
        // What is answered elsewhere, or no more, is not all kept.
        let most = if manner == Manner::ByPlace { 1100.0 } else { 1280.0 };
        assert!(churn.mean(outcome.span) <= most, "{what}");
        // Each name is asked of each of three resolvers, at most twice a minute.
        assert!(outcome.questions as f64 / minutes <= 120.0, "{what}");
    }
}

#[test]
fn where_clients_answers_are_seen() {
    keeps(Which::Seen(Config::default()), Manner::ByPlace, 99.9, 0.9);
    keeps(Which::Seen(Config::default()), Manner::Anyhow, 99.95, 0.9);
}

#[test]
fn where_only_our_own_questions_are() {
    keeps(Which::Polled(Config::default()), Manner::ByPlace, 99.78, 0.9);
    keeps(Which::Polled(Config::default()), Manner::Anyhow, 99.95, 0.9);
}

/// The bounds above mean something: without a longer grace for what comes back, and as others do it,
/// they are not kept.
#[test]
fn other_ways_are_worse() {
    let plain = Config { longest_grace_seconds: 0, ..Config::default() };
    for outcome in two_days(Which::Seen(plain), Manner::ByPlace) {
        let announced = outcome.by_name.announced as f64 / (outcome.span / MINUTE) as f64;
        assert!(outcome.connections.percent() < 99.9 && announced > 1.2, "{outcome:#?}");
    }
    for outcome in two_days(Which::TtlOnly, Manner::ByPlace) {
        assert!(outcome.connections.percent() < 98.0 && outcome.short.percent() < 90.0);
        assert!(outcome.by_name.flaps > 1000, "{outcome:#?}");
    }
    for outcome in two_days(Which::OnceADay, Manner::ByPlace) {
        assert!(outcome.connections.percent() < 80.0, "{outcome:#?}");
    }
}

#[test]
fn the_same_seed_is_the_same_day() {
    let setup = |seed| Setup {
        which: Which::Seen(Config::default()),
        manner: Manner::ByPlace,
        span: DAY / 4,
        seed,
        rate: 1.0,
    };
    let runs = [1, 1, 2].map(|seed| format!("{:?}", run(&setup(seed))));
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}
