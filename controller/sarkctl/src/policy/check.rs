//! `policy check`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use sark_api::DiagnosticBody;
use sark_core::storage::PolicyFile;
use serde::Serialize;

use super::sets::{self, BundleArgs};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::input::InputError;
use crate::output::{Format, complain_about, style, talk};
use crate::{input, offline, render};

/// See [`super::Command::Check`].
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Network policies, of a directory its *.yaml and *.yml; decision sets: a directory with
    /// set.yaml, or one with such directories, or an OPA bundle; `-` is standard input
    #[arg(required = true, value_name = "FILE|DIR|BUNDLE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    bundle: BundleArgs,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    valid: bool,
    files: usize,
    policies: Vec<String>,
    policy_version: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decision_sets: Vec<Set>,
    mistakes: Vec<DiagnosticBody>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Set {
    path: String,
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
    policies: Vec<String>,
}

/// `policy check`.
pub fn run(arguments: &CheckArgs, context: &mut Context) -> Outcome {
    let (files, sets) = sorted(&arguments.files)?;
    let number = render::count(files.len() as u64, "file");
    let mut report = Report {
        valid: true,
        files: files.len(),
        policies: Vec::new(),
        policy_version: None,
        decision_sets: Vec::new(),
        mistakes: Vec::new(),
    };
    let mut mistakes = Vec::new();
    if !files.is_empty() || sets.is_empty() {
        match offline::policies(&files) {
            Ok(set) => {
                report.policies = set.policies.into_iter().map(|policy| policy.name).collect();
                report.policy_version = Some(set.version.to_string());
            }
            Err(wrong) => mistakes.extend(wrong.0),
        }
    }
    for path in &sets {
        let files = arguments.bundle.read(path)?;
        match files.load() {
            Err(wrong) => mistakes.extend(wrong.0),
            Ok(set) => report.decision_sets.push(Set {
                path: path.display().to_string(),
                name: set.settings().name.clone(),
                version: set.version().as_str().to_owned(),
                revision: files.revision,
                signed_by: files.signed_by,
                policies: set.policies().iter().map(|p| format!("{}/{}", p.line, p.id)).collect(),
            }),
        }
    }
    if !mistakes.is_empty() {
        if context.out.format == Format::Table {
            mistakes.iter().for_each(complain_about);
            let wrong = render::count(mistakes.len() as u64, "mistake");
            let sets = render::count(sets.len() as u64, "decision set");
            match (report.files, report.decision_sets.len()) {
                (0, _) => talk(format_args!("{wrong} in {sets}")),
                _ => talk(format_args!("{wrong} in {number}")),
            }
            return Ok(Exit::Usage);
        }
        report.valid = false;
        report.mistakes = mistakes.into_iter().map(DiagnosticBody::from).collect();
    }
    context.out.data(&report, |out| {
        let ok = out.paint(style::ADD, "ok");
        if report.files > 0 {
            writeln!(out, "{ok}: {} in {number}", render::policies(report.policies.len()))?;
        }
        for set in &report.decision_sets {
            let (count, version) = (set.policies.len(), render::short(&set.version));
            let signed = match &set.signed_by {
                Some(key) => format!(", signed by {key}"),
                None => String::new(),
            };
            let policies = render::policies(count);
            writeln!(out, "{ok}: {policies} in decision set {} {version}{signed}", set.name)?;
        }
        Ok(())
    })?;
    Ok(if report.valid { Exit::Done } else { Exit::Usage })
}

/// Files with network policies, and decision sets.
fn sorted(paths: &[PathBuf]) -> Result<(Vec<PolicyFile>, Vec<PathBuf>), Failure> {
    let (mut plain, mut sets) = (Vec::new(), Vec::new());
    for path in paths {
        if sets::is_set(path) {
            sets.push(path.clone());
            continue;
        }
        let below = if path.is_dir() { sets::sets_in(path) } else { Vec::new() };
        // A directory that has only decision sets has no network policies, and that is right.
        let only_sets = !below.is_empty() && has_no_policies(path);
        sets.extend(below);
        if !only_sets {
            plain.push(path.clone());
        }
    }
    Ok((input::policies(&plain)?, sets))
}

fn has_no_policies(directory: &Path) -> bool {
    let read = input::policies(&[directory.to_owned()]);
    matches!(read, Err(InputError::NoPolicies { .. }))
}
