//! feed → registry → policy → plan → NLRI → GoBGP → [router]
//!
//! The project's own chores: `demo` and `lab` bring up real routers on this machine, `test` is
//! everything CI runs, `setup` installs what those need. Start at [`Cli`]; each subcommand is one
//! module. Nothing here is part of the product.

mod bench;
mod demo;
mod interrupt;
mod lab;
mod place;
mod run;
mod setup;
mod soak;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// SARK's chores. Run as `cargo xtask COMMAND`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything CI runs: formatting, lints, licences, all tests, fuzzing. Installs what is missing.
    Test(test::Options),
    /// Install what tests, lab and demo need, and say each thing aloud.
    Setup(setup::Options),
    /// From a policy file to two real routers, on this machine, in a minute.
    Demo(demo::Options),
    /// Bring a lab of `labs/containerlab/` up or down on this machine, or work in it.
    #[command(subcommand)]
    Lab(lab::Action),
    /// Run benchmarks.
    Bench(bench::Options),
    /// Kill sarkd at random points, many times, and see that nothing is lost or made up.
    Soak(soak::Options),
    /// Run the fuzz targets: the corpus first, then new inputs for a while.
    Fuzz(test::fuzz::Options),
    /// The first process of a lab's node.
    #[command(hide = true)]
    NodeInit {
        /// What the node is to be, as JSON.
        orders: String,
    },
}

fn main() -> ExitCode {
    let place = place::Place::find();
    let done = match Cli::parse().command {
        Command::Test(options) => test::main(&place, &options),
        Command::Setup(options) => setup::main(&place, &options).map_err(Into::into),
        Command::Demo(options) => demo::main(&place, &options).map_err(Into::into),
        Command::Lab(action) => lab::main(&place, &action).map_err(Into::into),
        Command::NodeInit { orders } => Ok(lab::init::main(&orders)),
        Command::Bench(options) => bench::main(&place, &options).map_err(Into::into),
        Command::Soak(options) => soak::main(&place, &options).map_err(Into::into),
        Command::Fuzz(options) => test::fuzz::main(&place, &options),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            interrupt::settle();
            run::say(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
