//! `sarkctl policy …`.

mod ask;
mod check;
mod decide;
mod diff;
mod differences;
mod list;
mod rollout;
mod sets;
mod test;

use crate::cli::Context;
use crate::exit::Outcome;

/// Check, test, ask and put to use policies, list those that hold.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Find the mistakes in policies
    ///
    /// Works on files, without sarkd: network policies (YAML) and decision sets (Rego). Every mistake
    /// is shown with its line; exits with 2 if there is one. What needs the registry or the routers to
    /// be known is for `flowspec plan` to say.
    Check(check::CheckArgs),
    /// Run the tests of a decision set
    ///
    /// Rules that begin with `test_`, as `opa test` runs them. Failed ones are shown with their place,
    /// with -v all; exits with 1 if one failed.
    Test(test::TestArgs),
    /// Show which lines of a decision set its tests reach
    Coverage(test::CoverageArgs),
    /// Decide by a decision set
    ///
    /// Works on files, without sarkd. On a request, an activity, a tunnel or a sensor's report, each as
    /// JSON; see policies/decision/schemas.
    Eval(decide::EvalArgs),
    /// Decide, and show every rule that matched
    Explain(decide::EvalArgs),
    /// Have sarkd decide, by the set that is in use
    ///
    /// As a proxy or a gateway does it: the decision is recorded, and told if it alerts. Takes the same
    /// JSON as `policy eval`.
    Ask(ask::AskArgs),
    /// Measure how fast a decision set decides
    Bench(decide::BenchArgs),
    /// Make recorded decisions again by another decision set
    ///
    /// Takes what was decided on from the audit trail, with what the registry said then, and shows
    /// which decisions the set would make otherwise, in what happens or in anything else: severity,
    /// reason, obligations, rules. Nothing is put to use.
    Diff(diff::DiffArgs),
    /// List network policies: those that hold, or those of files
    List(list::ListArgs),
    /// Show which decision set sarkd decides by, and those that it keeps
    Sets,
    /// Put a decision set to use: at once, in shadow, or as a canary
    ///
    /// It is checked and compiled as a whole first; if anything is wrong with it, what is in use stays.
    /// See `policy diff` for what it would change.
    Activate(rollout::ActivateArgs),
    /// Take the candidate back, or without one the active set
    Rollback(rollout::RollbackArgs),
    /// Ask the source of the decision set now, which `decisions.source` names
    Refresh,
}

/// Runs it.
pub fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::Check(arguments) => check::run(&arguments, context),
        Command::Test(arguments) => test::run(&arguments, context),
        Command::Coverage(arguments) => test::coverage(&arguments, context),
        Command::Eval(arguments) => decide::eval(&arguments, context),
        Command::Explain(arguments) => decide::explain(&arguments, context),
        Command::Ask(arguments) => ask::run(&arguments, context),
        Command::Bench(arguments) => decide::bench(&arguments, context),
        Command::Diff(arguments) => diff::run(&arguments, context),
        Command::List(arguments) => list::run(&arguments, context),
        Command::Sets => rollout::sets(context),
        Command::Activate(arguments) => rollout::activate(&arguments, context),
        Command::Rollback(arguments) => rollout::rollback(&arguments, context),
        Command::Refresh => rollout::refresh(context),
    }
}
