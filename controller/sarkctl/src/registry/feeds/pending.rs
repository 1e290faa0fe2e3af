//! One feed, and what to decide about its last copy.

use std::io::{self, IsTerminal as _, Write as _};

use sark_api::{
    DecisionRequest, FeedView, PendingView, ProblemView, RefreshResponse, RefreshResult, routes,
};

use super::super::list::word;
use super::super::refresh;
use super::{colour, time};
use crate::cli::Context;
use crate::client::Client;
use crate::exit::{Exit, Failure, Outcome};
use crate::flowspec::apply::confirm;
use crate::output::{Out, printable, style};
use crate::render;

/// See [`super::Command::Show`].
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Its name
    pub(super) feed: String,
    #[command(flatten)]
    pub(super) part: Part,
}

/// Less than all of it.
#[derive(Debug, Default, clap::Args)]
#[group(multiple = false)]
pub struct Part {
    /// Only the copy that waits for a decision
    #[arg(long)]
    pending: bool,
    /// The copy that waits for a decision as it was fetched, octet by octet, to a file or a pipe
    #[arg(long)]
    raw: bool,
}

/// See [`super::Command::Accept`] and [`super::Command::Reject`].
#[derive(Debug, clap::Args)]
pub struct DecideArgs {
    /// Its name
    pub(super) feed: String,
    #[command(flatten)]
    pub(super) decision: Decision,
}

/// On what was looked at.
#[derive(Debug, clap::Args)]
pub struct Decision {
    /// The copy that was looked at; without it, the one that is shown now
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
    /// Do not ask (it asks only on a terminal)
    #[arg(short, long)]
    yes: bool,
}

/// `registry feeds show`.
pub fn show(feed: &str, part: &Part, context: &mut Context) -> Outcome {
    let client = context.client()?;
    if part.raw {
        if io::stdout().is_terminal() {
            let message = "what others wrote may hold anything; it is not sent to a terminal";
            return Err(Failure::usage(message).next("send it to a file, or to `| less`"));
        }
        let path = routes::FEED_PENDING.replace("{feed}", &render::percent(feed));
        client.pass_on(&path, &[], &mut context.out)?;
        return Ok(Exit::Done);
    }
    let feed = get(&client, feed)?;
    if part.pending {
        context.out.data(&feed.pending, |out| match &feed.pending {
            Some(pending) => doubted(out, pending),
            None => writeln!(out, "no copy of {} waits for a decision", printable(&feed.name)),
        })?;
        return Ok(Exit::Done);
    }
    context.out.data(&feed, |out| {
        one(out, &feed)?;
        feed.pending.as_ref().map_or(Ok(()), |pending| doubted(out, pending))
    })?;
    Ok(Exit::Done)
}

/// `registry feeds accept`.
pub fn accept(feed: &str, decision: &Decision, context: &mut Context) -> Outcome {
    decide(feed, decision, routes::FEED_ACCEPT, "Use this copy", context)
}

/// `registry feeds reject`.
pub fn reject(feed: &str, decision: &Decision, context: &mut Context) -> Outcome {
    decide(feed, decision, routes::FEED_REJECT, "Drop this copy", context)
}

fn decide(
    feed: &str,
    decision: &Decision,
    route: &str,
    question: &str,
    context: &mut Context,
) -> Outcome {
    let client = context.client()?;
    let feed = get(&client, feed)?;
    let Some(pending) = &feed.pending else {
        let message = format!("no copy of {} waits for a decision", feed.name);
        return Err(Failure::usage(message).next("sarkctl registry feeds list shows those that do"));
    };
    if decision.hash.as_ref().is_some_and(|hash| *hash != pending.hash) {
        let message = format!("another copy waits for a decision: {}", pending.hash);
        return Err(Failure::usage(message).next("look at it: sarkctl registry feeds show"));
    }
    if !decision.yes {
        doubted(&mut context.out, pending).map_err(Failure::failed)?;
        context.out.flush().map_err(Failure::failed)?;
        confirm(&format!("{question}?"))?;
    }
    let request = DecisionRequest { hash: pending.hash.clone() };
    let path = route.replace("{feed}", &render::percent(&feed.name));
    let result: RefreshResult = client.post(&path, &request)?;
    let response = RefreshResponse { version: String::new(), results: vec![result] };
    context.out.data(&response.results, |out| refresh::results(out, &response))?;
    Ok(Exit::Done)
}

pub(in crate::registry) fn get(client: &Client, feed: &str) -> Result<FeedView, Failure> {
    Ok(client.get(&routes::FEED.replace("{feed}", &render::percent(feed)), &[])?)
}

fn one(out: &mut Out, feed: &FeedView) -> io::Result<()> {
    let state = out.paint(colour(feed.state), &word(&feed.state));
    let name = out.paint(style::HEAD, &printable(&feed.name));
    writeln!(out, "{name}  {}, {state}", printable(&feed.title))?;
    writeln!(out, "owner      {}", printable(&feed.owner))?;
    writeln!(out, "location   {}", printable(&feed.location))?;
    writeln!(out, "format     {}", printable(&feed.format))?;
    writeln!(out, "schedule   {} (UTC)", printable(&feed.schedule))?;
    if let Some(licence) = &feed.licence {
        writeln!(out, "licence    {}", printable(licence))?;
    }
    if !feed.endpoints.is_empty() {
        writeln!(out, "endpoints  {}", feed.endpoints.join(", "))?;
    }
    writeln!(out, "checked    {}, next {}", time(feed.checked_at), time(feed.next_at))?;
    match &feed.copy {
        None => writeln!(out, "in use     nothing yet")?,
        Some(copy) => writeln!(
            out,
            "in use     {} entries since {}, {} left out ({})",
            copy.entries,
            render::time(copy.changed_at),
            copy.skipped,
            render::short(&copy.hash),
        )?,
    }
    if let Some(problem) = &feed.problem {
        why(out, problem)?;
    }
    Ok(())
}

pub(in crate::registry) fn doubted(out: &mut Out, pending: &PendingView) -> io::Result<()> {
    let head = out.paint(style::CHANGE, "a copy waits for a decision");
    writeln!(out, "\n{head}  {}", pending.hash)?;
    writeln!(
        out,
        "fetched {}: {} in it, {} would come, {} would go",
        render::time(pending.fetched_at),
        pending.entries,
        pending.added,
        pending.removed
    )?;
    for doubt in &pending.doubts {
        why(out, doubt)?;
    }
    let samples =
        [('+', style::ADD, &pending.added_sample), ('-', style::REMOVE, &pending.removed_sample)];
    for (sign, style, sample) in samples {
        for text in sample.iter().take(10) {
            let line = out.paint(style, &format!("{sign} {}", printable(text)));
            writeln!(out, "  {line}")?;
        }
        if sample.len() > 10 {
            writeln!(out, "  {sign} …")?;
        }
    }
    Ok(())
}

/// What is wrong and what to do.
pub(in crate::registry) fn why(out: &mut Out, problem: &ProblemView) -> io::Result<()> {
    let code = out.paint(style::ERROR, &printable(&problem.code));
    writeln!(out, "  {code}: {}", printable(&problem.message))?;
    writeln!(out, "    fix  {}", printable(&problem.help))
}
