//! `audit verify`: whether the trail is as it was written.

use std::io::{self, Write as _};
use std::path::PathBuf;

use sark_audit::{Checkpoint, Verified, VerifyingKey, WalkError, read_anchor};
use sark_core::audit::Digest;
use serde::Serialize;

use super::prove;
use super::source::{Source, SourceArgs, keys_of, open_note};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Out, style};
use crate::progress::Count;
use crate::render;

/// See [`super::Command::Verify`].
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// A file of checkpoints from an anchor, or a syslog's with its messages; may be repeated
    #[arg(long, value_name = "FILE")]
    anchor: Vec<PathBuf>,
    /// A public key, or a file with it; may be repeated, if keys changed or several sarkd signed
    /// [default: `audit.key.pub` beside the database, or sarkd's word]
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
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
    keys: Vec<String>,
    /// Where in the anchors a checkpoint was not written whole.
    torn: Vec<String>,
}

/// `audit verify`.
pub fn run(arguments: &VerifyArgs, context: &mut Context) -> Outcome {
    if let Some(path) = &arguments.proof {
        return prove::verify(path, &keys_of(&arguments.key)?, context);
    }
    let source = arguments.source.open(context)?;
    let keys = source.keys(&arguments.key)?;
    let (anchors, torn) = anchors(&source, &keys, &arguments.anchor)?;
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
            let report = report(&verified, &keys, torn);
            context.out.data(&report, |out| print(out, &report))?;
            Ok(Exit::Done)
        }
        Err(WalkError::Bad(bad)) => Err(Failure::failed(bad).next(
            "keep a copy of the database as it is; docs/runbooks/audit.md says how to find out more",
        )),
        Err(error) => Err(Failure::failed(error)),
    }
}

/// Those that are kept beside the trail, and those of the files; and where these are torn.
fn anchors(
    source: &Source,
    keys: &[VerifyingKey],
    files: &[PathBuf],
) -> Result<(Vec<Checkpoint>, Vec<String>), Failure> {
    if keys.is_empty() {
        let none = (Vec::new(), Vec::new());
        return if files.is_empty() { Ok(none) } else { Err(prove::no_key()) };
    }
    let (mut all, mut torn) = (source.signed(keys)?, Vec::new());
    for path in files {
        let octets = std::fs::read(path)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
        // What was torn may end within a character.
        let found = read_anchor(&String::from_utf8_lossy(&octets));
        if found.notes.is_empty() && !found.torn.is_empty() {
            let why = format!("there is no checkpoint in {}", path.display());
            return Err(Failure::usage(why).next(
                "name the file of audit.anchors.file, what a webhook stored, or a syslog's file with \
                 the lines `audit checkpoint:`",
            ));
        }
        torn.extend(found.torn.iter().map(|line| format!("{}, line {line}", path.display())));
        for note in found.notes {
            all.push(open_note(&note, keys, &format!("a checkpoint in {}", path.display()))?);
        }
    }
    Ok((all, torn))
}

fn report(verified: &Verified, keys: &[VerifyingKey], torn: Vec<String>) -> Report {
    Report {
        whole: true,
        records: verified.head.sequence - verified.began,
        last: verified.head.sequence,
        hash: verified.head.hash,
        root: verified.root,
        pruned: verified.began,
        checkpoints: verified.checkpoints,
        vouched: verified.vouched,
        keys: keys.iter().map(ToString::to_string).collect(),
        torn,
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
    for place in &report.torn {
        writeln!(out, "torn       {place}: a checkpoint was not written whole; stepped over")?;
    }
    if report.keys.is_empty() {
        return writeln!(out, "vouched    by nobody: no key is known, see --key");
    }
    let agreed = render::count(report.checkpoints as u64, "checkpoint");
    writeln!(out, "vouched    up to {} by {agreed}", report.vouched)?;
    report.keys.iter().try_for_each(|key| writeln!(out, "key        {key}"))
}
