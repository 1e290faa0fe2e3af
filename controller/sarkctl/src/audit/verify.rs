//! `audit verify`: whether the trail is as it was written.

use std::io::{self, Write as _};
use std::path::PathBuf;

use sark_audit::{Checkpoint, Note, Verified, VerifyingKey, WalkError};
use sark_core::audit::Digest;
use serde::Serialize;

use super::prove;
use super::source::{Source, SourceArgs, open};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Out, style};
use crate::progress::Count;
use crate::render;

/// See [`super::Command::Verify`].
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// A file of checkpoints from an anchor; may be repeated
    #[arg(long, value_name = "FILE")]
    anchor: Vec<PathBuf>,
    /// The public key, or a file with it [default: `audit.key.pub` beside the database, or sarkd's
    /// word]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Check this proof instead, by itself; wants --key
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with_all = ["anchor", "database"])]
    proof: Option<PathBuf>,
    #[command(flatten)]
    source: SourceArgs,
}

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Whether everything is as it was written.
    whole: bool,
    /// Records that are there.
    records: u64,
    /// The last one.
    last: u64,
    /// Its hash in the chain.
    hash: Digest,
    /// Root of the Merkle tree over all records.
    root: Digest,
    /// Records that were pruned before the first.
    pruned: u64,
    /// Checkpoints that agreed.
    checkpoints: usize,
    /// The last record that one of them vouches for.
    vouched: u64,
    /// Whose signatures were checked.
    key: Option<String>,
}

/// `audit verify`.
pub fn run(arguments: &VerifyArgs, context: &mut Context) -> Outcome {
    if let Some(path) = &arguments.proof {
        let text = arguments.key.as_deref().ok_or_else(prove::no_key)?;
        let key = text.parse().or_else(|_| match std::fs::read_to_string(text) {
            Ok(text) => text.trim().parse().map_err(Failure::usage),
            Err(error) => Err(Failure::usage(format!("cannot read the key {text}: {error}"))),
        })?;
        return prove::verify(path, &key, context);
    }
    let source = arguments.source.open(context)?;
    let key = source.key(arguments.key.as_deref())?;
    let anchors = anchors(&source, key.as_ref(), &arguments.anchor)?;
    let count = Count::new("records verified", true);
    let mut last = 0;
    let walked = source.walk(async |trail| {
        sark_audit::verify(trail, anchors, &mut |reached| {
            count.add(reached.saturating_sub(last));
            last = reached;
        })
        .await
    });
    drop(count);
    match walked {
        Ok(verified) => {
            let report = report(&verified, key.as_ref());
            context.out.data(&report, |out| print(out, &report))?;
            Ok(Exit::Done)
        }
        Err(WalkError::Bad(bad)) => Err(Failure::failed(bad).next(
            "keep a copy of the database as it is; docs/runbooks/audit.md says how to find out more",
        )),
        Err(error) => Err(Failure::failed(error)),
    }
}

/// Those that are kept beside the trail, and those of the files.
fn anchors(
    source: &Source,
    key: Option<&VerifyingKey>,
    files: &[PathBuf],
) -> Result<Vec<Checkpoint>, Failure> {
    let Some(key) = key else {
        return if files.is_empty() { Ok(Vec::new()) } else { Err(prove::no_key()) };
    };
    let mut all = source.signed(key)?;
    for path in files {
        let text = std::fs::read_to_string(path);
        let text = text
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
        let notes = Note::parse_all(&text)
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        for note in notes {
            all.push(open(&note.to_string(), key, 0)?);
        }
    }
    Ok(all)
}

fn report(verified: &Verified, key: Option<&VerifyingKey>) -> Report {
    Report {
        whole: true,
        records: verified.head.sequence - verified.began,
        last: verified.head.sequence,
        hash: verified.head.hash,
        root: verified.root,
        pruned: verified.began,
        checkpoints: verified.checkpoints,
        vouched: verified.vouched,
        key: key.map(ToString::to_string),
    }
}

fn print(out: &mut Out, report: &Report) -> io::Result<()> {
    let whole = out.paint(style::ADD, "the trail is as it was written");
    writeln!(out, "{whole}: {}", render::count(report.records, "record"))?;
    if report.pruned > 0 {
        writeln!(out, "before it  {} pruned", render::count(report.pruned, "record"))?;
    }
    writeln!(out, "last       {} {}", report.last, report.hash)?;
    writeln!(out, "root       {}", report.root)?;
    match &report.key {
        Some(key) => {
            let agreed = render::count(report.checkpoints as u64, "checkpoint");
            writeln!(out, "vouched    up to {} by {agreed}", report.vouched)?;
            writeln!(out, "key        {key}")
        }
        None => writeln!(out, "vouched    by nobody: no key is known, see --key"),
    }
}
