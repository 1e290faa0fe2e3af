//! `registry prices cost`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use sark_api::{CostRequest, CostResponse, routes};
use sark_prices::{Counting, Reported, Unit, Usage};

use super::{read, source};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Out, printable, style};
use crate::table::{Cell, Table};

/// See [`super::Command::Cost`].
#[derive(Debug, clap::Args)]
pub struct CostArgs {
    /// As its provider names it
    model: String,
    /// The provider, such as `anthropic`
    #[arg(long, value_name = "SLUG")]
    provider: Option<String>,
    /// Service tier: `batches`, `priority`, `flex`, or another word of the list
    #[arg(long, value_name = "WORD")]
    tier: Option<String>,
    #[command(flatten)]
    tokens: Tokens,
    /// So many of another unit, such as `search-low=3` or `output-image=1`; may be repeated
    #[arg(long = "use", value_name = "UNIT=N", value_parser = unit)]
    others: Vec<(Unit, u64)>,
    /// The numbers are those of the provider's answer: where it counts cached tokens in the input,
    /// or reasoning in the output, they are taken out again
    #[arg(long, requires = "provider")]
    reported: bool,
    /// By the list of this number, not the one in use
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// By a list in a file, without sarkd; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "version")]
    file: Option<PathBuf>,
}

/// Each token is counted once.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Tokens")]
struct Tokens {
    /// Of the prompt, neither written to a cache nor read from one
    #[arg(long, value_name = "N", default_value_t)]
    input_tokens: u64,
    /// Read from a cache
    #[arg(long, value_name = "N", default_value_t)]
    cache_read: u64,
    /// Written to a cache, for five minutes
    #[arg(long, value_name = "N", default_value_t)]
    cache_write: u64,
    /// Written to a cache, for an hour
    #[arg(long = "cache-write-1h", value_name = "N", default_value_t)]
    cache_write_1h: u64,
    /// Of spoken words in the prompt
    #[arg(long, value_name = "N", default_value_t)]
    input_audio: u64,
    /// Of the answer, without reasoning
    // `output` is how data is printed.
    #[arg(long, value_name = "N", default_value_t)]
    output_tokens: u64,
    /// Of reasoning
    #[arg(long, value_name = "N", default_value_t)]
    reasoning: u64,
    /// Of spoken words in the answer
    #[arg(long, value_name = "N", default_value_t)]
    output_audio: u64,
}

fn unit(text: &str) -> Result<(Unit, u64), String> {
    let known = || Unit::all().map(|unit| unit.to_string()).collect::<Vec<_>>();
    let (word, count) = text.split_once('=').ok_or("write UNIT=N, such as `search-low=3`")?;
    let unit = Unit::all().find(|unit| unit.to_string() == word);
    let unit = unit
        .ok_or_else(|| format!("there is no unit `{word}`; there are: {}", known().join(", ")))?;
    let count = count.parse().map_err(|_| format!("`{count}` is no number"))?;
    Ok((unit, count))
}

/// `registry prices cost`.
pub fn run(arguments: &CostArgs, context: &mut Context) -> Outcome {
    let request = CostRequest {
        provider: arguments.provider.clone(),
        model: arguments.model.clone(),
        tier: arguments.tier.clone(),
        usage: usage(arguments)?,
        version: arguments.version,
    };
    let cost: CostResponse = match &arguments.file {
        Some(file) => sark_api::cost(&read(file)?, None, &request),
        None => context.client()?.post(routes::PRICE_COST, &request)?,
    };
    context.out.data(&cost, |out| print(out, &arguments.model, &cost))?;
    Ok(if cost.complete { Exit::Done } else { Exit::Failed })
}

fn usage(arguments: &CostArgs) -> Result<Usage, Failure> {
    let counting = match arguments.provider.as_deref().filter(|_| arguments.reported) {
        Some(provider) => Counting::of(provider, &arguments.model),
        None => Counting::Apart,
    };
    let Tokens { input_tokens: input, cache_read, cache_write, cache_write_1h, .. } =
        arguments.tokens;
    let Tokens { input_audio, output_tokens: output, reasoning, output_audio, .. } =
        arguments.tokens;
    let reported = Reported {
        input,
        cache_read,
        cache_write,
        cache_write_1h,
        input_audio,
        output,
        reasoning,
        output_audio,
    };
    let usage = reported.usage(counting).map_err(|error| {
        Failure::usage(error).next("without --reported each token is counted once")
    })?;
    let add = |usage: Usage, (unit, count): &(Unit, u64)| {
        let before = usage.of(*unit);
        usage.with(*unit, before.saturating_add(*count))
    };
    Ok(arguments.others.iter().fold(usage, add))
}

fn print(out: &mut Out, model: &str, cost: &CostResponse) -> io::Result<()> {
    let model = printable(model);
    match (&cost.entry, cost.how) {
        (Some(entry), Some(how)) => {
            let entry = out.paint(style::HEAD, &printable(entry));
            writeln!(out, "{model}  is {entry}, {how}")?;
        }
        _ => writeln!(out, "{model}  {}", out.paint(style::CHANGE, "unpriced"))?,
    }
    writeln!(out, "{}\n", source(out, &cost.list))?;
    let mut table = Table::new(["UNIT", "COUNT", "USD EACH", "USD", "PRICE"]);
    for line in &cost.lines {
        let price = match &line.instead_of {
            Some(wanted) => format!("{}, for want of {wanted}", line.source),
            None => line.source.clone(),
        };
        let style = if line.instead_of.is_some() { style::CHANGE } else { style::QUIET };
        table.row([
            line.unit.to_string().into(),
            line.count.to_string().into(),
            line.price.to_string().into(),
            line.amount.to_string().into(),
            Cell::new(style, price),
        ]);
    }
    for item in &cost.unpriced {
        table.row([
            item.unit.to_string().into(),
            item.count.to_string().into(),
            "-".into(),
            Cell::new(style::CHANGE, "unpriced"),
            Cell::new(style::CHANGE, item.why.to_string()),
        ]);
    }
    if !table.is_empty() {
        table.print(out)?;
    }
    let total = out.paint(style::HEAD, &format!("{} USD", cost.total));
    let rest = if cost.complete { "" } else { ", and what is unpriced" };
    writeln!(out, "total {total}{rest}")
}
