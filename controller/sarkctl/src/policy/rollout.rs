//! `policy sets`, `activate`, `rollback` and `refresh`: which decision set `sarkd` decides by.

use std::io::{self, Write as _};
use std::path::Path;

use sark_api::{
    ActivateRequest, ActivateResponse, Counted, RollbackRequest, RolloutResponse, SetView,
    SetsResponse, Wanted, routes,
};
use sark_core::storage::{PolicyFile, Stage};
use serde::Serialize;

use super::sets::BundleArgs;
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::flowspec::apply::confirm;
use crate::input;
use crate::output::{Out, printable, style};
use crate::render;
use crate::table::{Cell, Table};

/// See [`super::Command::Activate`].
#[derive(Debug, clap::Args)]
pub struct ActivateArgs {
    /// A directory, an OPA bundle (tar.gz), or the version of a set that sarkd keeps
    #[arg(value_name = "DIR|BUNDLE|VERSION")]
    set: String,
    /// Decide after the active set, count, record what differs, and change nothing
    #[arg(long, conflicts_with = "canary")]
    shadow: bool,
    /// Decide on this share of the sources; taken back by itself if it denies or errs too much
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=99))]
    canary: Option<u8>,
    /// Do not ask (it asks only on a terminal)
    #[arg(short, long)]
    yes: bool,
}

/// See [`super::Command::Rollback`].
#[derive(Debug, clap::Args)]
pub struct RollbackArgs {
    /// Do not ask (it asks only on a terminal)
    #[arg(short, long)]
    yes: bool,
}

#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    now: RolloutResponse,
    #[serde(flatten)]
    kept: SetsResponse,
}

/// `policy sets`.
pub fn sets(context: &mut Context) -> Outcome {
    let client = context.client()?;
    let now: RolloutResponse = client.get(routes::ROLLOUT, &[])?;
    let kept: SetsResponse = client.get(routes::DECISION_SETS, &[])?;
    let shown = Shown { now, kept };
    context.out.data(&shown, |out| {
        in_use(out, &shown.now)?;
        if !shown.kept.sets.is_empty() {
            writeln!(out)?;
            list(out, &shown)?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

fn in_use(out: &mut Out, now: &RolloutResponse) -> io::Result<()> {
    match &now.active {
        None => writeln!(out, "no decision set is in use: nothing is decided")?,
        Some(set) => {
            let name = out.paint(style::HEAD, &named(set));
            writeln!(out, "{name} decides: {}", render::policies(set.policies as usize))?;
        }
    }
    if let Some(candidate) = &now.candidate {
        let name = out.paint(style::CHANGE, &named(&candidate.set));
        match candidate.stage {
            Stage::Shadow => {
                writeln!(out, "{name} is in shadow: it is counted, and recorded where it differs")?
            }
            Stage::Canary { percent } => {
                writeln!(out, "{name} is a canary: it decides on {percent} % of the sources")?;
            }
        }
        if let Some(counted) = &candidate.counted {
            count(out, counted, candidate.stage)?;
        }
    }
    if let Some(rollout) = &now.rollout {
        let (at, actor) = (render::time(rollout.at), printable(&rollout.actor));
        let text = format!("rollout {}, {at}, {actor}: {}", rollout.number, rollout.cause);
        let text = out.paint(style::QUIET, &printable(&text));
        writeln!(out, "{text}")?;
    }
    for problem in &now.problems {
        let word = out.paint(style::ERROR, "problem:");
        writeln!(out, "{word} {}", printable(&problem.message))?;
        if let Some(help) = &problem.help {
            writeln!(out, "  {}", printable(help))?;
        }
    }
    Ok(())
}

fn count(out: &mut Out, counted: &Counted, stage: Stage) -> io::Result<()> {
    let mut table = Table::new(["", "DECIDED", "STOPPED", "ERRORS"]);
    for (name, of) in [("candidate", counted.candidate), ("active set", counted.active)] {
        let numbers = [of.decided, of.denied, of.failed].map(|number| number.to_string().into());
        let [decided, denied, failed] = numbers;
        table.row([name.into(), decided, denied, failed]);
    }
    table.print(out)?;
    if stage == Stage::Shadow {
        writeln!(out, "another action in {} of them", counted.differ)?;
        if counted.left_out > 0 {
            writeln!(out, "{} left out: more than it could answer", counted.left_out)?;
        }
    }
    Ok(())
}

fn named(set: &SetView) -> String {
    format!("{} {}", printable(&set.name), render::short(&set.version))
}

fn list(out: &mut Out, shown: &Shown) -> io::Result<()> {
    let is = |set: &SetView| {
        let active = shown.now.active.as_ref().map(|set| &set.version);
        let candidate = shown.now.candidate.as_ref().map(|candidate| &candidate.set.version);
        match &set.version {
            version if active == Some(version) => "active",
            version if candidate == Some(version) => "candidate",
            _ => "",
        }
    };
    let mut table =
        Table::new(["VERSION", "NAME", "IN USE", "POLICIES", "TAKEN", "BY", "FROM", "SIGNED BY"]);
    for set in &shown.kept.sets {
        let from = match &set.revision {
            Some(revision) => format!("{} ({revision})", set.origin),
            None => set.origin.clone(),
        };
        table.row([
            Cell::new(style::HEAD, render::short(&set.version)),
            printable(&set.name).into(),
            Cell::new(style::ADD, is(set)),
            set.policies.to_string().into(),
            render::time(set.at).into(),
            printable(&set.actor).into(),
            printable(&from).into(),
            printable(set.signed_by.as_deref().unwrap_or("-")).into(),
        ]);
    }
    table.print(out)
}

/// `policy activate`. What was asked about is what is put to use.
pub fn activate(arguments: &ActivateArgs, context: &mut Context) -> Outcome {
    let client = context.client()?;
    let now: RolloutResponse = client.get(routes::ROLLOUT, &[])?;
    let expect = Some(now.rollout.as_ref().map_or(0, |rollout| rollout.number));
    let (stage, word) = match (arguments.shadow, arguments.canary) {
        (true, _) => (Wanted::Shadow, "Watch it in shadow"),
        (false, Some(_)) => (Wanted::Canary, "Let it decide on a share"),
        (false, None) => (Wanted::Active, "Decide by it"),
    };
    if !arguments.yes {
        let before = now.active.as_ref().map_or_else(|| "no set".to_owned(), named);
        confirm(&format!("{before} is in use. {word}: {}?", printable(&arguments.set)))?;
    }
    let percent = arguments.canary;
    let path = Path::new(&arguments.set);
    let answer: ActivateResponse = if path.is_dir() {
        let files = BundleArgs::default().read(path)?.files.into_iter().map(|file| {
            let text = String::from_utf8(file.octets);
            let text = text.map_err(|_| Failure::usage(format!("{} is not UTF-8", file.path)))?;
            Ok(PolicyFile { name: file.path, text })
        });
        let files = files.collect::<Result<Vec<_>, Failure>>()?;
        let request = ActivateRequest { files, stage, percent, expect, version: None };
        client.post(routes::ROLLOUT, &request)?
    } else if path.is_file() {
        let octets = input::octets(path, routes::MAX_BODY as u64)?;
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let (percent, expect) = (number(percent.map(u64::from)), number(expect));
        let stage = match stage {
            Wanted::Active => "active",
            Wanted::Shadow => "shadow",
            Wanted::Canary => "canary",
        };
        let query = [("stage", Some(stage)), ("percent", percent.as_deref())];
        let query = query.into_iter().chain([("expect", expect.as_deref())]);
        let query: Vec<_> = query.filter_map(|(name, value)| Some((name, value?))).collect();
        client.post_octets(routes::BUNDLE, &query, octets, "application/octet-stream")?
    } else {
        let version = Some(arguments.set.clone());
        if !arguments.set.trim_start_matches("sha256:").bytes().all(|b| b.is_ascii_hexdigit()) {
            let message = format!("{} is neither a file nor a version", printable(&arguments.set));
            return Err(Failure::usage(message).next("sarkctl policy sets shows versions"));
        }
        let request = ActivateRequest { version, stage, percent, expect, files: Vec::new() };
        client.post(routes::ROLLOUT, &request)?
    };
    print(&answer, context)
}

/// `policy rollback`.
pub fn rollback(arguments: &RollbackArgs, context: &mut Context) -> Outcome {
    let client = context.client()?;
    let now: RolloutResponse = client.get(routes::ROLLOUT, &[])?;
    let expect = Some(now.rollout.as_ref().map_or(0, |rollout| rollout.number));
    if !arguments.yes {
        let what = match (&now.candidate, &now.active) {
            (Some(candidate), _) => format!("the candidate {}", named(&candidate.set)),
            (None, Some(active)) => format!("{}, and decide by the set before it", named(active)),
            (None, None) => "nothing".to_owned(),
        };
        confirm(&format!("Take back {what}?"))?;
    }
    let answer = client.post(routes::ROLLBACK, &RollbackRequest { expect })?;
    print(&answer, context)
}

/// `policy refresh`.
pub fn refresh(context: &mut Context) -> Outcome {
    let answer = context.client()?.post(routes::SOURCE, &serde_json::json!({}))?;
    print(&answer, context)
}

fn print(answer: &ActivateResponse, context: &mut Context) -> Outcome {
    context.out.data(answer, |out| {
        if !answer.changed {
            writeln!(out, "nothing changed: it is in use as it is")?;
        }
        in_use(out, &answer.now)
    })?;
    Ok(Exit::Done)
}
