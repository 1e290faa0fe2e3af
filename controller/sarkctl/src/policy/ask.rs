//! `policy ask`: what `sarkd` decides.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sark_api::{DecideRequest, DecideResponse, routes};
use sark_policy::decision::Line;
use serde::Serialize;
use serde_json::Value;

use super::decide::list;
use super::sets;
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};

/// See [`super::Command::Ask`].
#[derive(Debug, clap::Args)]
pub struct AskArgs {
    /// JSON of what to decide on, one or several one after another; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    input: PathBuf,
    /// What it is: llm, mcp, edr, tunnel or sensor; by default it is recognised
    #[arg(long, value_name = "LINE", value_parser = sets::line)]
    line: Option<Line>,
    /// Only show: nothing is recorded, counted or told
    #[arg(long, conflicts_with = "durable")]
    dry_run: bool,
    /// Wait until the record of each decision is on sarkd's disk
    #[arg(long)]
    durable: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    line: Line,
    id: String,
    #[serde(flatten)]
    answer: DecideResponse,
}

/// `policy ask`.
pub fn run(arguments: &AskArgs, context: &mut Context) -> Outcome {
    let inputs = sets::inputs(&arguments.input, arguments.line)?;
    let client = context.client()?;
    let mut results = Vec::with_capacity(inputs.len());
    let mut failure = None;
    for input in inputs {
        let (line, id) = (input.line(), input.id().to_owned());
        let Value::Object(input) = input.to_json() else {
            return Err(Failure::failed(format!("{id} is no object")));
        };
        let AskArgs { dry_run, durable, .. } = *arguments;
        let texts = BTreeMap::new();
        let question = DecideRequest { line, input, texts, flow: None, dry_run, durable };
        match client.post(routes::DECISIONS, &question) {
            Ok(answer) => results.push(Answered { line, id, answer }),
            // What was decided before it is recorded: it is shown too.
            Err(error) if !results.is_empty() => {
                failure = Some(error);
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    context.out.data(&results, |out| {
        list(out, results.iter().map(|one| (one.line, one.id.as_str(), &one.answer.decision)))
    })?;
    failure.map_or(Ok(Exit::Done), |error| Err(error.into()))
}
