//! `policy diff`: recorded decisions, made again by another set.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::sync::Arc;

use jiff::Timestamp;
use sark_core::audit::{AuditRecord, Page, Search};
use sark_core::decision::{Action, Decision};
use sark_policy::decision::{Bounds, DecisionSet, Input, Line, Worker};
use serde::Serialize;
use serde_json::Value;

use super::decide::colour;
use super::differences::{Difference, between};
use super::sets::SetArgs;
use crate::audit::source::{Source, SourceArgs};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::offline;
use crate::output::{Out, printable};
use crate::render;
use crate::table::{Cell, Table};

/// Records asked for at a time.
const PAGE: u32 = 1000;
/// Changed decisions that are shown one by one.
const SHOWN: usize = 20;

/// See [`super::Command::Diff`].
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    #[command(flatten)]
    set: SetArgs,
    /// Decisions of this line only
    #[arg(long, value_name = "LINE", value_parser = super::sets::line)]
    line: Option<Line>,
    /// Decisions at this time or later
    #[arg(long, value_name = "RFC3339", value_parser = offline::timestamp)]
    since: Option<Timestamp>,
    /// Decisions before this time
    #[arg(long, value_name = "RFC3339", value_parser = offline::timestamp)]
    until: Option<Timestamp>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Exit with 4 if a decision would change
    #[arg(long)]
    detailed_exitcode: bool,
    #[command(flatten)]
    source: SourceArgs,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    set: String,
    set_version: String,
    /// Decisions made again.
    replayed: u64,
    /// Records of decisions that do not hold what was decided on.
    unreadable: u64,
    /// Another decision: in anything.
    changed: u64,
    /// Of these another action.
    other_action: u64,
    /// How many of which.
    changes: Vec<Change>,
    /// The newest of them.
    examples: Vec<Example>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Change {
    line: Line,
    was: Action,
    becomes: Action,
    /// What is not the same.
    differs: Vec<&'static str>,
    count: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Example {
    sequence: u64,
    at: Timestamp,
    line: Line,
    id: String,
    user: Option<String>,
    was: Action,
    becomes: Action,
    rule: String,
    reason: String,
    /// What is not the same, as it was and as it becomes.
    differs: Vec<Difference>,
}

/// Changes that are counted together.
type Kind = (Line, Action, Action, Vec<&'static str>);

/// A decision as the trail has it.
struct Recorded {
    input: Input,
    facts: Option<Value>,
    decision: Decision,
}

/// `policy diff`.
pub fn run(arguments: &DiffArgs, context: &mut Context) -> Outcome {
    let set = arguments.set.read()?.load()?;
    let source = arguments.source.open(context)?;
    let report = replay(arguments, &set, &source)?;
    context.out.data(&report, |out| print(out, &report))?;
    let differs = report.changed > 0 && arguments.detailed_exitcode;
    Ok(if differs { Exit::Changes } else { Exit::Done })
}

fn replay(
    arguments: &DiffArgs,
    set: &Arc<DecisionSet>,
    source: &Source,
) -> Result<Report, Failure> {
    let mut worker = Worker::new(Arc::clone(set), &Bounds::default()).map_err(Failure::failed)?;
    let mut report = Report {
        set: set.settings().name.clone(),
        set_version: set.version().to_string(),
        ..Report::default()
    };
    let mut counts: BTreeMap<Kind, u64> = BTreeMap::new();
    for event in events(arguments.line) {
        let (since, until) = (arguments.since, arguments.until);
        let search = Search { since, until, event: Some(event), ..Search::default() };
        let (mut before, mut left) = (None, arguments.limit);
        while left > 0 {
            let found = source.search(&search, Page::Back { before, limit: left.min(PAGE) })?;
            let Some((last, _)) = found.last() else { break };
            before = Some(*last);
            left -= u32::try_from(found.len()).unwrap_or(u32::MAX).min(left);
            for (sequence, record) in found {
                let Some(recorded) = read(&record) else {
                    report.unreadable += 1;
                    continue;
                };
                let Recorded { input, facts, decision: was } = recorded;
                let becomes = worker.decide_with(&input, facts, record.at);
                report.replayed += 1;
                let differs = between(&was, &becomes);
                if differs.is_empty() {
                    continue;
                }
                report.changed += 1;
                report.other_action += u64::from(was.action != becomes.action);
                let what = differs.iter().map(|difference| difference.what).collect();
                let kind = (input.line(), was.action, becomes.action, what);
                *counts.entry(kind).or_default() += 1;
                if report.examples.len() < SHOWN {
                    report.examples.push(Example {
                        sequence,
                        at: record.at,
                        line: input.line(),
                        id: input.id().to_owned(),
                        user: input.user().map(str::to_owned),
                        was: was.action,
                        becomes: becomes.action,
                        rule: format!("{}/{}", becomes.policy_id, becomes.rule_id),
                        reason: becomes.reason,
                        differs,
                    });
                }
            }
        }
    }
    let change =
        |((line, was, becomes, differs), count)| Change { line, was, becomes, differs, count };
    report.changes = counts.into_iter().map(change).collect();
    report.changes.sort_by_key(|change| std::cmp::Reverse(change.count));
    Ok(report)
}

/// Records of decisions: reports of sensors have their own.
fn events(line: Option<Line>) -> Vec<String> {
    let reports = "sensor.report".to_owned();
    match line {
        None => vec!["decision.".to_owned(), reports],
        Some(Line::Sensor) => vec![format!("decision.{}", Line::Sensor), reports],
        Some(line) => vec![format!("decision.{line}")],
    }
}

/// Nothing if it does not hold what was decided on: it was too long, or nobody decided.
fn read(record: &AuditRecord) -> Option<Recorded> {
    let decision = serde_json::from_value(record.detail.get("decision")?.clone()).ok()?;
    let (line, input) = match record.event.strip_prefix("decision.") {
        Some(word) => {
            let line = Line::ALL.into_iter().find(|line| line.as_str() == word)?;
            (line, record.detail.get("input")?)
        }
        None => (Line::Sensor, record.detail.get("report")?),
    };
    let input = Input::from_json(line, &input.to_string()).ok()?;
    Some(Recorded { input, facts: record.detail.get("registry").cloned(), decision })
}

fn print(out: &mut Out, report: &Report) -> io::Result<()> {
    let Report { replayed, unreadable, changed, other_action, .. } = report;
    let replayed = render::count(*replayed, "decision");
    let version = render::short(&report.set_version);
    writeln!(out, "{replayed} made again by {} {version}", printable(&report.set))?;
    writeln!(out, "{changed} would change, {other_action} of them in what happens")?;
    if *unreadable > 0 {
        let left_out = render::count(*unreadable, "record");
        writeln!(out, "{left_out} left out: what was decided on is not in it")?;
    }
    if report.changes.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = Table::new(["LINE", "WAS", "BECOMES", "DIFFERS", "COUNT"]);
    for Change { line, was, becomes, differs, count } in &report.changes {
        table.row([
            line.as_str().into(),
            Cell::new(colour(*was), was.as_str()),
            Cell::new(colour(*becomes), becomes.as_str()),
            differs.join(", ").into(),
            count.to_string().into(),
        ]);
    }
    table.print(out)?;
    writeln!(out)?;
    let mut table = Table::new(["RECORD", "AT", "LINE", "ID", "USER", "WAS", "BECOMES", "BY"]);
    for one in &report.examples {
        table.row([
            one.sequence.to_string().into(),
            render::time(one.at).into(),
            one.line.as_str().into(),
            printable(&one.id).into(),
            printable(one.user.as_deref().unwrap_or("-")).into(),
            Cell::new(colour(one.was), one.was.as_str()),
            Cell::new(colour(one.becomes), one.becomes.as_str()),
            printable(&one.rule).into(),
        ]);
    }
    table.print(out)?;
    writeln!(out)?;
    let mut table = Table::new(["RECORD", "DIFFERS", "WAS", "BECOMES"]);
    for one in &report.examples {
        for Difference { what, was, becomes } in &one.differs {
            table.row([
                one.sequence.to_string().into(),
                (*what).into(),
                written(was).into(),
                written(becomes).into(),
            ]);
        }
    }
    table.print(out)
}

/// A list as its members, one after another.
fn written(value: &Value) -> String {
    let one = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        Value::Array(members) if members.is_empty() => "-".to_owned(),
        Value::Array(members) => members.iter().map(one).collect::<Vec<_>>().join(", "),
        other => one(other),
    }
}
