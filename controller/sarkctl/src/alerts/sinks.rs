//! `alerts sinks`, `alerts test`, and what `doctor` says of sinks.

use std::io::{self, Write as _};

use jiff::{SignedDuration, Timestamp};
use sark_api::{SinkOutcome, SinkTest, SinksResponse, routes};

use super::time;
use crate::cli::Context;
use crate::doctor::Check;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Out, printable, style};
use crate::render;
use crate::table::{Cell, Table};

/// What waits longer than this does not only wait for its turn.
const LATE: SignedDuration = SignedDuration::from_mins(15);

/// See [`super::Command::Test`].
#[derive(Debug, clap::Args)]
pub struct TestArgs {
    /// Its name
    #[arg(value_name = "SINK")]
    sink: String,
}

/// `alerts sinks`.
pub fn run(context: &mut Context) -> Outcome {
    let response: SinksResponse = context.client()?.get(routes::SINKS, &[])?;
    context.out.data(&response, |out| table(out, &response))?;
    Ok(Exit::Done)
}

fn table(out: &mut Out, response: &SinksResponse) -> io::Result<()> {
    if response.sinks.is_empty() {
        return writeln!(out, "nobody is told: `alerts.sinks` of sarkd's configuration is empty");
    }
    let head = ["SINK", "KIND", "PENDING", "SINCE", "DELIVERED", "LAST", "DEAD", "PROBLEM"];
    let mut table = Table::new(head);
    for sink in &response.sinks {
        let count = &sink.count;
        let worry = |number: u64, style| match number {
            0 => Cell::from("0"),
            number => Cell::new(style, number.to_string()),
        };
        table.row([
            Cell::new(style::HEAD, count.sink.as_str()),
            sink.kind.as_deref().unwrap_or("(gone)").into(),
            worry(count.pending, style::CHANGE),
            time(count.oldest_pending).into(),
            count.delivered.to_string().into(),
            time(count.last_delivered).into(),
            worry(count.dead, style::ERROR),
            sink.problem.as_deref().unwrap_or("-").into(),
        ]);
    }
    table.print(out)
}

/// `alerts test`.
pub fn test(arguments: &TestArgs, context: &mut Context) -> Outcome {
    let path = routes::SINK_TEST.replace("{sink}", &render::percent(&arguments.sink));
    let test: SinkTest = context.client()?.post(&path, &())?;
    context.out.data(&test, |out| match test.outcome {
        SinkOutcome::Delivered => {
            let word = out.paint(style::ADD, "took the message");
            writeln!(out, "{} {word}: {}", printable(&test.sink), printable(&test.said))
        }
        // The error says it.
        SinkOutcome::Retry | SinkOutcome::Dead => Ok(()),
    })?;
    let (word, help) = match test.outcome {
        SinkOutcome::Delivered => return Ok(Exit::Done),
        SinkOutcome::Retry => (
            "did not take the message",
            "alerts to it are tried again by themselves; if it stays so, docs/runbooks/alerts.md says \
             what to look at",
        ),
        SinkOutcome::Dead => (
            "refuses the message",
            "alerts to it are given up until this is mended; docs/runbooks/alerts.md says what each \
             answer means",
        ),
    };
    let error = format!("{} {word}: {}", printable(&test.sink), printable(&test.said));
    Err(Failure::failed(error).next(help))
}

/// For `doctor`: whether alerts reach people.
pub(crate) fn check(response: &SinksResponse, now: Timestamp) -> Vec<Check> {
    if response.sinks.is_empty() {
        let help = "name sinks under `alerts.sinks` of sarkd's configuration";
        return vec![Check::warn("alerts", "nobody is told what needs a person", help)];
    }
    let checks = response.sinks.iter().map(|sink| {
        let (name, count) = (format!("alerts {}", sink.count.sink), &sink.count);
        let late = count.oldest_pending.is_some_and(|at| now.duration_since(at) > LATE);
        let said = sink.problem.as_deref().map_or_else(String::new, |said| format!(": {said}"));
        if count.dead > 0 {
            let given_up = render::count(count.dead, "alert");
            let help =
                "sarkctl alerts dead, mend it, sarkctl alerts test, then sarkctl alerts replay";
            return Check::warn(&name, format!("{given_up} given up{said}"), help);
        }
        if late || sink.problem.is_some() {
            let waiting = render::count(count.pending, "alert");
            let help = "sarkctl alerts test says what it answers";
            return Check::warn(&name, format!("{waiting} waiting{said}"), help);
        }
        Check::ok(&name, format!("{} delivered", count.delivered))
    });
    checks.collect()
}
