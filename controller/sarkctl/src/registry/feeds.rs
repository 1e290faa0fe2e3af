//! `registry feeds`: what each feed said last, and copies that wait for a person.

pub(super) mod pending;

use std::io::{self, Write as _};

use sark_api::{FeedState, FeedView, FeedsResponse, routes};

use pending::DecideArgs;
pub(super) use pending::why;

use super::list::word;
use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, style};
use crate::render;
use crate::table::{Cell, Table};

/// What others publish.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List feeds: how each is, when it changed, when it is asked next
    List,
    /// Show one feed, and why its last copy is not believed
    Show(pending::ShowArgs),
    /// Use the copy of a feed that waits for a decision
    Accept(pending::DecideArgs),
    /// Drop the copy of a feed that waits for a decision; the one in use stays
    Reject(pending::DecideArgs),
}

/// Runs it.
pub fn run(command: &Command, context: &mut Context) -> Outcome {
    match command {
        Command::List => list(context),
        Command::Show(arguments) => pending::show(&arguments.feed, &arguments.part, context),
        Command::Accept(DecideArgs { feed, decision }) => pending::accept(feed, decision, context),
        Command::Reject(DecideArgs { feed, decision }) => pending::reject(feed, decision, context),
    }
}

fn list(context: &mut Context) -> Outcome {
    let response: FeedsResponse = context.client()?.get(routes::FEEDS, &[])?;
    context.out.data(&response, |out| many(out, &response))?;
    Ok(Exit::Done)
}

fn many(out: &mut Out, response: &FeedsResponse) -> io::Result<()> {
    let held = response.feeds.iter().filter(|feed| feed.state == FeedState::Held).count();
    writeln!(out, "{}, {held} held", render::count(response.feeds.len() as u64, "feed"))?;
    if !response.enabled {
        writeln!(out, "feeds are not asked: `registry.feeds.enabled` is off")?;
    }
    if response.feeds.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table =
        Table::new(["FEED", "STATE", "ENTRIES", "CHANGED", "CHECKED", "NEXT", "PROBLEM"]);
    for feed in &response.feeds {
        let copy = feed.copy.as_ref();
        table.row([
            Cell::new(style::HEAD, feed.name.as_str()),
            Cell::new(colour(feed.state), word(&feed.state)),
            copy.map_or_else(|| "-".to_owned(), |copy| copy.entries.to_string()).into(),
            time(copy.map(|copy| copy.changed_at)).into(),
            time(feed.checked_at).into(),
            time(feed.next_at).into(),
            problem(feed).into(),
        ]);
    }
    table.print(out)
}

pub(in crate::registry) fn time(at: Option<jiff::Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), render::time)
}

/// Why it failed, else why its last copy is not believed.
fn problem(feed: &FeedView) -> String {
    let doubts = feed.pending.iter().flat_map(|pending| &pending.doubts);
    let found = feed.problem.iter().chain(doubts).next();
    found.map_or_else(|| "-".to_owned(), |problem| problem.message.clone())
}

pub(super) fn colour(state: FeedState) -> anstyle::Style {
    match state {
        FeedState::Off | FeedState::Waiting => style::QUIET,
        FeedState::Current => style::ADD,
        FeedState::Failing => style::REMOVE,
        FeedState::Held => style::CHANGE,
    }
}
