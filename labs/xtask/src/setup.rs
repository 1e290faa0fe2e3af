//! `cargo xtask setup`: what tests, lab and demo need from outside, installed if it is missing and
//! said aloud.
//!
//! Debian packages and cargo tools go where they always go. Daemons of other Debian releases
//! ([`suite`]) and Python packages are unpacked under the target directory and never installed.

mod debian;
mod node;
pub mod opa;
pub mod python;
pub mod suite;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::place::Place;
use crate::run::RunError;

/// What to install.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Only this part; all but `bench` if not given. May be repeated.
    #[arg(long = "only", value_enum)]
    only: Vec<Part>,
}

/// Parts that are needed for different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Debian packages of lab and demo: routers, speaker, network tools.
    Lab,
    /// Debian packages of the tests: other BGP daemons, a C++ compiler.
    Packages,
    /// Cargo's test runner, dependency checker and fuzzer.
    Tools,
    /// FRR 10, gobgpd 3.36 and Suricata 7 of Debian 13, unpacked under the target directory.
    Suite,
    /// Validators of STIX and OCSF, OPA, a fuzzer of HTTP APIs, clients of alerts' receivers, libraries of
    /// LLM providers, Node.js: Python packages, unpacked under the target directory.
    Python,
    /// What `bench proxy` measures ours beside, and loads them with: Debian packages, and Envoy and mitmproxy
    /// as Python packages, unpacked under the target directory.
    Bench,
}

impl Part {
    /// All that tests, lab and demo need.
    pub const ALL: &[Self] = &[Self::Lab, Self::Packages, Self::Tools, Self::Suite, Self::Python];
}

/// Why something is still missing.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Packages are installed by root only.
    #[error("{} missing, and only root can install: apt-get install {}", count(.0), .0.join(" "))]
    NotRoot(Vec<&'static str>),
    /// No apt here.
    #[error("this machine has no apt-get; install by hand: {}", .0.join(" "))]
    NotDebian(Vec<&'static str>),
    /// A command failed.
    #[error("could not install {what}")]
    Command {
        /// What was being installed.
        what: String,
        /// Cause.
        source: RunError,
    },
    /// Nothing to copy from.
    #[error("apt's configuration names no Debian mirror, so {0}'s packages cannot be fetched")]
    NoMirror(&'static str),
    /// A file could not be written.
    #[error("could not write {}", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
}

fn count(packages: &[&str]) -> String {
    match packages.len() {
        1 => "one Debian package is".to_owned(),
        n => format!("{n} Debian packages are"),
    }
}

/// Installs, then prints what tests find in their environment.
pub fn main(place: &Place, options: &Options) -> Result<ExitCode, SetupError> {
    ensure(place, if options.only.is_empty() { Part::ALL } else { &options.only })?;
    for (name, value) in environment(place) {
        println!("export {name}={}", value.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Installs what is missing of these parts.
pub fn ensure(place: &Place, parts: &[Part]) -> Result<(), SetupError> {
    for part in parts {
        match part {
            Part::Lab => debian::ensure(debian::LAB)?,
            Part::Packages => debian::ensure(debian::TESTS)?,
            Part::Tools => tools::ensure(place)?,
            Part::Suite => suite::ensure(place)?,
            Part::Python => {
                python::ensure(place)?;
                opa::ensure(place)?;
                node::ensure(place)?;
            }
            Part::Bench => {
                debian::ensure(debian::BENCH)?;
                python::ensure_proxies(place)?;
            }
        }
    }
    let lines = environment(place).into_iter();
    let text: String = lines.map(|(name, value)| format!("{name}={}\n", value.display())).collect();
    write(place.target.join("setup.env"), &text)
}

/// The variables by which tests find what was unpacked.
pub fn environment(place: &Place) -> Vec<(&'static str, PathBuf)> {
    let root = suite::root(place);
    let mut found = Vec::new();
    if suite::is_complete(place) {
        found.push(("SARK_FRR10_ROOT", root.clone()));
        found.push(("SARK_GOBGPD_3_36", root.join("gobgpd")));
        found.push(("SARK_SURICATA", root.join("suricata")));
    }
    if python::is_complete(place) {
        found.push(("SARK_STIX_VALIDATOR", python::root(place)));
        found.push(("SARK_PYTHON", python::root(place)));
        found.push(("SARK_SDKS", python::sdks(place)));
    }
    if node::is_complete(place) {
        found.push(("SARK_NODE", node::root(place)));
    }
    if python::has_proxies(place) {
        found.push(("SARK_PROXIES", python::proxies(place)));
    }
    if opa::is_complete(place) {
        found.push(("SARK_OPA", opa::root(place)));
    }
    found
}

fn write(path: PathBuf, text: &str) -> Result<(), SetupError> {
    std::fs::write(&path, text).map_err(|source| SetupError::Write { path, source })
}
