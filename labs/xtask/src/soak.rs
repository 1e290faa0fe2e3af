//! `cargo xtask soak`: at full length what CI does with a few seeds.

use std::process::{Command, ExitCode};

use crate::place::Place;
use crate::run::{RunError, run};

/// How long.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Kills of `sarkd` at random points of an apply of 1,000 rules.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    seeds: u32,
    /// Kills of a process that writes to the audit trail.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    trail_rounds: u32,
    /// The first seed; the same seeds choose the same points.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    first: u32,
}

/// Builds as CI does and runs it.
pub fn main(place: &Place, options: &Options) -> Result<ExitCode, RunError> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["test", "--profile", "ci", "--locked", "-p", "sark-controller"])
        .args(["--test", "controller", "kill::", "--", "--nocapture"])
        .current_dir(&place.root)
        .env("SARK_SOAK_SEEDS", options.seeds.to_string())
        .env("SARK_TRAIL_ROUNDS", options.trail_rounds.to_string())
        .env("SARK_SOAK_FIRST", options.first.to_string());
    run(&mut cargo)?;
    Ok(ExitCode::SUCCESS)
}
