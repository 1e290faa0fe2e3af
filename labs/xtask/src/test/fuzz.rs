//! Fuzz targets: each crate's `fuzz/` directory, on the stable toolchain.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use super::StepError;
use crate::place::Place;
use crate::run::{capture, watch_stderr};

/// Which, and how long.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// How long each target looks for new inputs after its corpus.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u32,
    /// How many inputs each target tries instead, those of its corpus among them, however long that takes.
    #[arg(long, value_name = "INPUTS", conflicts_with = "seconds",
          value_parser = clap::value_parser!(i32).range(1..))]
    runs: Option<i32>,
    /// Only this target; all if not given. May be repeated.
    #[arg(long = "only", value_name = "TARGET")]
    only: Vec<String>,
}

/// When a target has looked enough.
#[derive(Debug, Clone, Copy)]
enum Until {
    Seconds(u32),
    Inputs(i32),
}

/// Those that are asked for.
pub fn main(place: &Place, options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut targets = targets(place)?;
    for name in &options.only {
        if !targets.iter().any(|(_, target)| target == name) {
            let all: Vec<_> = targets.iter().map(|(_, target)| target.as_str()).collect();
            return Err(format!("there is no fuzz target {name}, but {}", all.join(", ")).into());
        }
    }
    targets.retain(|(_, target)| options.only.is_empty() || options.only.contains(target));
    let until = options.runs.map_or(Until::Seconds(options.seconds), Until::Inputs);
    targets.iter().try_for_each(|(dir, target)| one(place, dir, target, until))?;
    Ok(ExitCode::SUCCESS)
}

/// Replays every corpus, then looks for new inputs, each target for so long; `seconds` is told how
/// many there are. New inputs go to a directory under the target
/// directory, never into the checkout; a crash is left in `fuzz/artifacts`.
pub fn all(place: &Place, seconds: impl Fn(u32) -> u32) -> Result<(), StepError> {
    let targets = targets(place)?;
    let seconds = seconds(u32::try_from(targets.len()).unwrap_or(u32::MAX));
    targets.iter().try_for_each(|(dir, target)| one(place, dir, target, Until::Seconds(seconds)))
}

/// Each with its directory.
fn targets(place: &Place) -> Result<Vec<(PathBuf, String)>, StepError> {
    let mut targets = Vec::new();
    for dir in fuzz_dirs(place)? {
        let listed = capture(cargo_fuzz(place, &dir, "list").arg("--fuzz-dir").arg(&dir))?;
        let names = listed.lines().map(str::trim).filter(|name| !name.is_empty());
        targets.extend(names.map(|name| (dir.clone(), name.to_owned())));
    }
    Ok(targets)
}

fn one(place: &Place, dir: &Path, target: &str, until: Until) -> Result<(), StepError> {
    let found = place.target.join("fuzz-corpus").join(target);
    let corpus = dir.join("corpus").join(target);
    for dir in [&found, &corpus] {
        fs::create_dir_all(dir)
            .map_err(|source| StepError::Io { what: format!("make {}", dir.display()), source })?;
    }
    let fuzz = |arguments: &[String]| {
        let mut cargo = cargo_fuzz(place, dir, "run");
        // Our crates forbid unsafe code: a sanitizer would only slow the search down.
        cargo.args(["--sanitizer", "none", "--fuzz-dir"]).arg(dir);
        cargo.arg("--target-dir").arg(place.target.join("fuzz"));
        cargo.arg(target).args([&found, &corpus]);
        cargo.arg("--").args(["-timeout=10", "-rss_limit_mb=4096", "-print_final_stats=1"]);
        let mut said = Vec::new();
        let status = watch_stderr(cargo.args(arguments), |line| said.push(line.to_owned()))?;
        if status.success() {
            let of = |name| said.iter().find_map(|line| line.strip_prefix(name));
            let count = of("stat::number_of_executed_units:").unwrap_or(" ?").trim();
            return Ok(count.to_owned());
        }
        for line in said.iter().skip(said.len().saturating_sub(60)) {
            eprintln!("{line}");
        }
        Err(StepError::Tests(format!("fuzz target {target} failed: {status}")))
    };
    eprintln!("{target}: {} inputs of the corpus", fuzz(&["-runs=0".to_owned()])?);
    let began = Instant::now();
    let until = match until {
        Until::Seconds(seconds) => format!("-max_total_time={seconds}"),
        Until::Inputs(inputs) => format!("-runs={inputs}"),
    };
    let count = fuzz(&[until])?;
    eprintln!("{target}: {count} inputs in {} s", began.elapsed().as_secs());
    Ok(())
}

fn cargo_fuzz(place: &Place, dir: &Path, verb: &str) -> Command {
    let mut cargo = Command::new("cargo");
    let krate = dir.parent().unwrap_or(&place.root);
    // cargo-fuzz asks for compiler flags that stable allows only under this variable.
    cargo.args(["fuzz", verb]).env("RUSTC_BOOTSTRAP", "1").current_dir(krate);
    cargo
}

/// `fuzz/` directories of the checkout.
fn fuzz_dirs(place: &Place) -> Result<Vec<PathBuf>, StepError> {
    let mut found = Vec::new();
    let mut open = vec![place.root.clone()];
    while let Some(dir) = open.pop() {
        let failed = |source| StepError::Io { what: format!("read {}", dir.display()), source };
        for entry in fs::read_dir(&dir).map_err(failed)?.flatten() {
            let name = entry.file_name();
            let skipped = name.to_string_lossy().starts_with('.') || name == "target";
            if skipped || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let path = entry.path();
            if name == "fuzz" && path.join("Cargo.toml").is_file() {
                found.push(path);
            } else if name != "src" {
                open.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
