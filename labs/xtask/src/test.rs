//! `cargo xtask test`: what CI runs, step by step, each with its seconds.
//!
//! A failed step does not hide the next one. The last lines are the test runner's own summary and
//! `N passed, N failed`, where a failed step other than the tests counts as one.

pub mod fuzz;
mod steps;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::place::{Place, in_ci};
use crate::run::{RunError, say};
use crate::setup::{self, SetupError};

/// Above this the run warns.
const TOO_LONG: Duration = Duration::from_secs(45 * 60);

/// What to run.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only this step. May be repeated.
    #[arg(long = "only", value_enum)]
    only: Vec<Step>,
    /// Not this step. May be repeated.
    #[arg(long = "skip", value_enum, conflicts_with = "only")]
    skip: Vec<Step>,
    /// How long fuzz targets look for new inputs after their corpora, all together; at least 5 s
    /// each.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    fuzz_seconds: u32,
}

/// The steps, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Step {
    /// Install what is missing.
    Setup,
    /// `cargo fmt --check`.
    Fmt,
    /// `cargo clippy`, warnings are errors.
    Clippy,
    /// `cargo deny`: licences, bans, sources.
    Deny,
    /// Each crate alone with each of its features.
    Features,
    /// Build everything once, in profile `ci`.
    Build,
    /// Unit, contract and lab tests.
    Tests,
    /// Examples in the documentation.
    Docs,
    /// Fuzz targets.
    Fuzz,
}

const STEPS: &[(Step, &str)] = &[
    (Step::Setup, "setup"),
    (Step::Fmt, "fmt"),
    (Step::Clippy, "clippy"),
    (Step::Deny, "deny"),
    (Step::Features, "features"),
    (Step::Build, "build"),
    (Step::Tests, "tests"),
    (Step::Docs, "docs"),
    (Step::Fuzz, "fuzz"),
];

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A command failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Something could not be installed.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Tests failed; the runner said which.
    #[error("{0}")]
    Tests(String),
    /// CI runs every test or fails.
    #[error("{0} tests were skipped, and a skipped test is a failure in CI")]
    Skipped(u64),
    /// Cargo answered something else than expected.
    #[error("could not read the answer of `{0}`")]
    Answer(&'static str),
    /// Files could not be handled.
    #[error("could not {what}")]
    Io {
        /// What was tried.
        what: String,
        /// Cause.
        source: std::io::Error,
    },
}

/// What the test runners counted, and their last words.
#[derive(Debug, Default)]
pub struct Tally {
    /// Tests.
    pub passed: u64,
    /// Tests, and steps other than tests.
    pub failed: u64,
    /// Printed again at the end.
    pub summary: Vec<String>,
}

/// Runs the steps and prints the table.
pub fn main(place: &Place, options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let started = Instant::now();
    let mut tally = Tally::default();
    let mut table = Vec::new();
    for (step, name) in STEPS {
        let left_out = !options.only.is_empty() && !options.only.contains(step);
        if left_out || options.skip.contains(step) {
            continue;
        }
        eprintln!("\n== {name}");
        let began = Instant::now();
        let failed_before = tally.failed;
        let done = perform(place, options, *step, &mut tally);
        let seconds = began.elapsed().as_secs_f64();
        let word = if done.is_ok() { "ok" } else { "FAILED" };
        eprintln!("== {name}: {word}, {seconds:.1} s");
        table.push(format!("{name:<10}{seconds:>8.1} s  {word}"));
        if let Err(error) = done {
            say(&error);
            if tally.failed == failed_before {
                tally.failed += 1;
            }
        }
    }
    let total = started.elapsed();
    eprintln!();
    for line in &table {
        eprintln!("{line}");
    }
    eprintln!("{:<10}{:>8.1} s", "total", total.as_secs_f64());
    if total > TOO_LONG {
        eprintln!("warning: the whole took more than {} minutes", TOO_LONG.as_secs() / 60);
    }
    for line in &tally.summary {
        println!("{line}");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn perform(
    place: &Place,
    options: &Options,
    step: Step,
    tally: &mut Tally,
) -> Result<(), StepError> {
    match step {
        Step::Setup => Ok(setup::ensure(place, setup::Part::ALL)?),
        Step::Fmt => steps::fmt(place),
        Step::Clippy => steps::clippy(place),
        Step::Deny => steps::deny(place),
        Step::Features => steps::features(place),
        Step::Build => steps::build(place),
        Step::Tests => steps::tests(place, tally, in_ci()),
        Step::Docs => steps::docs(place, tally),
        Step::Fuzz => fuzz::all(place, |targets| (options.fuzz_seconds / targets.max(1)).max(5)),
    }
}
