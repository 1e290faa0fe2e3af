//! `cargo xtask bench proxy`: `sark-proxy` beside nginx, Envoy and mitmproxy where TLS ends and begins
//! again, and its splice beside HAProxy's TCP.
//!
//! ```text
//!   wrk, or a client of ours ──TLS──▶ one of them ──TLS──▶ nginx with a fixed answer
//!            other cores              first core               other cores
//! ```
//!
//! All of them have one worker and the machine's first core to themselves; load and servers have the
//! others, so what is measured is the proxy. Certificates are ECDSA P-256 everywhere, servers are verified,
//! connections to them are kept. `sark-proxy` reads each request, decides by the shipped set, and has its
//! records taken by a stand-in for `sarkd`; the others forward. They take turns, each is started anew for
//! each round, and what counts is the median of the rounds.
//!
//! Everything is in namespaces of its own (network, mounts, processes), which end with the program. It
//! has to be run by root, or where users may make namespaces.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot run says so")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is what a benchmark is for")]

mod bulk;
mod certificates;
mod chat;
mod clients;
mod figures;
mod inside;
mod measure;
mod program;
mod rivals;
mod sark;
mod sarkd;
mod wrk;

use std::process::ExitCode;

use clap::Parser;

use figures::Figures;

/// As `sark-proxy` itself, and for the same reason.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `sark-proxy` beside other proxies.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// How often everything is measured: medians count.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long one measurement takes, in seconds.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Only these of sark, nginx, envoy, mitmproxy, haproxy; all of them if not given.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Requests a second of the measurement of latency, instead of half of what nginx answers.
    #[arg(long)]
    rate: Option<f64>,
    /// As a table, or as JSON.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Table,
    Json,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Err(missing) = rivals::check(&options) {
        eprintln!("error: {missing}");
        return ExitCode::FAILURE;
    }
    if !inside::is_inside() {
        return inside::enter();
    }
    let figures: Figures = measure::rounds(&options);
    match options.output {
        Output::Table => print!("{figures}"),
        Output::Json => println!("{}", serde_json::to_string_pretty(&figures).unwrap()),
    }
    ExitCode::SUCCESS
}
