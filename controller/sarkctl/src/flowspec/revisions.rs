//! `revisions`: the accepted policy sets, newest first.

use std::io::{self, Write as _};

use sark_api::{RevisionView, RevisionsResponse, routes};

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, printable, style};
use crate::render;
use crate::table::{Cell, Table};

/// See [`super::Command::Revisions`].
#[derive(Debug, clap::Args)]
pub struct RevisionsArgs {
    /// Show this one, with its policies
    number: Option<u64>,
    /// List at most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// `revisions`.
pub fn run(arguments: &RevisionsArgs, context: &mut Context) -> Outcome {
    let client = context.client()?;
    if let Some(number) = arguments.number {
        let path = routes::REVISION.replace("{number}", &number.to_string());
        let revision: RevisionView = client.get(&path, &[])?;
        context.out.data(&revision, |out| one(out, &revision))?;
    } else {
        let limit = arguments.limit.to_string();
        let list: RevisionsResponse = client.get(routes::REVISIONS, &[("limit", &limit)])?;
        context.out.data(&list, |out| many(out, &list))?;
    }
    Ok(Exit::Done)
}

fn many(out: &mut Out, list: &RevisionsResponse) -> io::Result<()> {
    let Some(newest) = list.revisions.first() else {
        return writeln!(out, "no revisions: nothing was applied yet");
    };
    writeln!(out, "revision {} holds\n", newest.number)?;
    let mut table = Table::new(["REVISION", "AT", "BY", "WHY", "POLICIES", "RULES"]);
    for revision in &list.revisions {
        table.row([
            Cell::new(style::HEAD, revision.number.to_string()),
            render::time(revision.at).into(),
            revision.actor.as_str().into(),
            revision.cause.as_str().into(),
            revision.policies.len().to_string().into(),
            rules(revision).into(),
        ]);
    }
    table.print(out)
}

fn rules(revision: &RevisionView) -> String {
    format!("+{} -{} ={}", revision.announce, revision.withdraw, revision.keep)
}

fn one(out: &mut Out, revision: &RevisionView) -> io::Result<()> {
    let head = out.paint(style::HEAD, &format!("revision {}", revision.number));
    writeln!(out, "{head}")?;
    writeln!(out, "accepted  {} by {}", render::time(revision.at), revision.actor)?;
    writeln!(out, "why       {}", revision.cause)?;
    writeln!(out, "rules     {}", rules(revision))?;
    writeln!(out, "registry  {}", render::short(&revision.registry_version))?;
    writeln!(out, "policies  {}\n", render::short(&revision.policy_version))?;
    let mut table = Table::new(["POLICY", "SINCE"]);
    for (name, since) in &revision.policies {
        table.row([name.as_str().into(), render::time(*since).into()]);
    }
    table.print(out)?;
    for file in revision.files.iter().flatten() {
        let name = out.paint(style::HEAD, &file.name);
        writeln!(out, "\n{name}")?;
        for line in file.text.lines() {
            writeln!(out, "  {}", printable(line))?;
        }
    }
    Ok(())
}
