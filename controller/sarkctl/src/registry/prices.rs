//! `registry prices`: what models cost.

mod check;
mod cost;
mod list;
mod versions;

use std::path::Path;

use sark_api::PriceSource;
use sark_prices::{Limits, PriceList};
use sark_registry::feed::PRICE_LIST;

use super::feeds::pending::{self, Decision, Part};
use super::refresh::{self, RefreshArgs};
use crate::cli::Context;
use crate::exit::{Failure, Outcome};
use crate::output::style;
use crate::{input, render};

/// What models cost.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List what models cost; of a MODEL all its prices
    List(list::ListArgs),
    /// List price lists, newest first, with what made each
    Versions(versions::VersionsArgs),
    /// Show where prices come from, and why the last list is not believed
    Show(Part),
    /// Use the list that waits for a decision
    Accept(Decision),
    /// Drop the list that waits for a decision; the one in use stays
    Reject(Decision),
    /// Read or ask for the list now, and use it if it can be believed
    Refresh,
    /// Say what a call costs, item by item
    ///
    /// Exits with 1 if something that was used has no price: it is not free, its price is not known.
    Cost(cost::CostArgs),
    /// Say what is odd in a price list
    ///
    /// Exits with 1 if an entry cannot be read, with 2 if the file is no price list.
    Check(check::CheckArgs),
}

/// Runs it.
pub fn run(command: &Command, context: &mut Context) -> Outcome {
    match command {
        Command::List(arguments) => list::run(arguments, context),
        Command::Versions(arguments) => versions::run(arguments, context),
        Command::Show(part) => pending::show(PRICE_LIST, part, context),
        Command::Accept(decision) => pending::accept(PRICE_LIST, decision, context),
        Command::Reject(decision) => pending::reject(PRICE_LIST, decision, context),
        Command::Refresh => refresh::run(&RefreshArgs::of(PRICE_LIST), context),
        Command::Cost(arguments) => cost::run(arguments, context),
        Command::Check(arguments) => check::run(arguments, context),
    }
}

/// Of a file, without `sarkd`.
fn read(path: &Path) -> Result<PriceList, Failure> {
    let limits = Limits::default();
    let file = input::long(path, limits.octets as u64)?;
    sark_prices::parse(file.text.as_bytes(), &limits).map_err(|error| {
        Failure::usage(format!("{} is no price list: {error}", file.name))
            .next("one JSON object, model names to prices, as LiteLLM publishes it")
    })
}

/// Which list, in a line.
fn source(out: &crate::output::Out, list: &PriceSource) -> String {
    let hash = list.hash.as_deref().map(render::short);
    let text = match (list.version, hash) {
        (Some(version), Some(hash)) => format!("price list {version} ({hash})"),
        (None, Some(hash)) => format!("price list {hash}"),
        _ => "no price list: `registry.prices` of sarkd's configuration names one".to_owned(),
    };
    out.paint(style::QUIET, &text)
}
