//! `approvals`: what waits for another person.

use std::io::Write as _;
use std::path::PathBuf;

use jiff::SignedDuration;
use sark_api::{ApprovalDecision, ApprovalRequest, ApprovalView, ApprovalsResponse, routes};
use sark_core::ContentHash;
use sark_core::approval::State;

use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{printable, style};
use crate::render;
use crate::table::{Cell, Table};

/// What to do with approvals.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List approvals, newest first
    List(ListArgs),
    /// Show one
    Show(OneArgs),
    /// Ask for an approval of exactly this
    Request(RequestArgs),
    /// Approve what somebody else asked for
    Approve(DecideArgs),
    /// Reject it
    Reject(DecideArgs),
}

/// See [`Command::List`].
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only those that are: pending, approved, rejected, expired, used
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
}

/// One approval.
#[derive(Debug, clap::Args)]
pub struct OneArgs {
    /// Its id
    id: String,
}

/// See [`Command::Request`].
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sarkctl approvals request --kind flowspec.plan --file plan.json --title 'Redirect the lab (SEC-142)'
  sarkctl approvals request --kind edr.isolate --subject sha256:… --title 'Isolate ws-17' --wait 15m")]
pub struct RequestArgs {
    /// What kind of thing, such as `flowspec.plan`
    #[arg(long)]
    kind: String,
    /// Its hash
    #[arg(long, value_name = "HASH", required_unless_present = "file", conflicts_with = "file")]
    subject: Option<ContentHash>,
    /// Or a file that is exactly what is to be done: its hash is taken
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// For the person who decides: one line
    #[arg(long)]
    title: String,
    /// For how long it waits, and may be used; at most seven days
    #[arg(long, value_name = "TIME", default_value = "1h")]
    wait: SignedDuration,
}

/// See [`Command::Approve`] and [`Command::Reject`].
#[derive(Debug, clap::Args)]
pub struct DecideArgs {
    /// Its id
    id: String,
    /// Why: one line
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Runs it.
pub fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::List(arguments) => list(arguments.state.as_deref(), context),
        Command::Show(OneArgs { id }) => {
            let approval: ApprovalView =
                context.client()?.get(&path(routes::APPROVAL, &id), &[])?;
            show(&approval, context)
        }
        Command::Request(arguments) => request(arguments, context),
        Command::Approve(arguments) => decide(routes::APPROVE, arguments, context),
        Command::Reject(arguments) => decide(routes::REJECT, arguments, context),
    }
}

fn path(route: &str, id: &str) -> String {
    route.replace("{approval}", &render::percent(id))
}

fn request(arguments: RequestArgs, context: &mut Context) -> Outcome {
    let RequestArgs { kind, subject, file, title, wait } = arguments;
    let subject = match (subject, file) {
        (Some(subject), _) => subject,
        (None, Some(path)) => ContentHash::of(&std::fs::read(&path).map_err(|error| {
            Failure::usage(format!("cannot read {}: {error}", path.display()))
                .next("check the path and its permissions")
        })?),
        (None, None) => return Err(Failure::usage("neither --subject nor --file")),
    };
    let seconds = u64::try_from(wait.as_secs())
        .map_err(|_| Failure::usage("--wait is below zero").next("such as 1h or 30m"))?;
    let request =
        ApprovalRequest { kind, subject: subject.to_string(), title, seconds: Some(seconds) };
    let approval: ApprovalView = context.client()?.post(routes::APPROVALS, &request)?;
    show(&approval, context)
}

fn decide(route: &str, arguments: DecideArgs, context: &mut Context) -> Outcome {
    let DecideArgs { id, reason } = arguments;
    let client = context.client()?;
    let approval: ApprovalView = client.post(&path(route, &id), &ApprovalDecision { reason })?;
    show(&approval, context)
}

fn list(state: Option<&str>, context: &mut Context) -> Outcome {
    let query: Vec<(&str, &str)> = state.map(|state| ("state", state)).into_iter().collect();
    let answer: ApprovalsResponse = context.client()?.get(routes::APPROVALS, &query)?;
    context.out.data(&answer, |out| {
        if answer.approvals.is_empty() {
            return writeln!(out, "no approvals");
        }
        let mut table = Table::new(["ID", "STATE", "KIND", "TITLE", "ASKED BY", "UNTIL"]);
        for approval in &answer.approvals {
            table.row([
                Cell::new(style::HEAD, approval.id.as_str()),
                Cell::new(colour(approval.state), approval.state.as_str()),
                approval.kind.as_str().into(),
                approval.title.as_str().into(),
                approval.requested_by.as_str().into(),
                render::time(approval.until).into(),
            ]);
        }
        table.print(out)
    })?;
    Ok(Exit::Done)
}

fn show(approval: &ApprovalView, context: &mut Context) -> Outcome {
    context.out.data(approval, |out| {
        let state = out.paint(colour(approval.state), approval.state.as_str());
        writeln!(out, "id       {}", approval.id)?;
        writeln!(out, "state    {state}")?;
        writeln!(out, "title    {}", printable(&approval.title))?;
        writeln!(out, "kind     {}", approval.kind)?;
        writeln!(out, "subject  {}", approval.subject)?;
        let by = printable(&approval.requested_by);
        writeln!(out, "asked    {} by {by}", render::time(approval.requested_at))?;
        writeln!(out, "until    {}", render::time(approval.until))?;
        if let (Some(at), Some(by)) = (approval.decided_at, &approval.decided_by) {
            let reason = approval.reason.as_deref().map(|reason| format!(": {reason}"));
            let reason = printable(&reason.unwrap_or_default());
            writeln!(out, "decided  {} by {}{reason}", render::time(at), printable(by))?;
        }
        if let (Some(at), Some(by)) = (approval.used_at, &approval.used_by) {
            writeln!(out, "used     {} by {}", render::time(at), printable(by))?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

fn colour(state: State) -> anstyle::Style {
    match state {
        State::Pending => style::CHANGE,
        State::Approved => style::ADD,
        State::Rejected => style::REMOVE,
        State::Expired | State::Used => style::QUIET,
    }
}
