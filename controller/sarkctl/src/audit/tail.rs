//! `audit tail` and `audit search`.

use std::io::{self, Write as _};
use std::time::Duration;

use sark_api::{AuditResponse, NumberedRecord};
use sark_core::audit::{AuditRecord, Outcome as How, Page, Search};

use super::filter::FilterArgs;
use super::source::{Source, SourceArgs};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Out, printable, style};
use crate::render;
use crate::table::{Cell, Table};

/// Between two looks of `--follow`.
const LOOK: Duration = Duration::from_secs(1);

/// Records asked for at a time.
const PAGE: u32 = 1000;

/// See [`super::Command::Tail`].
#[derive(Debug, clap::Args)]
pub struct TailArgs {
    /// Show so many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    lines: u32,
    /// Go on with those that come; ends with Ctrl-C
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    source: SourceArgs,
}

/// See [`super::Command::Search`].
#[derive(Debug, clap::Args)]
pub struct SearchArgs {
    /// Show at most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    /// Only those before this number, to go on where a search ended
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    source: SourceArgs,
}

/// `audit tail`.
pub fn tail(arguments: &TailArgs, context: &mut Context) -> Outcome {
    let source = arguments.source.open(context)?;
    let search = arguments.filter.search();
    let page = Page::Back { before: None, limit: arguments.lines };
    let mut found = source.search(&search, page)?;
    found.reverse();
    if !arguments.follow {
        print(found, context)?;
        return Ok(Exit::Done);
    }
    follow(&source, &search, found, context)
}

/// One line each, also as JSON, for as long as somebody reads.
fn follow(
    source: &Source,
    search: &Search,
    mut found: Vec<(u64, AuditRecord)>,
    context: &mut Context,
) -> Outcome {
    let mut last = 0;
    let out = &mut context.out;
    loop {
        for (sequence, record) in found {
            last = sequence;
            match out.format {
                Format::Table => line(out, sequence, &record)?,
                Format::Json | Format::Yaml => {
                    let record = NumberedRecord { sequence, record };
                    let text = serde_json::to_string(&record).map_err(Failure::failed)?;
                    writeln!(out, "{text}")?;
                }
            }
        }
        out.flush()?;
        if out.is_closed() {
            return Ok(Exit::Done);
        }
        found = source.search(search, Page::On { after: last, limit: PAGE })?;
        if found.is_empty() {
            std::thread::sleep(LOOK);
        }
    }
}

fn line(out: &mut Out, sequence: u64, record: &AuditRecord) -> io::Result<()> {
    let number = out.paint(style::HEAD, &sequence.to_string());
    let (time, outcome) = (render::time(record.at), outcome(record.outcome));
    let AuditRecord { actor, event, severity, .. } = record;
    let (actor, event, what) = (printable(actor), printable(event), printable(&what(record)));
    writeln!(out, "{number}  {time}  {severity}  {event}  {outcome}  {actor}  {what}")
}

/// `audit search`.
pub fn search(arguments: &SearchArgs, context: &mut Context) -> Outcome {
    let source = arguments.source.open(context)?;
    let search = arguments.filter.search();
    let mut found: Vec<(u64, AuditRecord)> = Vec::new();
    let mut before = arguments.before;
    while found.len() < arguments.limit as usize {
        let left = arguments.limit - u32::try_from(found.len()).unwrap_or(u32::MAX);
        let page = source.search(&search, Page::Back { before, limit: left.min(PAGE) })?;
        let Some((last, _)) = page.last() else { break };
        before = Some(*last);
        found.extend(page);
    }
    print(found, context)?;
    Ok(Exit::Done)
}

fn print(found: Vec<(u64, AuditRecord)>, context: &mut Context) -> Result<(), Failure> {
    let numbered = |(sequence, record)| NumberedRecord { sequence, record };
    let answer = AuditResponse { records: found.into_iter().map(numbered).collect() };
    context.out.data(&answer, |out| table(out, &answer))
}

fn table(out: &mut Out, answer: &AuditResponse) -> io::Result<()> {
    if answer.records.is_empty() {
        return writeln!(out, "no records");
    }
    let mut table = Table::new(["RECORD", "AT", "SEVERITY", "EVENT", "OUTCOME", "BY", "WHAT"]);
    for NumberedRecord { sequence, record } in &answer.records {
        let told = match record.outcome {
            How::Ok => style::PLAIN,
            How::Refused => style::CHANGE,
            How::Failed => style::REMOVE,
        };
        table.row([
            Cell::new(style::HEAD, sequence.to_string()),
            render::time(record.at).into(),
            record.severity.as_str().into(),
            record.event.as_str().into(),
            Cell::new(told, outcome(record.outcome)),
            record.actor.as_str().into(),
            what(record).into(),
        ]);
    }
    table.print(out)
}

pub(crate) const fn outcome(outcome: How) -> &'static str {
    match outcome {
        How::Ok => "ok",
        How::Refused => "refused",
        How::Failed => "failed",
    }
}

/// What it was about, in a few words.
fn what(record: &AuditRecord) -> String {
    if let Some(notice) = &record.notice {
        return notice.title.clone();
    }
    let text = |name: &str| match record.detail.get(name)? {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(format!("{name} {number}")),
        _ => None,
    };
    let names = ["reason", "cause", "feed", "entry", "name", "model", "revision", "number"];
    names.into_iter().find_map(text).unwrap_or_default()
}
