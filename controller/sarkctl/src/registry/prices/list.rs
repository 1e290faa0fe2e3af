//! `registry prices list`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use sark_api::{ModelPrices, PriceLookup, PriceLookupResponse, PricesResponse, UnitPrice, routes};
use sark_prices::Unit;

use super::{read, source};
use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, printable, style};
use crate::render;
use crate::table::{Cell, Table};

/// Models per request: each is a part of the request's address.
const BATCH: usize = 64;

/// See [`super::Command::List`].
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Models, as their provider names them; without any, all
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// Only of this provider, such as `anthropic`
    #[arg(long, value_name = "SLUG")]
    provider: Option<String>,
    /// By the list of this number, not the one in use
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// By a list in a file, without sarkd; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "version")]
    file: Option<PathBuf>,
}

/// `registry prices list`.
pub fn run(arguments: &ListArgs, context: &mut Context) -> Outcome {
    if arguments.models.is_empty() {
        let response = all(arguments, context)?;
        context.out.data(&response, |out| table(out, &response))?;
    } else {
        let response = named(arguments, context)?;
        context.out.data(&response, |out| {
            writeln!(out, "{}", source(out, &response.list))?;
            response.results.iter().try_for_each(|result| one(out, result))
        })?;
    }
    Ok(Exit::Done)
}

fn all(arguments: &ListArgs, context: &Context) -> Result<PricesResponse, crate::exit::Failure> {
    let provider = arguments.provider.as_deref();
    Ok(match &arguments.file {
        Some(file) => sark_api::prices(&read(file)?, None, provider),
        None => {
            let version = arguments.version.map(|version| version.to_string());
            context.client()?.get(routes::PRICES, &query(provider, version.as_deref()))?
        }
    })
}

fn named(
    arguments: &ListArgs,
    context: &Context,
) -> Result<PriceLookupResponse, crate::exit::Failure> {
    let provider = arguments.provider.as_deref();
    if let Some(file) = &arguments.file {
        return Ok(sark_api::price_lookup(&read(file)?, None, provider, &arguments.models));
    }
    let client = context.client()?;
    let version = arguments.version.map(|version| version.to_string());
    let mut whole: Option<PriceLookupResponse> = None;
    for models in arguments.models.chunks(BATCH) {
        let mut query = query(provider, version.as_deref());
        query.extend(models.iter().map(|model| ("q", model.as_str())));
        let part: PriceLookupResponse = client.get(routes::PRICE_LOOKUP, &query)?;
        match &mut whole {
            None => whole = Some(part),
            Some(whole) => whole.results.extend(part.results),
        }
    }
    // There is a model, and so a chunk.
    whole.ok_or_else(|| crate::exit::Failure::usage("no model"))
}

fn query<'a>(provider: Option<&'a str>, version: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let pairs = [("provider", provider), ("version", version)];
    pairs.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

fn table(out: &mut Out, response: &PricesResponse) -> io::Result<()> {
    let count = render::count(response.models.len() as u64, "model");
    writeln!(out, "{count}, in US dollars for a million tokens")?;
    writeln!(out, "{}", source(out, &response.list))?;
    if response.models.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = Table::new(["MODEL", "PROVIDER", "MODE", "INPUT", "CACHED", "OUTPUT"]);
    for model in &response.models {
        let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
        table.row([
            Cell::new(style::HEAD, model.name.as_str()),
            word(&model.provider).into(),
            word(&model.mode).into(),
            million(model, Unit::Input).into(),
            million(model, Unit::CacheRead).into(),
            million(model, Unit::Output).into(),
        ]);
    }
    table.print(out)
}

/// The standard price of a million.
fn million(model: &ModelPrices, unit: Unit) -> String {
    let of = |prices: &[UnitPrice]| {
        let price = prices.iter().find(|price| price.field == unit.field())?;
        Some(price.usd.per_million().to_string())
    };
    let first = || model.ranges.iter().find_map(|range| of(&range.prices));
    of(&model.prices)
        .or_else(|| first().map(|price| format!("from {price}")))
        .unwrap_or_else(|| "-".to_owned())
}

fn one(out: &mut Out, result: &PriceLookup) -> io::Result<()> {
    let query = printable(&result.query);
    let Some(model) = &result.model else {
        let why = printable(result.problem.as_deref().unwrap_or("it is not known"));
        let unpriced = out.paint(style::CHANGE, "unpriced");
        return writeln!(out, "\n{query}  {unpriced}: {why}");
    };
    let how = result.how.map_or_else(String::new, |how| format!(", {how}"));
    let name = out.paint(style::HEAD, &printable(&model.name));
    writeln!(out, "\n{query}  is {name}{how}")?;
    if let Some(other) = &model.alias_of {
        writeln!(out, "stands for   {}", printable(other))?;
    }
    let words = [("provider", &model.provider), ("mode", &model.mode), ("ends", &model.deprecated)];
    for (what, word) in words {
        if let Some(word) = word {
            writeln!(out, "{what:<12} {}", printable(word))?;
        }
    }
    for (what, most) in [("prompt", model.max_input), ("answer", model.max_output)] {
        if let Some(most) = most {
            writeln!(out, "{what:<12} {most} tokens at most")?;
        }
    }
    prices(out, "", &model.prices)?;
    for range in &model.ranges {
        let most = range.most.map_or_else(String::new, |most| format!(", at most {most}"));
        writeln!(out, "prompts of more than {} tokens{most}", range.above)?;
        prices(out, "  ", &range.prices)?;
    }
    if model.prices.is_empty() && model.ranges.is_empty() {
        writeln!(out, "{}", out.paint(style::CHANGE, "no price"))?;
    }
    Ok(())
}

fn prices(out: &mut Out, indent: &str, prices: &[UnitPrice]) -> io::Result<()> {
    for price in prices {
        writeln!(out, "{indent}{} {}", printable(&price.field), price.usd)?;
    }
    Ok(())
}
