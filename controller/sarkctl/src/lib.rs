//! feed → registry → policy → [plan] → NLRI → GoBGP → router
//!
//! The command line. It asks `sarkd` over its socket, or runs the pure crates on files
//! (`--offline`), and renders what comes back. [`cli::Cli`] is the one definition of what can be
//! typed: help, man pages, completions and `docs/reference/sarkctl.md` are generated from it.
//! Then [`exit::Exit`], the meaning of the exit codes, and [`output::Out`], where data goes.
//!
//! It decides nothing about traffic: the same crates do, here and in the daemon.

pub mod cli;
pub mod exit;
pub mod output;

mod alerts;
mod approvals;
mod audit;
mod auth;
mod client;
mod context;
mod doctor;
mod explain;
mod file;
mod flowspec;
mod generate;
mod input;
mod offline;
mod policy;
mod progress;
mod proxy;
mod registry;
mod render;
mod sensors;
mod table;
mod version;

pub use generate::reference;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::cli::{Cli, Command, Context};
use crate::exit::Outcome;

/// Parses the arguments and runs the command.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Help and usage errors are printed before the arguments are known.
    let command = Cli::command().color(output::early_color(&arguments));
    let cli = Cli::from_arg_matches(&command.get_matches_from(arguments))
        .unwrap_or_else(|error| error.exit());
    anstream::ColorChoice::write_global(cli.global.color.into());
    let mut context = Context::new(cli.global);
    let outcome = run(cli.command, &mut context)
        // What was printed must be out before the exit code says that all went well.
        .and_then(|exit| Ok(std::io::Write::flush(&mut context.out).map(|()| exit)?));
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            // Data before talk, also when both go to one terminal.
            let _ = std::io::Write::flush(&mut context.out);
            output::complain(&failure);
            failure.exit.into()
        }
    }
}

fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::Flowspec(command) => flowspec::run(command, context),
        Command::Registry(command) => registry::run(command, context),
        Command::Policy(command) => policy::run(command, context),
        Command::Auth(command) => auth::run(command, context),
        Command::Context(command) => context::run(command, context),
        Command::Approvals(command) => approvals::run(command, context),
        Command::Sensors(command) => sensors::run(command, context),
        Command::Proxy(command) => proxy::run(command, context),
        Command::Audit(command) => audit::run(command, context),
        Command::Explain(arguments) => explain::run(&arguments, context),
        Command::Alerts(command) => alerts::run(&command, context),
        Command::Doctor => doctor::run(context),
        Command::Completions(arguments) => generate::completions(&arguments, context),
        Command::Man(arguments) => generate::man(&arguments, context),
        Command::Version => version::run(context),
    }
}
