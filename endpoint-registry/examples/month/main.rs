//! A month of a content network that rotates 64 addresses over 20 names: coverage, churn and table
//! size of our ageing beside two simpler strategies, for several seeds.
//!
//! `cargo xtask bench month`; arguments: days (30), seeds (3), connections a second (1).

use std::process::ExitCode;

use sark_registry::ageing::Config;

#[path = "simulation.rs"]
mod simulation;

use simulation::{Churn, DAY, MINUTE, Manner, Outcome, Setup, Which, run};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let mut number = |usual: f64| match words.next() {
        None => Some(usual),
        Some(word) => word.parse::<f64>().ok().filter(|number| *number > 0.0),
    };
    let (Some(days), Some(seeds), Some(rate)) = (number(30.0), number(3.0), number(1.0)) else {
        eprintln!("numbers: days, seeds, connections a second");
        return ExitCode::from(2);
    };
    let (days, seeds) = (days as u64, seeds as u64);
    println!(
        "{days} day(s), 20 names, 64 addresses, TTL 20 to 60 s, {rate} connection(s) a second, rules \
         1 s after an answer;\nthe worst of {seeds} seed(s) in each column\n"
    );
    for (manner, title) in [
        (Manner::ByPlace, "Each place has 16 addresses of its own, in turn"),
        (Manner::Anyhow, "Any 4 of the 64 addresses, by chance"),
    ] {
        println!("{title}");
        head();
        for (which, name) in [
            (Which::Seen(Config::default()), "SARK, clients' answers seen"),
            (Which::Polled(Config::default()), "SARK, pollers only"),
            (Which::TtlOnly, "TTL only"),
            (Which::OnceADay, "once a day"),
        ] {
            let setup = |seed| Setup { which: which.clone(), manner, span: days * DAY, seed, rate };
            let outcomes: Vec<Outcome> = (1..=seeds).map(|seed| run(&setup(seed))).collect();
            line(name, &outcomes);
        }
        println!();
    }
    println!("{LEGEND}");
    ExitCode::SUCCESS
}

const LEGEND: &str = "\
covered  connections begun under a rule; of the others, late: the rule was on its way; share of the
         time of short connections; of those that live for hours and are reported, or are not seen
+ and -  rules announced and withdrawn
flaps    rules withdrawn within 10 minutes of being announced";

fn head() {
    let (covered, names, one) = ("covered, %", "a rule for each name", "one policy for all names");
    println!("{:28} {covered:^39} {names:^40} {one:^25}", "");
    println!(
        "{:28} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8} {:>8} {:>7} {:>13} {:>7} {:>7} {:>9} {:>10}",
        "",
        "begun",
        "late",
        "time",
        "live",
        "unseen",
        "+/min",
        "-/min",
        "flaps",
        "mean/most",
        "begun",
        "+/min",
        "mean/most",
        "asked/min"
    );
}

/// The worst of each.
fn line(name: &str, outcomes: &[Outcome]) {
    let least = |of: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(of).fold(f64::MAX, f64::min);
    let most = |of: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(of).fold(0.0, f64::max);
    let a_minute = |o: &Outcome, count: u64| count as f64 / (o.span / MINUTE) as f64;
    let size = |of: &dyn Fn(&Outcome) -> Churn| {
        let (mean, peak) = (most(&|o| of(o).mean(o.span)), most(&|o| of(o).most as f64));
        format!("{mean:.0}/{peak:.0}")
    };
    println!(
        "{name:28} {:7.3} {:7.3} {:7.3} {:7.3} {:7.3} {:8.2} {:8.2} {:7.0} {:>13} {:7.3} {:7.2} {:>9} {:10.1}",
        least(&|o| o.connections.percent()),
        most(&|o| o.late as f64 / o.connections.all as f64 * 100.0),
        least(&|o| o.short.percent()),
        least(&|o| o.reported.percent()),
        least(&|o| o.unreported.percent()),
        most(&|o| a_minute(o, o.by_name.announced)),
        most(&|o| a_minute(o, o.by_name.withdrawn)),
        most(&|o| o.by_name.flaps as f64),
        size(&|o| o.by_name),
        least(&|o| o.one_policy.percent()),
        most(&|o| a_minute(o, o.by_address.announced)),
        size(&|o| o.by_address),
        most(&|o| a_minute(o, o.questions)),
    );
}
