//! `audit show`: one record, whole.

use std::io::Write as _;

use sark_audit::{Seal, Sealed};
use sark_core::audit::{AuditRecord, Page, Search};
use sark_core::secret::{Secret, SecretRef};
use serde_json::Value;

use super::source::SourceArgs;
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::printable;

/// See [`super::Command::Show`].
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Its number
    record: u64,
    /// Open what a policy had kept, with this key: `file:/path` or `env:NAME`
    #[arg(long, value_name = "REFERENCE")]
    decrypt: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
}

/// `audit show`.
pub fn run(arguments: &ShowArgs, context: &mut Context) -> Outcome {
    let source = arguments.source.open(context)?;
    let number = arguments.record;
    let page = Page::On { after: number.saturating_sub(1), limit: 1 };
    let found = source.search(&Search::default(), page)?;
    let found = found.into_iter().find(|(sequence, _)| *sequence == number);
    let Some((_, mut record)) = found else {
        return Err(Failure::usage(format!("there is no record {number}"))
            .next("`sarkctl audit tail` shows the newest; older ones may have been pruned"));
    };
    if let Some(reference) = &arguments.decrypt {
        open(&mut record, &Seal::parse(&key(reference)?).map_err(Failure::usage)?)?;
    }
    context.out.data(&record, |out| {
        let text = serde_json::to_string_pretty(&record)?;
        text.lines().try_for_each(|line| writeln!(out, "{}", printable(line)))
    })?;
    Ok(Exit::Done)
}

fn key(reference: &str) -> Result<Secret, Failure> {
    let text = match SecretRef::parse(reference) {
        SecretRef::File(path) => std::fs::read_to_string(&path).map_err(|error| error.to_string()),
        SecretRef::Env(name) => std::env::var(name).map_err(|error| error.to_string()),
        SecretRef::Invalid => Err("it is not file:/path or env:NAME".to_owned()),
    };
    let text = text.map_err(|why| Failure::usage(format!("cannot read the key: {why}")))?;
    Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// Puts the plain text in the place of what was sealed.
fn open(record: &mut AuditRecord, seal: &Seal) -> Result<(), Failure> {
    let request = record.about.request.clone().unwrap_or_default();
    let Some(Value::Object(kept)) = record.detail.get_mut("kept") else { return Ok(()) };
    for (field, value) in kept.iter_mut() {
        let sealed: Sealed = serde_json::from_value(value.take()).map_err(Failure::failed)?;
        let plain = seal.open(&sealed, &request, field);
        *value = Value::String(plain.map_err(|error| {
            Failure::failed(error).next("give the key that sarkd had then (audit.seal)")
        })?);
    }
    Ok(())
}
