//! `audit prove`: what shows to anybody that a record is in the trail.

use std::io::Write as _;
use std::path::Path;

use sark_audit::{VerifyingKey, check_inclusion};
use sark_core::audit::{AuditRecord, Digest};
use serde::{Deserialize, Serialize};

use super::source::{SourceArgs, open};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};

/// See [`super::Command::Prove`].
#[derive(Debug, clap::Args)]
pub struct ProveArgs {
    /// The record's number
    record: u64,
    /// A public key, or a file with it; may be repeated [default: `audit.key.pub` beside the database,
    /// or sarkd's word]
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    #[command(flatten)]
    source: SourceArgs,
}

/// A proof: stands for itself, but for the key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProofFile {
    /// 1.
    schema: u32,
    /// The record's number.
    sequence: u64,
    /// The record as it is stored: these octets are what is proven.
    record: String,
    /// A checkpoint that covers it, signed.
    checkpoint: String,
    /// Hashes from the record to the checkpoint's root (RFC 9162, section 2.1.3).
    inclusion: Vec<Digest>,
}

/// `audit prove`.
pub fn run(arguments: &ProveArgs, context: &mut Context) -> Outcome {
    let source = arguments.source.open(context)?;
    let sequence = arguments.record;
    let keys = source.keys(&arguments.key)?;
    if keys.is_empty() {
        return Err(no_key());
    }
    let kept = source.checkpoints()?;
    let Some(kept) = kept.into_iter().find(|kept| kept.head.sequence >= sequence) else {
        return Err(Failure::failed(format!("no checkpoint covers record {sequence} yet"))
            .next("wait for the next one (audit.checkpoints in sarkd's configuration)"));
    };
    let size = kept.head.sequence;
    let checkpoint = open(&kept.note, &keys, size)?;
    let proven = source.walk(async |trail| sark_audit::prove(trail, sequence, size).await);
    let (record, inclusion) = proven.map_err(|error| {
        Failure::failed(error).next("`sarkctl audit verify` says whether the trail is whole")
    })?;
    let proof = ProofFile { schema: 1, sequence, record, checkpoint: kept.note, inclusion };
    // What does not verify is not handed out.
    check(&proof, &checkpoint.root, size)?;
    let text = serde_json::to_string_pretty(&proof).map_err(Failure::failed)?;
    writeln!(context.out, "{text}")?;
    Ok(Exit::Done)
}

/// Checks a proof by itself.
pub fn verify(path: &Path, keys: &[VerifyingKey], context: &mut Context) -> Outcome {
    let text = std::fs::read_to_string(path);
    let text =
        text.map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    let wrong = |error| Failure::usage(format!("{} is no proof: {error}", path.display()));
    let proof: ProofFile = serde_json::from_str(&text).map_err(wrong)?;
    let record: AuditRecord = serde_json::from_str(&proof.record).map_err(wrong)?;
    let checkpoint = open(&proof.checkpoint, keys, proof.sequence)?;
    check(&proof, &checkpoint.root, checkpoint.head.sequence)?;
    context.out.data(&record, |out| {
        let (number, covers) = (proof.sequence, checkpoint.head.sequence);
        writeln!(out, "record {number} is in the trail of {}", checkpoint.origin)?;
        writeln!(out, "signed at {} over {covers} records", checkpoint.at)?;
        writeln!(out, "{} {} by {}", record.at, record.event, record.actor)
    })?;
    Ok(Exit::Done)
}

fn check(proof: &ProofFile, root: &Digest, size: u64) -> Result<(), Failure> {
    let leaf = Digest::of_leaf(proof.record.as_bytes());
    let index = proof.sequence.checked_sub(1);
    let index = index.ok_or_else(|| Failure::failed("there is no record 0"))?;
    check_inclusion(index, leaf, size, root, &proof.inclusion).map_err(|error| {
        Failure::failed(error).next("the record, its number or the proof were changed")
    })
}

pub fn no_key() -> Failure {
    Failure::usage("there is no key to check signatures with").next(
        "give sarkd's public key with --key: `audit.key.pub` in its state directory, kept where who \
         can write to the database cannot",
    )
}
