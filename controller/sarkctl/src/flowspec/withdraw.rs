//! `withdraw`: takes policies out of the policy set.

use sark_api::{ApplyResponse, WithdrawRequest, routes};

use super::apply::{confirm, finish};
use crate::cli::Context;
use crate::exit::Outcome;
use crate::progress;

/// See [`super::Command::Withdraw`].
#[derive(Debug, clap::Args)]
pub struct WithdrawArgs {
    /// Names of policies
    #[arg(value_name = "NAME", required_unless_present = "all")]
    policies: Vec<String>,
    /// Every policy
    #[arg(long, conflicts_with = "policies")]
    all: bool,
    /// Do not ask (it asks only on a terminal)
    #[arg(short, long)]
    yes: bool,
}

/// `withdraw`.
pub fn run(arguments: &WithdrawArgs, context: &mut Context) -> Outcome {
    let client = context.client()?;
    if !arguments.yes {
        let what =
            if arguments.all { "every policy".to_owned() } else { arguments.policies.join(", ") };
        confirm(&format!("Withdraw {what} and its rules?"))?;
    }
    let request = WithdrawRequest { policies: arguments.policies.clone(), all: arguments.all };
    let answer = progress::during("sarkd withdraws", || {
        client.post::<ApplyResponse>(routes::WITHDRAW, &request)
    });
    finish(answer, context)
}
