//! `sarkctl policy …`.

mod check;
mod list;

use crate::cli::Context;
use crate::exit::Outcome;

/// Check policies, list those that hold.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Find the mistakes in policy files
    ///
    /// Works on files, without sarkd. Every mistake is shown with its line; exits with 2 if there
    /// is one. What needs the registry or the routers to be known is for `flowspec plan` to say.
    Check(check::CheckArgs),
    /// List policies: those that hold, or those of files
    List(list::ListArgs),
}

/// Runs it.
pub fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::Check(arguments) => check::run(&arguments, context),
        Command::List(arguments) => list::run(&arguments, context),
    }
}
