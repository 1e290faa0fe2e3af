//! `registry export`: endpoints in the forms of other tools.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sark_api::routes;
use sark_core::{Clock as _, SystemClock};
use sark_export::{Form, Selection, Spared};
use sark_registry::{Kind, Role, Snapshot};

use super::{Source, words};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::file::Replacement;
use crate::offline::timestamp;
use crate::output::talk;

/// See [`super::Command::Export`].
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// For which tool
    #[arg(long, value_name = "FORM", value_parser = words(Form::ALL, Form::as_str))]
    form: Form,
    /// Only of this provider or service, such as `anthropic`; may be repeated
    #[arg(long, value_name = "SLUG")]
    provider: Vec<String>,
    /// Only of this kind; may be repeated
    #[arg(long, value_parser = words(Kind::ALL, Kind::as_str))]
    kind: Vec<Kind>,
    /// Only of this role; may be repeated [default: ingress and relay, what clients connect to]
    #[arg(long, value_parser = words(Role::ALL, Role::as_str))]
    role: Vec<Role>,
    /// Only what its owner's own document confirms
    #[arg(long)]
    verified: bool,
    /// Also addresses at which other sites live, in the forms that are blocked by
    #[arg(long)]
    shared: bool,
    /// An earlier version: its number or the beginning of its hash [default: the one in use]
    #[arg(long, value_name = "VERSION")]
    at: Option<String>,
    /// Write to this file and not to standard output; it is replaced whole or not at all
    #[arg(short = 'O', long = "out", value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
    /// The time: what has ended by then is left out [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = timestamp, help_heading = "Offline options")]
    now: Option<Timestamp>,
}

/// `registry export`.
pub fn run(arguments: &ExportArgs, context: &mut Context) -> Outcome {
    let snapshot = arguments.source.snapshot()?;
    let offline = snapshot.is_some();
    let misplaced = [
        (offline && arguments.at.is_some(), "--at", "without", "sarkd keeps the versions"),
        (!offline && arguments.now.is_some(), "--now", "only with", "sarkd has its own clock"),
    ];
    if let Some((_, name, how, why)) = misplaced.into_iter().find(|(misplaced, ..)| *misplaced) {
        return Err(Failure::usage(format!("{name} has a meaning {how} --offline")).next(why));
    }
    let notes = match &arguments.out {
        None => {
            let notes = document(arguments, snapshot, context, None)?;
            context.out.flush()?;
            notes
        }
        Some(path) => {
            let mut file = Replacement::of(path).map_err(|error| unwritable(path, error))?;
            let notes = document(arguments, snapshot, context, Some((path, &mut file)))?;
            file.finish().map_err(|error| unwritable(path, error))?;
            notes
        }
    };
    for note in notes {
        talk(format_args!("note: {note}"));
    }
    Ok(Exit::Done)
}

/// Writes the document; what was left out of it.
fn document(
    arguments: &ExportArgs,
    snapshot: Option<Snapshot>,
    context: &mut Context,
    file: Option<(&Path, &mut Replacement)>,
) -> Result<Vec<String>, Failure> {
    let Some(snapshot) = snapshot else {
        let client = context.client()?;
        let query = arguments.query();
        let query: Vec<(&str, &str)> = query.iter().map(|(key, value)| (*key, &**value)).collect();
        let headers = match file {
            None => client.pass_on(routes::EXPORT, &query, &mut context.out)?,
            Some((_, file)) => client.pass_on(routes::EXPORT, &query, file)?,
        };
        let notes = headers.get_all(routes::NOTE).iter();
        return Ok(notes.filter_map(|note| Some(note.to_str().ok()?.to_owned())).collect());
    };
    let selection = arguments.selection();
    selection.check(&snapshot).map_err(|error| {
        let next = match &error.nearest {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`sarkctl registry list` shows all".to_owned(),
        };
        Failure::usage(error).next(next)
    })?;
    let now = arguments.now.unwrap_or_else(|| SystemClock.now());
    let spared = Spared::new(snapshot.never_touch(), arguments.source.protected()?, now);
    let exported = sark_export::export(&snapshot, arguments.form, &selection, &spared, now);
    match file {
        None => context.out.write_all(exported.text.as_bytes())?,
        Some((path, file)) => {
            let written = file.write_all(exported.text.as_bytes());
            written.map_err(|error| unwritable(path, error))?;
        }
    }
    Ok(exported.notes)
}

impl ExportArgs {
    fn selection(&self) -> Selection {
        Selection {
            providers: self.provider.clone(),
            kinds: self.kind.clone(),
            roles: self.role.clone(),
            verified: self.verified,
            shared: self.shared,
        }
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![("form", self.form.to_string())];
        query.extend(self.provider.iter().map(|slug| ("provider", slug.clone())));
        query.extend(self.kind.iter().map(|kind| ("kind", kind.to_string())));
        query.extend(self.role.iter().map(|role| ("role", role.to_string())));
        let flags = [("verified", self.verified), ("shared", self.shared)];
        let given = flags.into_iter().filter(|(_, given)| *given);
        query.extend(given.map(|(name, _)| (name, "true".to_owned())));
        query.extend(self.at.iter().map(|at| ("at", at.clone())));
        query
    }
}

fn unwritable(path: &Path, error: io::Error) -> Failure {
    Failure::failed(format!("cannot write {}: {error}", path.display()))
        .next("check the directory, its permissions and its room; what was there stays")
}
