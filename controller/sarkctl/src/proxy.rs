//! `sarkctl proxy …`: inline proxies, and the authority that their clients trust.

mod ca;
mod pools;
mod status;
mod top;

use crate::cli::Context;
use crate::exit::Outcome;

/// Inline proxies, their pools, and the authority that their clients trust.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// The certificate authority that clients of a proxy trust
    ///
    /// Works on its directory, on the proxy's machine, as who owns it. A running proxy takes what
    /// changed at its next start.
    Ca(ca::CaArgs),
    /// Show the calls of the last minutes: by model, client, agent; what was denied, what it cost
    ///
    /// On a terminal it shows them anew every two seconds until Ctrl-C. Of several sarkd each knows the
    /// calls whose records were handed in there.
    Top(top::TopArgs),
    /// List pools: which proxies are up, what they answer, and which sources each gets
    Pools,
    /// List proxies that sarkd heard: what they decide by, and records that wait in their spools
    Status,
}

/// Runs it.
pub fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::Ca(arguments) => ca::run(&arguments, context),
        Command::Top(arguments) => top::run(&arguments, context),
        Command::Pools => pools::run(context),
        Command::Status => status::run(context),
    }
}
