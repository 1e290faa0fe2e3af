//! `registry refresh`: ask feeds now.

use std::io::{self, Write as _};

use sark_api::{RefreshOutcome, RefreshRequest, RefreshResponse, routes};

use super::feeds::why;
use super::list::word;
use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, style};
use crate::progress;
use crate::table::{Cell, Table};

/// See [`super::Command::Refresh`].
#[derive(Debug, clap::Args)]
pub struct RefreshArgs {
    /// Feeds, whether on or off; without any, all that are on
    #[arg(value_name = "FEED")]
    feeds: Vec<String>,
}

impl RefreshArgs {
    /// Of one feed.
    pub fn of(feed: &str) -> Self {
        Self { feeds: vec![feed.to_owned()] }
    }
}

/// `registry refresh`. Exits with 3 if a copy is held, else with 1 if a feed could not be had.
pub fn run(arguments: &RefreshArgs, context: &mut Context) -> Outcome {
    let client = context.client()?;
    let request = RefreshRequest { feeds: arguments.feeds.clone() };
    let response: RefreshResponse =
        progress::during("sarkd asks feeds", || client.post(routes::REFRESH, &request))?;
    context.out.data(&response, |out| {
        if response.results.is_empty() {
            return writeln!(
                out,
                "no feed is on: `registry.feeds.enabled` in sarkd's configuration"
            );
        }
        results(out, &response)
    })?;
    let any = |outcome| response.results.iter().any(|result| result.outcome == outcome);
    Ok(match (any(RefreshOutcome::Held), any(RefreshOutcome::Failed)) {
        (true, _) => Exit::Refused,
        (false, true) => Exit::Failed,
        _ => Exit::Done,
    })
}

/// What became of each.
pub fn results(out: &mut Out, response: &RefreshResponse) -> io::Result<()> {
    let mut table = Table::new(["FEED", "OUTCOME", "CAME", "WENT"]);
    for result in &response.results {
        let style = match result.outcome {
            RefreshOutcome::Unchanged | RefreshOutcome::Rejected => style::QUIET,
            RefreshOutcome::Updated => style::ADD,
            RefreshOutcome::Held => style::CHANGE,
            RefreshOutcome::Failed => style::ERROR,
        };
        table.row([
            Cell::new(style::HEAD, result.feed.as_str()),
            Cell::new(style, word(&result.outcome)),
            result.added.to_string().into(),
            result.removed.to_string().into(),
        ]);
    }
    table.print(out)?;
    for result in response.results.iter().filter(|result| !result.problems.is_empty()) {
        let name = out.paint(style::HEAD, &result.feed);
        writeln!(out, "\n{name}")?;
        result.problems.iter().try_for_each(|problem| why(out, problem))?;
    }
    Ok(())
}
