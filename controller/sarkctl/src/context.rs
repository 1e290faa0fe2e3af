//! `context`: which `sarkd` is asked, and as whom.
//!
//! `contexts.yaml` in `$XDG_CONFIG_HOME/sark` (or `~/.config/sark`), mode 0600. It names where a token
//! is, and never holds one.

mod edit;
mod store;

use std::io::Write as _;
use std::path::PathBuf;

use sark_core::secret::SecretRef;
use serde::{Deserialize, Serialize};

pub use store::{Contexts, private};

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::style;
use crate::table::{Cell, Table};

/// What to do with contexts.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List contexts; the one in use has a star
    List,
    /// Use this context from now on
    Use(NameArgs),
    /// Add a context, or replace one
    Add(Box<edit::AddArgs>),
    /// Remove a context, and the token that `add --token-stdin` stored for it
    Remove(NameArgs),
    /// Show a context: the one in use, or this
    Show(ShowArgs),
}

/// One context.
#[derive(Debug, clap::Args)]
pub struct NameArgs {
    /// Its name
    pub name: String,
}

/// See [`Command::Show`].
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Its name
    pub name: Option<String>,
}

/// Where one `sarkd` is, and as whom it is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// `https://name:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Or a Unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// PEM file of the authority of the server's certificate, if it is not a public one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<PathBuf>,
    /// Where the token is: `file:/path` or `env:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
    /// PEM file of a client certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// PEM file of its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

impl Entry {
    /// Where it leads.
    pub fn place(&self) -> String {
        match (&self.server, &self.socket) {
            (Some(server), _) => server.clone(),
            (None, Some(socket)) => socket.display().to_string(),
            (None, None) => sark_api::config::DEFAULT_SOCKET.to_owned(),
        }
    }

    fn identity(&self) -> String {
        match (&self.token, &self.certificate) {
            (Some(token), _) => format!("token {token}"),
            (None, Some(certificate)) => format!("certificate {}", certificate.display()),
            (None, None) if self.server.is_none() => "this user".to_owned(),
            (None, None) => "nobody".to_owned(),
        }
    }
}

#[derive(Debug, Serialize)]
struct View<'a> {
    name: &'a str,
    current: bool,
    #[serde(flatten)]
    entry: &'a Entry,
}

/// Runs it.
pub fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::List => list(context),
        Command::Use(NameArgs { name }) => edit::select(&name),
        Command::Add(arguments) => edit::add(*arguments),
        Command::Remove(NameArgs { name }) => edit::remove(&name),
        Command::Show(ShowArgs { name }) => show(name.as_deref(), context),
    }
}

fn list(context: &mut Context) -> Outcome {
    let contexts = Contexts::read()?;
    let chosen = contexts.chosen(context.name.as_deref());
    let view = |(name, entry)| View { name, current: chosen == Some(name), entry };
    let views: Vec<View<'_>> = contexts.all().map(view).collect();
    context.out.data(&views, |out| {
        if views.is_empty() {
            return writeln!(
                out,
                "no contexts: sarkd is asked at --socket; add one with `sarkctl context add`"
            );
        }
        let mut table = Table::new(["CURRENT", "NAME", "WHERE", "AS"]);
        for view in &views {
            table.row([
                Cell::from(if view.current { "*" } else { "" }),
                Cell::new(style::HEAD, view.name),
                view.entry.place().into(),
                view.entry.identity().into(),
            ]);
        }
        table.print(out)
    })?;
    Ok(Exit::Done)
}

fn show(name: Option<&str>, context: &mut Context) -> Outcome {
    let contexts = Contexts::read()?;
    let chosen = name.or_else(|| contexts.chosen(context.name.as_deref()));
    let Some(name) = chosen else {
        crate::output::talk("no context is in use: sarkd is asked at --socket");
        return Ok(Exit::Done);
    };
    let entry = contexts.get(name)?;
    let current = contexts.chosen(context.name.as_deref()) == Some(name);
    let view = View { name, current, entry };
    context.out.data(&view, |out| {
        writeln!(out, "name         {name}{}", if current { " (in use)" } else { "" })?;
        writeln!(out, "where        {}", entry.place())?;
        writeln!(out, "as           {}", entry.identity())?;
        if let Some(authority) = &entry.authority {
            writeln!(out, "authority    {}", authority.display())?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}
