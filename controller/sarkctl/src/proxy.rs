//! `proxy`: the proxies that redirected flows go to.

mod pools;

use crate::cli::Context;
use crate::exit::Outcome;

/// What to do with proxies.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List pools: which proxies are up, what they answer, and which sources each gets
    Pools,
}

/// Runs it.
pub fn run(command: &Command, context: &mut Context) -> Outcome {
    match command {
        Command::Pools => pools::run(context),
    }
}
