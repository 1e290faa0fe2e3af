//! The steps that are one or two cargo commands.

use std::collections::BTreeMap;
use std::process::Command;

use serde::Deserialize;

use super::{StepError, Tally};
use crate::place::Place;
use crate::run::{capture, run, watch_stderr};
use crate::setup;

fn cargo(place: &Place) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&place.root).env("CARGO_TARGET_DIR", &place.target);
    cargo.envs(setup::environment(place));
    cargo
}

pub fn fmt(place: &Place) -> Result<(), StepError> {
    Ok(run(cargo(place).args(["fmt", "--all", "--check"]))?)
}

pub fn clippy(place: &Place) -> Result<(), StepError> {
    let words = ["clippy", "--quiet", "--workspace", "--all-targets", "--keep-going"];
    let profile = ["--profile", "ci", "--locked", "--", "-D", "warnings"];
    Ok(run(cargo(place).args(words).args(profile))?)
}

pub fn deny(place: &Place) -> Result<(), StepError> {
    let words = ["deny", "--workspace", "check", "--hide-inclusion-graph"];
    run(cargo(place).args(words).args(["licenses", "bans", "sources"]))?;
    // The advisory database lives on another host: where that cannot be reached, or does not
    // answer, there is nothing to check.
    let mut fetch = Command::new("timeout");
    fetch.args(["60", "cargo", "deny", "fetch", "db"]).current_dir(&place.root);
    match capture(&mut fetch) {
        Ok(_) => Ok(run(cargo(place).args(words).arg("advisories"))?),
        Err(_) => {
            eprintln!("the advisory database cannot be reached: advisories not checked");
            Ok(())
        }
    }
}

pub fn build(place: &Place) -> Result<(), StepError> {
    let words = ["build", "--workspace", "--all-targets", "--profile", "ci", "--locked"];
    Ok(run(cargo(place).args(words))?)
}

/// What `cargo metadata` says of the workspace.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    features: BTreeMap<String, Vec<String>>,
}

/// A feature adds and never alters, and crates that have features compile without them, and with the
/// first, the second, … of each: a round for each of these, since what they stand on is compiled anew in it.
pub fn features(place: &Place) -> Result<(), StepError> {
    let words = ["metadata", "--no-deps", "--format-version", "1", "--locked"];
    let answer = capture(cargo(place).args(words))?;
    let metadata: Metadata =
        serde_json::from_str(&answer).map_err(|_| StepError::Answer("cargo metadata"))?;
    let packages: Vec<_> =
        metadata.packages.iter().filter(|package| !package.features.is_empty()).collect();
    let named = packages.iter().flat_map(|package| ["--package", package.name.as_str()]);
    let named: Vec<_> = named.collect();
    let most = packages.iter().map(|package| package.features.len()).max().unwrap_or(0);
    for round in 0..=most {
        let of = |package: &&Package| {
            let mut features = package.features.keys().filter(|name| *name != "default");
            Some(format!("{}/{}", package.name, features.nth(round.checked_sub(1)?)?))
        };
        let features = packages.iter().filter_map(of).collect::<Vec<_>>().join(",");
        eprintln!("{}", if features.is_empty() { "no features" } else { &features });
        let words = ["check", "--quiet", "--profile", "ci", "--locked", "--no-default-features"];
        run(cargo(place).args(words).args(&named).args(["--features", &features]))?;
    }
    Ok(())
}

pub fn tests(place: &Place, tally: &mut Tally, ci: bool) -> Result<(), StepError> {
    let words = ["nextest", "run", "--workspace", "--cargo-profile", "ci", "--locked"];
    let mut nextest = cargo(place);
    nextest.args(words);
    let mut counted = None;
    let mut summary = Vec::new();
    let status = watch_stderr(&mut nextest, |line| {
        eprintln!("{line}");
        let line = without_colour(line);
        if let Some(counts) = Counts::read(&line) {
            counted = Some(counts);
        }
        if counted.is_some() {
            summary.push(line);
        }
    })?;
    tally.summary.extend(summary);
    let Some(counts) = counted else {
        return Err(StepError::Tests(format!("no test ran: cargo nextest ended with {status}")));
    };
    tally.passed += counts.passed;
    tally.failed += counts.failed;
    if !status.success() {
        return Err(StepError::Tests(format!("{} tests failed", counts.failed)));
    }
    if ci && counts.skipped > 0 {
        return Err(StepError::Skipped(counts.skipped));
    }
    Ok(())
}

/// nextest does not run the examples in documentation.
pub fn docs(place: &Place, tally: &mut Tally) -> Result<(), StepError> {
    let words = ["test", "--doc", "--workspace", "--profile", "ci", "--locked", "--no-fail-fast"];
    let ended = cargo(place).args(words).stdin(std::process::Stdio::null()).output();
    let out = ended.map_err(|source| StepError::Io { what: "start cargo test".into(), source })?;
    let text = String::from_utf8_lossy(&out.stdout);
    let (mut passed, mut failed) = (0, 0);
    for line in text.lines().filter(|line| line.starts_with("test result:")) {
        passed += number_before(line, "passed");
        failed += number_before(line, "failed");
    }
    tally.passed += passed;
    tally.failed += failed;
    eprintln!("{passed} examples passed, {failed} failed");
    if out.status.success() {
        return Ok(());
    }
    eprint!("{text}{}", String::from_utf8_lossy(&out.stderr));
    Err(StepError::Tests("examples in the documentation failed".to_owned()))
}

/// nextest's closing line: `Summary [ 1.2s] 12 tests run: 10 passed (1 slow), 2 failed, 1 skipped`.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    fn read(line: &str) -> Option<Self> {
        let line = line.trim_start();
        if !line.starts_with("Summary [") || !line.contains("run:") {
            return None;
        }
        let of = |word| number_before(line, word);
        let failed = of("failed") + of("timed out") + of("exec failed");
        Some(Self { passed: of("passed"), failed, skipped: of("skipped") })
    }
}

/// The number in front of a word, 0 if it is not there.
fn number_before(line: &str, word: &str) -> u64 {
    let parts = line.split([',', ';', ':', '.']).map(str::trim);
    let numbers = parts.filter_map(|part| {
        // The first part of nextest's line has the time in front.
        let (_, part) = part.rsplit_once(']').unwrap_or(("", part));
        let (number, rest) = part.trim_start().split_once(' ')?;
        if rest.starts_with(word) { number.parse::<u64>().ok() } else { None }
    });
    numbers.sum()
}

fn without_colour(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_summaries_are_read() {
        let read = |line| Counts::read(&without_colour(line));
        assert_eq!(
            read("     Summary [   0.074s] 16 tests run: 16 passed, 0 skipped"),
            Some(Counts { passed: 16, failed: 0, skipped: 0 })
        );
        assert_eq!(
            read(
                "\u{1b}[31;1m     Summary\u{1b}[0m [   3.1s] 9 tests run: 4 passed (1 slow), 3 failed, 2 timed out, 7 skipped"
            ),
            Some(Counts { passed: 4, failed: 5, skipped: 7 })
        );
        assert_eq!(read("        PASS [   0.005s] xtask::bin/xtask Summary"), None);
    }

    #[test]
    fn rustdoc_results_are_read() {
        let line = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
        assert_eq!((number_before(line, "passed"), number_before(line, "failed")), (3, 0));
    }
}
