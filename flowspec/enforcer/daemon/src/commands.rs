//! What is done once: show, plan, remove.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;

use sark_enforcer::{Counter, KernelError, OptionsError, Program, Target};
use sark_flowspec::SpeakerError;
use sark_gobgp::Gobgp;
use serde::Serialize;

use crate::Heard;
use crate::args::Output;
use crate::config::Config;
use crate::state::{Directory, Stored, StoredRefusal, refused};
use crate::totals::sum;

/// Why a command did not do it.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Someone else is at it.
    #[error(transparent)]
    Lock(#[from] sark_program::LockError),
    /// The kernel.
    #[error("cannot ask the kernel, or tell it; this needs root")]
    Kernel(#[from] KernelError),
    /// gobgpd.
    #[error("cannot read gobgpd's paths")]
    Speaker(#[from] SpeakerError),
    /// The options cannot be used; found at the start.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The stored state, or the output.
    #[error("cannot read the state, or print it")]
    Io(#[from] io::Error),
}

/// What `show -o json` prints.
#[derive(Debug, Serialize)]
struct Shown {
    /// Whether the kernel has the table that is stored.
    applied: bool,
    rules: Vec<ShownRule>,
    refused: Vec<StoredRefusal>,
    unreachable: BTreeMap<IpAddr, String>,
}

#[derive(Debug, Serialize)]
struct ShownRule {
    family: sark_flowspec::Afi,
    rule: String,
    nlri: String,
    actions: Vec<String>,
    enforced: bool,
    packets: u64,
    bytes: u64,
}

/// Rules with what they have counted, from the kernel and what is stored about it.
pub async fn show(
    config: &Config,
    output: Output,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let stored = Directory::new(&config.state.directory).load()?;
    let installed = config.kernel().installed(&config.options()).await?;
    let fingerprint = installed.and_then(|installed| installed.fingerprint);
    let shown = match stored {
        Some(stored) => {
            let applied = fingerprint.as_deref() == Some(stored.fingerprint.as_str());
            shown(config, stored, applied).await?
        }
        None => Shown {
            applied: false,
            rules: Vec::new(),
            refused: Vec::new(),
            unreachable: BTreeMap::new(),
        },
    };
    match output {
        Output::Json => {
            serde_json::to_writer_pretty(&mut *out, &shown).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        Output::Table => table(&shown, out)?,
    }
    Ok(())
}

async fn shown(config: &Config, stored: Stored, applied: bool) -> Result<Shown, CommandError> {
    let mut totals = stored.totals();
    if applied {
        let heard = Heard { paths: stored.paths(), unread: Vec::new() };
        let options = config.options();
        let program = Program::compile_after(&heard.rules(), &options, &stored.redirects())?;
        if program.fingerprint() == stored.fingerprint {
            let counters = config.kernel().counters(&program).await?;
            totals.read(program.rules(), &counters);
        }
    }
    let rules = stored.rules.iter().map(|rule| {
        let counter = rule.decoded().map(|nlri| totals.of(&nlri));
        let Counter { packets, bytes } = counter.unwrap_or_default();
        ShownRule {
            family: rule.family,
            rule: rule.rule.clone(),
            nlri: rule.nlri.clone(),
            actions: rule.actions.clone(),
            enforced: rule.enforced,
            packets,
            bytes,
        }
    });
    Ok(Shown {
        applied,
        rules: rules.collect(),
        refused: stored.refused.clone(),
        unreachable: stored.unreachable.clone(),
    })
}

fn table(shown: &Shown, out: &mut impl Write) -> io::Result<()> {
    if !shown.applied {
        writeln!(
            out,
            "the kernel has no table that we know; nothing is enforced, or not as below"
        )?;
    }
    if !shown.rules.is_empty() {
        writeln!(out, "{:>12} {:>14}  {:<6} RULE", "PACKETS", "BYTES", "FAMILY")?;
    }
    for rule in &shown.rules {
        let ShownRule { family, rule, actions, enforced, packets, bytes, .. } = rule;
        let actions = if actions.is_empty() { "accept".to_owned() } else { actions.join(", ") };
        let note = if *enforced { "" } else { "  (refused)" };
        let family = family.to_string();
        writeln!(out, "{packets:>12} {bytes:>14}  {family:<6} {rule}  →  {actions}{note}")?;
    }
    let Counter { packets, bytes } = shown
        .rules
        .iter()
        .map(|rule| Counter { packets: rule.packets, bytes: rule.bytes })
        .fold(Counter::default(), sum);
    writeln!(out, "{} rules, {packets} packets, {bytes} bytes", shown.rules.len())?;
    for StoredRefusal { family, rule, reason, .. } in &shown.refused {
        writeln!(out, "refused  {family} {rule}: {reason}")?;
    }
    for (next_hop, why) in &shown.unreachable {
        writeln!(out, "unreachable  next hop {next_hop}: {why}")?;
    }
    Ok(())
}

/// What would be applied for what gobgpd has now.
pub async fn plan(config: &Config, out: &mut impl Write) -> Result<(), CommandError> {
    let heard = Heard::of(Gobgp::new(&config.speaker()).best_paths().await?);
    let options = config.options();
    let redirects = match Directory::new(&config.state.directory).load()? {
        Some(stored) => stored.redirects(),
        None => config.kernel().redirects(&options).await?,
    };
    let program = Program::compile_after(&heard.rules(), &options, &redirects)?;
    for redirect in program.redirects() {
        let (mark, table) = (redirect.mark, redirect.table);
        match redirect.target {
            Target::NextHop(address) => {
                writeln!(out, "# mark {mark:#010x}: table {table}, next hop {address}")?;
            }
            Target::Vrf { afi, .. } => {
                writeln!(out, "# mark {mark:#010x}: VRF table {table}, {afi}")?
            }
        }
    }
    for StoredRefusal { family, rule, reason, .. } in refused(&program, &heard.unread) {
        writeln!(out, "# refused: {family} {rule}: {reason}")?;
    }
    out.write_all(program.ruleset().as_bytes())?;
    Ok(())
}

/// Removes everything that was made.
pub async fn remove(config: &Config) -> Result<(), CommandError> {
    let directory = Directory::new(&config.state.directory);
    // A running one would put it back.
    let _lock = directory.lock()?;
    config.kernel().remove(&config.options()).await?;
    directory.clear()?;
    Ok(())
}
