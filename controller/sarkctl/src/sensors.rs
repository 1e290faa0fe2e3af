//! `sensors`: who watches, and what they saw.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use sark_api::{KindsResponse, ReportTaken, ReportsResponse, SensorsResponse, routes};
use sark_core::sensor::Fact;

use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{printable, style};
use crate::render;
use crate::table::{Cell, Table};

/// No report is longer.
const LONGEST: u64 = 64 << 10;

/// What to do with sensors.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List sensors: when each last reported, and which are late
    List,
    /// List reports, newest first
    Reports(ReportsArgs),
    /// List kinds of sensors, or show the JSON Schema of one
    Kinds(KindsArgs),
    /// Send a report, as a sensor does
    Report(ReportArgs),
}

/// See [`Command::Reports`].
#[derive(Debug, clap::Args)]
pub struct ReportsArgs {
    /// Only of this kind
    #[arg(long)]
    kind: Option<String>,
    /// Only of this sensor
    #[arg(long)]
    sensor: Option<String>,
    /// How many, at most 1000
    #[arg(short = 'n', long, default_value_t = 20)]
    limit: u32,
}

/// See [`Command::Kinds`].
#[derive(Debug, clap::Args)]
pub struct KindsArgs {
    /// Show the schema of this one
    kind: Option<String>,
}

/// See [`Command::Report`].
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  echo '{\"id\": \"r-1\", \"event\": \"carrier\", \"facts\": {\"payload\": true}}' |
    sarkctl sensors report rfc1149 -f -")]
pub struct ReportArgs {
    /// What kind of sensor
    kind: String,
    /// The report, JSON; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Sent twice with the same key, it is one report; without it the report's id says so
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// Runs it.
pub fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::List => list(context),
        Command::Reports(arguments) => reports(&arguments, context),
        Command::Kinds(arguments) => kinds(arguments.kind.as_deref(), context),
        Command::Report(arguments) => report(&arguments, context),
    }
}

fn list(context: &mut Context) -> Outcome {
    let answer: SensorsResponse = context.client()?.get(routes::SENSORS, &[])?;
    context.out.data(&answer, |out| {
        if answer.sensors.is_empty() {
            return writeln!(out, "no sensor has reported");
        }
        let mut table = Table::new(["SENSOR", "KIND", "STATE", "LAST", "EVERY", "REPORTS"]);
        for sensor in &answer.sensors {
            let (colour, state) = match (sensor.silent, sensor.every) {
                (true, _) => (style::REMOVE, "silent"),
                (false, Some(_)) => (style::ADD, "in time"),
                (false, None) => (style::QUIET, "-"),
            };
            let every = sensor.every.map(|seconds| format!("{seconds} s"));
            table.row([
                Cell::new(style::HEAD, sensor.sensor.as_str()),
                sensor.kind.as_str().into(),
                Cell::new(colour, state),
                sensor.last_at.map_or_else(|| "never".to_owned(), render::time).into(),
                every.unwrap_or_else(|| "-".to_owned()).into(),
                sensor.reports.to_string().into(),
            ]);
        }
        table.print(out)
    })?;
    Ok(Exit::Done)
}

fn reports(arguments: &ReportsArgs, context: &mut Context) -> Outcome {
    let limit = arguments.limit.to_string();
    let mut query = vec![("limit", limit.as_str())];
    query.extend(arguments.kind.as_deref().map(|kind| ("kind", kind)));
    query.extend(arguments.sensor.as_deref().map(|sensor| ("sensor", sensor)));
    let answer: ReportsResponse = context.client()?.get(routes::REPORTS, &query)?;
    context.out.data(&answer, |out| {
        if answer.reports.is_empty() {
            return writeln!(out, "no reports");
        }
        let mut table =
            Table::new(["AT", "SENSOR", "KIND", "EVENT", "SITE", "RECENT", "ACTION", "FACTS"]);
        for one in &answer.reports {
            let report = &one.report;
            let facts: Vec<String> =
                report.facts.iter().map(|(name, fact)| format!("{name}={}", text(fact))).collect();
            let action = one.answer.action.map_or("-", sark_core::Action::as_str);
            table.row([
                render::time(one.at).into(),
                Cell::new(style::HEAD, report.sensor.as_str()),
                report.kind.as_str().into(),
                report.event.as_str().into(),
                report.site.as_deref().unwrap_or("-").into(),
                report.recent.to_string().into(),
                action.into(),
                facts.join(" ").into(),
            ]);
        }
        table.print(out)
    })?;
    Ok(Exit::Done)
}

fn text(fact: &Fact) -> String {
    match fact {
        Fact::Flag(value) => value.to_string(),
        Fact::Count(value) => value.to_string(),
        Fact::Measure(value) => value.to_string(),
        Fact::Text(value) => value.clone(),
    }
}

fn kinds(kind: Option<&str>, context: &mut Context) -> Outcome {
    let answer: KindsResponse = context.client()?.get(routes::SENSOR_KINDS, &[])?;
    let Some(kind) = kind else {
        context.out.data(&answer, |out| {
            let mut table = Table::new(["KIND", "WHAT"]);
            for kind in &answer.kinds {
                table.row([Cell::new(style::HEAD, kind.kind.as_str()), kind.title.as_str().into()]);
            }
            table.print(out)
        })?;
        return Ok(Exit::Done);
    };
    let Some(found) = answer.kinds.iter().find(|one| one.kind == kind) else {
        return Err(Failure::usage(format!("there is no kind of sensor {kind:?}"))
            .next("sarkctl sensors kinds shows them"));
    };
    let text = serde_json::to_string_pretty(&found.schema).map_err(Failure::failed)?;
    context.out.data(&found.schema, |out| writeln!(out, "{text}"))?;
    Ok(Exit::Done)
}

fn report(arguments: &ReportArgs, context: &mut Context) -> Outcome {
    let octets = read(&arguments.file).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", arguments.file.display()))
            .next("check the path; `-` reads standard input")
    })?;
    let path = routes::REPORT.replace("{kind}", &render::percent(&arguments.kind));
    let client = context.client()?;
    let taken: ReportTaken = client.post_json(&path, octets, arguments.key.as_deref())?;
    context.out.data(&taken, |out| {
        write!(out, "{}: {} reports of this in 30 minutes", printable(&taken.id), taken.recent)?;
        match (taken.action, &taken.reason) {
            (Some(action), Some(reason)) => writeln!(out, "; {action}: {}", printable(reason)),
            _ => writeln!(out),
        }
    })?;
    Ok(Exit::Done)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(LONGEST + 1).read_to_end(&mut octets)?;
    } else {
        std::fs::File::open(path)?.take(LONGEST + 1).read_to_end(&mut octets)?;
    }
    Ok(octets)
}
