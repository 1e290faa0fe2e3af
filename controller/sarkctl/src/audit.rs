//! `sarkctl audit …`: the trail, through `sarkd` or on a database file.

mod export;
mod filter;
mod prove;
mod show;
pub(crate) mod source;
mod tail;
mod verify;

pub(crate) use tail::outcome;

use crate::cli::Context;
use crate::exit::Outcome;

/// Read the audit trail, search, export, verify and prove it.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show the newest records, oldest of them first
    Tail(tail::TailArgs),
    /// Find records by time, actor, event, severity, host, user or policy, newest first
    Search(tail::SearchArgs),
    /// Show one record whole, with what a policy had kept
    Show(show::ShowArgs),
    /// Write records as JSON lines, oldest first: as they are, or as OCSF 1.8 events
    Export(export::ExportArgs),
    /// See that nothing was changed, removed, moved or cut off
    ///
    /// Reads the whole trail and computes its chain and its Merkle tree again. The first record that
    /// is not as it was written is named, with what is wrong; exit 1 then. A cut tail, or a trail
    /// that was written anew, shows by the checkpoints: give those of an anchor that who can write
    /// to the database cannot.
    Verify(verify::VerifyArgs),
    /// Write a proof that a record is in the trail, which `verify --proof` checks by itself
    Prove(prove::ProveArgs),
}

/// Runs it.
pub fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::Tail(arguments) => tail::tail(&arguments, context),
        Command::Search(arguments) => tail::search(&arguments, context),
        Command::Show(arguments) => show::run(&arguments, context),
        Command::Export(arguments) => export::run(&arguments, context),
        Command::Verify(arguments) => verify::run(&arguments, context),
        Command::Prove(arguments) => prove::run(&arguments, context),
    }
}
