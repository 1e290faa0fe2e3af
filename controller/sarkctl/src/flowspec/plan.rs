//! `plan`: what would change.

use std::path::PathBuf;

use sark_api::{PlanRequest, PlanResponse, routes};
use sark_compiler::{Plan, PlanDocument};

use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::offline::Inputs;
use crate::{input, progress, render};

/// See [`super::Command::Plan`].
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    /// Policies; of a directory its *.yaml and *.yml; `-` is standard input
    #[arg(short, long = "file", required = true, num_args = 1.., value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Plan against an empty router from files alone, without sarkd
    #[arg(long)]
    offline: bool,
    /// Exit with 4 when there is something to change
    #[arg(long)]
    detailed_exitcode: bool,
    #[command(flatten)]
    inputs: Inputs,
}

/// `plan`.
pub fn run(arguments: &PlanArgs, context: &mut Context) -> Outcome {
    let document = if arguments.offline {
        offline(arguments)?
    } else {
        arguments.inputs.refuse_online()?;
        let files = input::policies(&arguments.files)?;
        let client = context.client()?;
        let ask = || client.post::<PlanResponse>(routes::PLAN, &PlanRequest { files });
        progress::during("sarkd plans", ask)?.plan
    };
    let verbose = context.verbose;
    context.out.data(&document, |out| render::plan(out, &document, verbose))?;
    Ok(exit(&document, arguments.detailed_exitcode))
}

fn offline(arguments: &PlanArgs) -> Result<PlanDocument, Failure> {
    let offline = arguments.inputs.load()?;
    let compiled = offline.compile(&arguments.files)?;
    let environment = &offline.environment;
    Ok(Plan::between(&compiled, &[], environment.asn, environment.instance).document)
}

/// Refused beats changes.
fn exit(document: &PlanDocument, detailed: bool) -> Exit {
    if !document.refused.is_empty() {
        Exit::Refused
    } else if detailed && changes(document) > 0 {
        Exit::Changes
    } else {
        Exit::Done
    }
}

/// Rules that come or go.
pub fn changes(document: &PlanDocument) -> u64 {
    document.summary.announce + document.summary.withdraw
}
