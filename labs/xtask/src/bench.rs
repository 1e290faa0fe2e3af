//! `cargo xtask bench`: Criterion's, and the comparison with a bare GoBGP client.

use std::process::{Command, ExitCode};

use crate::place::Place;
use crate::run::{RunError, run};

/// Which benchmark.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// A benchmark's name (see `benches/` of each crate), or `gobgp`: our bulk announce beside a
    /// bare client, against a gobgpd of its own. Without a name: all of Criterion's.
    name: Option<String>,
    /// Passed on to the benchmark, such as a filter.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Runs it in the release profile.
pub fn main(place: &Place, options: &Options) -> Result<ExitCode, RunError> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&place.root);
    match options.name.as_deref() {
        None => cargo.args(["bench", "--workspace", "--benches"]),
        Some("gobgp") => cargo.args(["run", "--release", "-p", "sark-gobgp", "--example", "bench"]),
        Some(name) => cargo.args(["bench", "--workspace", "--bench", name]),
    };
    run(cargo.arg("--").args(&options.rest))?;
    Ok(ExitCode::SUCCESS)
}
