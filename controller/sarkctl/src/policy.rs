//! `sarkctl policy …`.

mod check;
mod decide;
mod list;
mod sets;
mod test;

use crate::cli::Context;
use crate::exit::Outcome;

/// Check, test and ask policies, list those that hold.
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
    /// Measure how fast a decision set decides
    Bench(decide::BenchArgs),
    /// List policies: those that hold, or those of files
    List(list::ListArgs),
}

/// Runs it.
pub fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::Check(arguments) => check::run(&arguments, context),
        Command::Test(arguments) => test::run(&arguments, context),
        Command::Coverage(arguments) => test::coverage(&arguments, context),
        Command::Eval(arguments) => decide::eval(&arguments, context),
        Command::Explain(arguments) => decide::explain(&arguments, context),
        Command::Bench(arguments) => decide::bench(&arguments, context),
        Command::List(arguments) => list::run(&arguments, context),
    }
}
