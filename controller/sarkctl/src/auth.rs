//! `auth`: who I am, what I may do, and tokens.

mod token;

use std::io::{self, Write as _};

use sark_api::{RouteView, WhoamiResponse, routes};
use serde::Serialize;

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, printable, style};
use crate::table::{Cell, Table};

/// Who may do what.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Who sarkd says I am
    Whoami,
    /// What I may do: all routes, or those whose path has this in it
    ///
    /// Exits with 3 if none of those that are named is allowed.
    Can(CanArgs),
    /// Make, list and revoke tokens
    #[command(subcommand)]
    Token(token::Command),
}

/// See [`Command::Can`].
#[derive(Debug, clap::Args)]
pub struct CanArgs {
    /// Part of a path, with or without its method, such as `flowspec/apply` or `"POST /v1/registry"`
    route: Option<String>,
}

/// Runs it.
pub fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::Whoami => whoami(context),
        Command::Can(arguments) => can(arguments.route.as_deref(), context),
        Command::Token(command) => token::run(command, context),
    }
}

#[derive(Serialize)]
struct Me<'a> {
    name: &'a str,
    known: sark_core::identity::Known,
    roles: &'a std::collections::BTreeSet<sark_core::identity::Role>,
    scopes: &'a std::collections::BTreeSet<sark_core::identity::Scope>,
    server: String,
}

fn whoami(context: &mut Context) -> Outcome {
    let client = context.client()?;
    let answer: WhoamiResponse = client.get(routes::WHOAMI, &[])?;
    let me = Me {
        name: &answer.name,
        known: answer.known,
        roles: &answer.roles,
        scopes: &answer.scopes,
        server: client.place().to_owned(),
    };
    context.out.data(&me, |out| {
        writeln!(out, "name    {}", out.paint(style::HEAD, &printable(me.name)))?;
        writeln!(out, "roles   {}", list(me.roles, "none"))?;
        writeln!(out, "scopes  {}", list(me.scopes, "everywhere"))?;
        writeln!(out, "server  {}", printable(&me.server))
    })?;
    Ok(Exit::Done)
}

/// The words, or what it means that there are none.
pub(crate) fn list<T: ToString>(items: impl IntoIterator<Item = T>, none: &str) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { none.to_owned() } else { items.join(", ") }
}

fn can(route: Option<&str>, context: &mut Context) -> Outcome {
    let answer: WhoamiResponse = context.client()?.get(routes::WHOAMI, &[])?;
    let fits = |view: &&RouteView| {
        route.is_none_or(|part| format!("{} {}", view.method, view.path).contains(part))
    };
    let views: Vec<&RouteView> = answer.routes.iter().filter(fits).collect();
    context.out.data(&views, |out| print(out, &views))?;
    let allowed = views.iter().any(|view| view.allowed);
    Ok(if route.is_none() || allowed { Exit::Done } else { Exit::Refused })
}

fn print(out: &mut Out, views: &[&RouteView]) -> io::Result<()> {
    if views.is_empty() {
        return writeln!(out, "there is no such route");
    }
    let mut table = Table::new(["MAY", "METHOD", "PATH", "NEEDS", "LINE", "WHAT"]);
    for view in views {
        let (colour, may) = if view.allowed { (style::ADD, "yes") } else { (style::REMOVE, "no") };
        table.row([
            Cell::new(colour, may),
            view.method.as_str().into(),
            Cell::new(style::HEAD, view.path.as_str()),
            view.needs.as_str().into(),
            view.line.as_str().into(),
            view.about.as_str().into(),
        ]);
    }
    table.print(out)
}
