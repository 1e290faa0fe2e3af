//! `registry diff` and `registry history`: what changed, and when.

use std::io::{self, Write as _};

use sark_api::{DifferenceResponse, EndpointDifference, HistoryResponse, VersionView, routes};

use super::list::word;
use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, printable, style};
use crate::render;

/// Two values of a field in more octets than this are shown when asked for: sources, layers.
const LONG: usize = 100;

/// See [`super::Command::Diff`].
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// The earlier version: its number, the beginning of its hash, or `live`
    from: String,
    /// The later one
    #[arg(default_value = "live")]
    to: String,
}

/// See [`super::Command::History`].
#[derive(Debug, clap::Args)]
pub struct HistoryArgs {
    /// An address, a prefix or a name
    query: String,
}

/// `registry diff`.
pub fn diff(arguments: &DiffArgs, context: &mut Context) -> Outcome {
    let query = [("from", arguments.from.as_str()), ("to", arguments.to.as_str())];
    let difference: DifferenceResponse = context.client()?.get(routes::DIFFERENCE, &query)?;
    let verbose = context.verbose;
    context.out.data(&difference, |out| differences(out, &difference, verbose))?;
    Ok(Exit::Done)
}

/// `registry history`.
pub fn history(arguments: &HistoryArgs, context: &mut Context) -> Outcome {
    let query = [("q", arguments.query.as_str())];
    let history: HistoryResponse = context.client()?.get(routes::HISTORY, &query)?;
    context.out.data(&history, |out| steps(out, &history))?;
    Ok(Exit::Done)
}

fn differences(out: &mut Out, difference: &DifferenceResponse, verbose: bool) -> io::Result<()> {
    version(out, "from", &difference.from)?;
    version(out, "to", &difference.to)?;
    if difference.endpoints.is_empty() {
        return writeln!(out, "\nthey are the same");
    }
    writeln!(out)?;
    endpoints(out, &difference.endpoints, verbose)
}

/// How endpoints differ, a blank line between two.
pub(super) fn endpoints(
    out: &mut Out,
    endpoints: &[EndpointDifference],
    verbose: bool,
) -> io::Result<()> {
    for (index, endpoint) in endpoints.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        let id = out.paint(style::HEAD, &printable(&endpoint.id));
        writeln!(out, "{id}  {}", word(&endpoint.change))?;
        lines(out, style::ADD, '+', &endpoint.added)?;
        lines(out, style::REMOVE, '-', &endpoint.removed)?;
        for field in &endpoint.fields {
            let (name, from, to) = (&field.field, printable(&field.from), printable(&field.to));
            if !verbose && from.len() + to.len() > LONG {
                writeln!(out, "  {name}: changed (-v shows how)")?;
            } else {
                writeln!(out, "  {name}: {from} → {to}")?;
            }
        }
    }
    Ok(())
}

fn steps(out: &mut Out, history: &HistoryResponse) -> io::Result<()> {
    if history.steps.is_empty() {
        writeln!(out, "no version that is kept has {}", printable(&history.query))?;
    }
    for step in &history.steps {
        version(out, "version", &step.version)?;
        lines(out, style::ADD, '+', &step.came)?;
        lines(out, style::REMOVE, '-', &step.went)?;
    }
    if history.truncated {
        writeln!(out, "older versions were not looked at")?;
    }
    Ok(())
}

fn version(out: &mut Out, what: &str, version: &VersionView) -> io::Result<()> {
    let number = out.paint(style::HEAD, &version.number.to_string());
    let (at, cause) = (render::time(version.at), printable(&version.cause));
    writeln!(out, "{what} {number}  {at}  {cause}, by {}", printable(&version.actor))
}

fn lines(out: &mut Out, style: anstyle::Style, sign: char, texts: &[String]) -> io::Result<()> {
    for text in texts {
        let line = out.paint(style, &format!("{sign} {}", printable(text)));
        writeln!(out, "  {line}")?;
    }
    Ok(())
}
