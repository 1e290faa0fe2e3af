//! `sarkctl registry …`.

mod difference;
mod entries;
mod export;
mod feeds;
mod list;
mod lookup;
mod names;
mod observe;
mod pin;
mod prices;
mod refresh;
mod versions;

use std::path::PathBuf;

use ipnet::IpNet;
use sark_registry::Snapshot;

use crate::cli::Context;
use crate::exit::{Failure, Outcome};
use crate::offline;

/// Who is behind an address or a name.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List endpoints
    List(list::ListArgs),
    /// Show one endpoint: names, prefixes, how sure, from what
    Show(list::ShowArgs),
    /// Say who an address, a prefix or a name is
    ///
    /// With no QUERY, or `-`, reads one per line from standard input. With --brief, each answer is
    /// one line (`-o json`: one object a line) and comes as its question is read; a line that is no
    /// question is told on standard error too, and the exit code is 2 then.
    Lookup(lookup::LookupArgs),
    /// Write endpoints in the form of another tool
    ///
    /// Forms that are blocked by hold what clients connect to, and no address at which other sites
    /// live. What is left out is said on standard error.
    Export(export::ExportArgs),
    /// What names lead to: addresses, since when, until when
    Names(names::NamesArgs),
    /// Endpoints of your own, kept by sarkd
    #[command(subcommand)]
    Entries(entries::Command),
    /// What others publish, and how each feed is
    #[command(subcommand)]
    Feeds(feeds::Command),
    /// What models cost
    #[command(subcommand)]
    Prices(prices::Command),
    /// Ask feeds now, and use what can be believed
    Refresh(refresh::RefreshArgs),
    /// Tell sarkd what clients were answered, from the log of their DNS server
    ///
    /// Such answers count at once, and are all that is known of names under wildcards:
    /// `tail -n 0 -F /var/log/dnsmasq.log | sarkctl registry observe --form dnsmasq`
    Observe(observe::ObserveArgs),
    /// List registry versions, newest first, with what made each
    Versions(versions::VersionsArgs),
    /// Show how two versions differ
    Diff(difference::DiffArgs),
    /// Show when an address, a prefix or a name came and went
    History(difference::HistoryArgs),
    /// Go back to an earlier version, until `unpin`
    ///
    /// Later versions go on being recorded, and are not used until `unpin`.
    Rollback(pin::RollbackArgs),
    /// Stay with one version, whatever feeds say, until `unpin`
    Pin(pin::PinArgs),
    /// Use the newest version, now and from now on
    Unpin,
}

/// Where endpoints come from.
#[derive(Debug, clap::Args)]
pub struct Source {
    /// Use the endpoints that ship, and --registry files, without sarkd
    #[arg(long)]
    offline: bool,
    /// Endpoints to add to those that ship; may be repeated, of two with one id the later wins
    #[arg(long, value_name = "FILE", help_heading = "Offline options")]
    registry: Vec<PathBuf>,
    /// sarkd's configuration, for the endpoints that it adds
    #[arg(long, value_name = "FILE", help_heading = "Offline options")]
    config: Option<PathBuf>,
}

impl Source {
    /// The registry from files; `None` when `sarkd` is to be asked.
    fn snapshot(&self) -> Result<Option<Snapshot>, Failure> {
        if !self.offline {
            let given =
                [(!self.registry.is_empty(), "--registry"), (self.config.is_some(), "--config")];
            return match given.into_iter().find(|(given, _)| *given) {
                None => Ok(None),
                Some((_, name)) => {
                    Err(Failure::usage(format!("{name} has a meaning only with --offline"))
                        .next("add --offline; sarkd has its own registry"))
                }
            };
        }
        let mut overlays = Vec::new();
        if let Some(path) = &self.config {
            overlays = offline::config(path)?.registry.overlays;
        }
        overlays.extend(self.registry.iter().cloned());
        offline::registry(&overlays).map(Some)
    }

    /// What a configuration that is given protects.
    fn protected(&self) -> Result<Vec<IpNet>, Failure> {
        let Some(path) = &self.config else { return Ok(Vec::new()) };
        let protected = offline::config(path)?.environment().protected;
        Ok(protected.into_iter().map(|protected| protected.prefix).collect())
    }
}

/// Runs it.
pub fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::List(arguments) => list::list(&arguments, context),
        Command::Show(arguments) => list::show(&arguments, context),
        Command::Lookup(arguments) => lookup::run(&arguments, context),
        Command::Export(arguments) => export::run(&arguments, context),
        Command::Names(arguments) => names::run(&arguments, context),
        Command::Entries(command) => entries::run(&command, context),
        Command::Feeds(command) => feeds::run(&command, context),
        Command::Prices(command) => prices::run(&command, context),
        Command::Refresh(arguments) => refresh::run(&arguments, context),
        Command::Observe(arguments) => observe::run(&arguments, context),
        Command::Diff(arguments) => difference::diff(&arguments, context),
        Command::History(arguments) => difference::history(&arguments, context),
        Command::Rollback(arguments) => pin::rollback(&arguments, context),
        Command::Pin(arguments) => pin::pin(&arguments, context),
        Command::Unpin => pin::unpin(context),
        Command::Versions(arguments) => versions::list(&arguments, context),
    }
}

/// One of these words.
fn words<T: Copy + Send + Sync>(
    all: &'static [T],
    as_str: fn(T) -> &'static str,
) -> impl clap::builder::TypedValueParser<Value = T> {
    use clap::builder::TypedValueParser as _;
    clap::builder::PossibleValuesParser::new(all.iter().map(move |one| as_str(*one))).try_map(
        move |word| {
            let found = all.iter().copied().find(|one| as_str(*one) == word);
            found.ok_or("not one of the words")
        },
    )
}
