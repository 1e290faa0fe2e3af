//! `cargo xtask bench`: Criterion's, and those that are programs of their own.

use std::process::{Command, ExitCode};

use crate::place::Place;
use crate::run::{RunError, run};
use crate::setup;

/// Which benchmark.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// A benchmark's name (see `benches/` of each crate), or one of these. `gobgp`: our bulk announce
    /// beside a bare client, against a gobgpd of its own. `month`: a month of a content network's
    /// addresses, our ageing beside two simpler ways; days and seeds may follow. `feeds`: what the
    /// worst feeds cost sarkd in memory. `decisions`: the shipped decision policies, by us and by OPA's
    /// own engine, on one and two threads. `audit`: records a second into the trail, on the disk, and
    /// verified; how many, batch and directory may follow. `trail`: the same the whole way, through queue
    /// and spool; how many and directory may follow. `enforcer`: 1 to 10,000 rules in the kernel, what
    /// they take to load and to count, and what they cost a packet (as root). `proxy`: sark-proxy beside nginx,
    /// Envoy and mitmproxy, and its splice beside HAProxy's (as root; `setup --only bench` fetches them); see
    /// `-- --help`. Without a name: all of Criterion's.
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
        Some("enforcer") => {
            cargo.args(["run", "--release", "-p", "sark-enforcer", "--example", "enforcer"])
        }
        Some("audit") => cargo.args(["run", "--release", "-p", "sark-store", "--example", "audit"]),
        Some("trail") => {
            cargo.args(["run", "--release", "-p", "sark-controller", "--example", "trail"])
        }
        Some("month") => {
            cargo.args(["run", "--release", "-p", "sark-registry", "--example", "month"])
        }
        Some("proxy") => {
            // The program that is measured is the one that is shipped.
            let mut build = Command::new("cargo");
            build.current_dir(&place.root).args(["build", "--release", "-p", "sark-inline-proxy"]);
            run(build.args(["--bin", "sark-proxy"]))?;
            cargo.env("SARK_PROXY", place.target.join("release/sark-proxy"));
            if std::env::var_os("SARK_PROXIES").is_none() && setup::python::has_proxies(place) {
                cargo.env("SARK_PROXIES", setup::python::proxies(place));
            }
            cargo.args(["run", "--release", "-p", "sark-proxy-bench"])
        }
        Some("decisions") => {
            // Where setup unpacked OPA's engine, unless it was named.
            if std::env::var_os("SARK_OPA").is_none() && setup::opa::is_complete(place) {
                cargo.env("SARK_OPA", setup::opa::root(place));
            }
            cargo.args(["run", "--release", "-p", "sark-policy", "--example", "decisions"])
        }
        Some("feeds") => {
            cargo.args(["test", "--release", "-p", "sark-controller", "--test", "controller"]);
            cargo.arg("memory::")
        }
        Some(name) => cargo.args(["bench", "--workspace", "--bench", name]),
    };
    cargo.arg("--").args(&options.rest);
    if options.name.as_deref() == Some("feeds") {
        cargo.arg("--nocapture");
    }
    run(&mut cargo)?;
    Ok(ExitCode::SUCCESS)
}
