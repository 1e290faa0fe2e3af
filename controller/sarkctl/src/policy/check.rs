//! `policy check`.

use std::io::Write as _;
use std::path::PathBuf;

use sark_api::DiagnosticBody;
use serde::Serialize;

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Format, complain_about, style, talk};
use crate::{input, offline, render};

/// See [`super::Command::Check`].
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Policies; of a directory its *.yaml and *.yml; `-` is standard input
    #[arg(required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    valid: bool,
    files: usize,
    policies: Vec<String>,
    policy_version: Option<String>,
    mistakes: Vec<DiagnosticBody>,
}

/// `policy check`.
pub fn run(arguments: &CheckArgs, context: &mut Context) -> Outcome {
    let files = input::policies(&arguments.files)?;
    let number = render::count(files.len() as u64, "file");
    let mut report = Report {
        valid: true,
        files: files.len(),
        policies: Vec::new(),
        policy_version: None,
        mistakes: Vec::new(),
    };
    match offline::policies(&files) {
        Ok(set) => {
            report.policies = set.policies.into_iter().map(|policy| policy.name).collect();
            report.policy_version = Some(set.version.to_string());
        }
        Err(mistakes) if context.out.format == Format::Table => {
            mistakes.0.iter().for_each(complain_about);
            talk(format_args!("{} in {number}", render::count(mistakes.0.len() as u64, "mistake")));
            return Ok(Exit::Usage);
        }
        Err(mistakes) => {
            report.valid = false;
            report.mistakes = mistakes.0.into_iter().map(DiagnosticBody::from).collect();
        }
    }
    context.out.data(&report, |out| {
        let ok = out.paint(style::ADD, "ok");
        writeln!(out, "{ok}: {} in {number}", render::policies(report.policies.len()))
    })?;
    Ok(if report.valid { Exit::Done } else { Exit::Usage })
}
