//! `registry entries`: documents of your own, kept by `sarkd`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use sark_api::{EntriesChanged, EntriesRequest, EntriesResponse, EntryView, routes};
use sark_core::{Clock as _, SystemClock};

use super::difference;
use crate::cli::Context;
use crate::client::Client;
use crate::exit::{Exit, Failure, Outcome};
use crate::flowspec::apply::confirm;
use crate::output::{Format, Out, printable, style};
use crate::table::{Cell, Table};
use crate::{input, render};

/// Endpoints of your own, without a file in sarkd's configuration.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List entries: whose each is, and when it ends
    List,
    /// Print an entry as it was put
    Show(NameArgs),
    /// Put a document in place of the one of its name
    ///
    /// A document of kind EndpointOverlay with an owner and an end. Shows what changes, then asks.
    Put(PutArgs),
    /// Delete an entry
    ///
    /// Shows what changes, then asks.
    Delete(DeleteArgs),
}

/// See [`Command::Show`].
#[derive(Debug, clap::Args)]
pub struct NameArgs {
    /// Its name
    name: String,
}

/// See [`Command::Put`].
#[derive(Debug, clap::Args)]
pub struct PutArgs {
    /// The document; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Show what changes, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask (it asks only on a terminal)
    #[arg(short, long)]
    yes: bool,
}

/// See [`Command::Delete`].
#[derive(Debug, clap::Args)]
pub struct DeleteArgs {
    /// Its name
    name: String,
    /// Show what changes, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask (it asks only on a terminal)
    #[arg(short, long)]
    yes: bool,
}

/// Runs it.
pub fn run(command: &Command, context: &mut Context) -> Outcome {
    match command {
        Command::List => list(context),
        Command::Show(arguments) => show(arguments, context),
        Command::Put(arguments) => put(arguments, context),
        Command::Delete(arguments) => delete(arguments, context),
    }
}

fn list(context: &mut Context) -> Outcome {
    let entries: EntriesResponse = context.client()?.get(routes::ENTRIES, &[])?;
    context.out.data(&entries, |out| many(out, &entries))?;
    Ok(Exit::Done)
}

fn many(out: &mut Out, response: &EntriesResponse) -> io::Result<()> {
    let now = SystemClock.now();
    let number = response.entries.len();
    let word = if number == 1 { "entry" } else { "entries" };
    writeln!(out, "{number} {word}")?;
    if response.entries.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = Table::new(["ENTRY", "OWNER", "ENDS", "PUT", "BY"]);
    for entry in &response.entries {
        let end = entry.expires.map_or_else(|| "-".to_owned(), render::time);
        let end = if entry.expires.is_some_and(|end| end <= now) {
            Cell::new(style::CHANGE, format!("{end}, over"))
        } else {
            end.into()
        };
        table.row([
            Cell::new(style::HEAD, entry.name.as_str()),
            entry.owner.as_str().into(),
            end,
            render::time(entry.at).into(),
            entry.actor.as_str().into(),
        ]);
    }
    table.print(out)
}

fn show(arguments: &NameArgs, context: &mut Context) -> Outcome {
    let entry = get(&context.client()?, &arguments.name)?;
    context.out.data(&entry, |out| {
        // A document has lines and tabs; nothing else in it may speak to the terminal.
        entry.text.lines().try_for_each(|line| {
            let parts: Vec<String> = line.split('\t').map(printable).collect();
            writeln!(out, "{}", parts.join("\t"))
        })
    })?;
    Ok(Exit::Done)
}

fn get(client: &Client, name: &str) -> Result<EntryView, Failure> {
    let all: EntriesResponse = client.get(routes::ENTRIES, &[])?;
    let names: Vec<String> = all.entries.iter().map(|entry| entry.name.clone()).collect();
    all.entries.into_iter().find(|entry| entry.name == name).ok_or_else(|| {
        let failure = Failure::usage(format!("there is no entry `{}`", printable(name)));
        match sark_core::document::nearest(name, names.iter().map(String::as_str)) {
            Some(near) => failure.next(format!("did you mean `{near}`?")),
            None => failure.next("`sarkctl registry entries list` shows them"),
        }
    })
}

fn put(arguments: &PutArgs, context: &mut Context) -> Outcome {
    let file = input::text(&arguments.file)?;
    let mut request =
        EntriesRequest { text: file.text, file: file.name, dry_run: true, expect: None };
    let client = context.client()?;
    let ask = |request: &EntriesRequest| client.post(routes::ENTRIES, request);
    let shown: EntriesChanged = ask(&request)?;
    if arguments.dry_run {
        let verbose = context.verbose;
        context.out.data(&shown, |out| changes(out, &shown, verbose))?;
        return Ok(Exit::Done);
    }
    decide(&format!("Put {}?", named(&shown)), &shown, arguments.yes, context)?;
    request.dry_run = false;
    // What was shown is what is put: if the registry is another by now, sarkd says so.
    request.expect = Some(shown.before);
    finish(&ask(&request)?, context)
}

fn delete(arguments: &DeleteArgs, context: &mut Context) -> Outcome {
    let client = context.client()?;
    let path = routes::ENTRY.replace("{entry}", &render::percent(&arguments.name));
    let shown: EntriesChanged = client.delete(&path, &[("dryRun", "true")])?;
    if arguments.dry_run {
        let verbose = context.verbose;
        context.out.data(&shown, |out| changes(out, &shown, verbose))?;
        return Ok(Exit::Done);
    }
    decide(&format!("Delete {}?", named(&shown)), &shown, arguments.yes, context)?;
    finish(&client.delete(&path, &[("expect", shown.before.as_str())])?, context)
}

fn named(changed: &EntriesChanged) -> String {
    printable(&changed.entries.join(", "))
}

/// Shows what would change, and asks.
fn decide(
    question: &str,
    shown: &EntriesChanged,
    yes: bool,
    context: &mut Context,
) -> Result<(), Failure> {
    if context.out.format == Format::Table {
        changes(&mut context.out, shown, context.verbose)?;
        context.out.flush()?;
    }
    if yes { Ok(()) } else { confirm(question) }
}

fn changes(out: &mut Out, changed: &EntriesChanged, verbose: bool) -> io::Result<()> {
    if changed.endpoints.is_empty() {
        writeln!(out, "no endpoint changes")?;
    }
    difference::endpoints(out, &changed.endpoints, verbose)?;
    for note in &changed.notes {
        let word = out.paint(style::CHANGE, "note:");
        writeln!(out, "{word} {}", printable(&note.message))?;
    }
    if let Some(number) = changed.pinned {
        writeln!(
            out,
            "version {number} is pinned: the new one is recorded, and not used until `sarkctl registry unpin`"
        )?;
    }
    Ok(())
}

fn finish(changed: &EntriesChanged, context: &mut Context) -> Outcome {
    context.out.data(changed, |out| {
        let version = out.paint(style::HEAD, render::short(&changed.version));
        writeln!(out, "done: registry {version}")
    })?;
    Ok(Exit::Done)
}
