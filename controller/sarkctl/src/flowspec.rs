//! `sarkctl flowspec …`.

pub(crate) mod apply;
mod codec;
mod plan;
mod revisions;
mod rules;
mod simulate;
mod withdraw;

use crate::cli::Context;
use crate::exit::Outcome;

/// Plan, apply and look at FlowSpec rules.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show what applying policies would change
    ///
    /// Each rule is shown with the policy line behind it and what else lives at its addresses.
    /// Nothing is changed. If a guard refuses anything, all of it is shown and the exit code is 3.
    /// Rules that stay are counted, and shown with -v.
    ///
    /// `-o json` is Plan JSON, schema 1: it changes only in compatible ways.
    Plan(plan::PlanArgs),
    /// Make these policies the whole policy set
    ///
    /// What they ask for is announced; what they no longer ask for is withdrawn. All or nothing: if
    /// a guard refuses anything, nothing changes and the exit code is 3. The same set again changes
    /// nothing.
    Apply(apply::ApplyArgs),
    /// List the rules, as they should be and as they are
    List,
    /// Show one rule
    Show(rules::ShowArgs),
    /// Take policies out of the policy set, and their rules off the routers
    Withdraw(withdraw::WithdrawArgs),
    /// List the accepted policy sets, or show one
    Revisions(revisions::RevisionsArgs),
    /// Which rule a packet would hit, and why that one
    ///
    /// Works on files, without sarkd. Routers have no priorities: they take rules in the order of
    /// RFC 8955 section 5.1, and this says which comparison decided.
    Simulate(simulate::SimulateArgs),
    /// From a rule's text to its octets
    ///
    /// With no TEXT, or `-`, reads lines from standard input and prints one result per line (as
    /// JSON: one object per line). Empty lines and lines that begin with `#` are skipped. A wrong
    /// line is told on stderr with its number, the others go on, and the exit code is 2.
    Encode(codec::EncodeArgs),
    /// From a rule's octets to its text
    ///
    /// With no HEX, or `-`, reads lines from standard input as `encode` does. The hex digits begin
    /// with the length octets; blanks between them do not matter.
    Decode(codec::DecodeArgs),
}

/// Runs it.
pub fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::Plan(arguments) => plan::run(&arguments, context),
        Command::Apply(arguments) => apply::run(&arguments, context),
        Command::List => rules::list(context),
        Command::Show(arguments) => rules::show(&arguments, context),
        Command::Withdraw(arguments) => withdraw::run(&arguments, context),
        Command::Revisions(arguments) => revisions::run(&arguments, context),
        Command::Simulate(arguments) => simulate::run(&arguments, context),
        Command::Encode(arguments) => codec::encode(&arguments, context),
        Command::Decode(arguments) => codec::decode(&arguments, context),
    }
}
