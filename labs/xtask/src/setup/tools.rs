//! Cargo subcommands.

use std::process::Command;

use super::SetupError;
use crate::place::Place;
use crate::run::{run, which};

struct Tool {
    name: &'static str,
    why: &'static str,
    /// Lean: without self-update and the TLS stack it needs.
    features: &'static [&'static str],
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "cargo-nextest",
        why: "runs the tests, each in its own process",
        features: &["--no-default-features", "--features", "default-no-update"],
    },
    Tool { name: "cargo-deny", why: "checks licences, bans and sources", features: &[] },
    Tool { name: "cargo-fuzz", why: "runs the fuzz targets", features: &[] },
];

/// Installs those that are missing.
pub fn ensure(place: &Place) -> Result<(), SetupError> {
    for tool in TOOLS.iter().filter(|tool| !present(tool.name)) {
        eprintln!("installing {}: {}", tool.name, tool.why);
        let mut cargo = Command::new("cargo");
        // Unoptimised builds of these take a third of the time and are fast enough.
        cargo.args(["install", "--quiet", "--locked", "--profile", "dev", tool.name]);
        cargo.args(tool.features).env("CARGO_TARGET_DIR", place.target.join("tools"));
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").current_dir("/");
        let failed = |source| SetupError::Command { what: tool.name.to_owned(), source };
        run(&mut cargo).map_err(failed)?;
    }
    Ok(())
}

/// Cargo finds its subcommands on the search path and in its own directory.
fn present(name: &str) -> bool {
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from).or_else(|| {
        std::env::var_os("HOME").map(|home| std::path::Path::new(&home).join(".cargo"))
    });
    which(name).is_some() || home.is_some_and(|home| home.join("bin").join(name).is_file())
}
