//! `registry lookup`: who is this address, who is this name.

mod brief;
mod lines;

use std::io::{self, Read as _, Write as _};

use sark_api::{LookupHit, LookupResponse, LookupResult, QueryKind, routes};
use sark_registry::{Reason, Snapshot};

use super::Source;
use super::list::{details, word};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Out, printable, style};
use crate::render;

/// Questions per request: each is a part of the request's address.
const BATCH: usize = 64;
/// No name or prefix is longer.
const LONGEST: usize = 1024;
/// Questions answered in detail: each answer is a page.
const MOST: usize = 10_000;
/// Octets of questions on standard input that are answered in detail.
const MOST_OCTETS: u64 = 16 << 20;

/// See [`super::Command::Lookup`].
#[derive(Debug, clap::Args)]
pub struct LookupArgs {
    /// Addresses, prefixes or names, such as `160.79.104.10` or `api.openai.com`
    #[arg(value_name = "QUERY")]
    queries: Vec<String>,
    /// One line per question, with the best endpoint only; any number of questions
    #[arg(long)]
    brief: bool,
    #[command(flatten)]
    source: Source,
}

/// `registry lookup`.
pub fn run(arguments: &LookupArgs, context: &mut Context) -> Outcome {
    if arguments.brief {
        return brief::run(&arguments.queries, arguments.source.snapshot()?, context);
    }
    let queries = queries(&arguments.queries)?;
    let response = match arguments.source.snapshot()? {
        Some(snapshot) => offline(&snapshot, &queries),
        None => online(context, &queries)?,
    };
    let verbose = context.verbose;
    context.out.data(&response, |out| {
        for (index, result) in response.results.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            print(out, result, verbose)?;
        }
        Ok(())
    })?;
    let understood = response.results.iter().all(|result| result.problem.is_none());
    Ok(if understood { Exit::Done } else { Exit::Usage })
}

fn queries(arguments: &[String]) -> Result<Vec<String>, Failure> {
    let mut queries = Vec::new();
    if arguments.is_empty() {
        stdin(&mut queries)?;
    }
    for argument in arguments {
        if argument == "-" {
            stdin(&mut queries)?;
        } else {
            queries.push(argument.trim().to_owned());
        }
    }
    if let Some(query) = queries.iter().find(|query| query.is_empty() || query.len() > LONGEST) {
        let short: String = query.chars().take(40).collect();
        return Err(Failure::usage(format!("`{short}` is no address, prefix or name")));
    }
    if queries.len() > MOST {
        return Err(too_many());
    }
    Ok(queries)
}

fn stdin(queries: &mut Vec<String>) -> Result<(), Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().take(MOST_OCTETS + 1).read_to_string(&mut text);
    read.map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    if text.len() as u64 > MOST_OCTETS {
        return Err(too_many());
    }
    let asked = text.lines().map(str::trim).filter(|line| is_question(line));
    queries.extend(asked.map(str::to_owned));
    Ok(())
}

fn too_many() -> Failure {
    Failure::usage(format!("more than {MOST} questions are not answered in detail"))
        .next("--brief answers any number, one line each")
}

/// Empty lines and comments are none.
fn is_question(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

fn offline(snapshot: &Snapshot, queries: &[String]) -> LookupResponse {
    LookupResponse {
        version: snapshot.version().to_string(),
        results: queries.iter().map(|query| sark_api::lookup(snapshot, query)).collect(),
    }
}

fn online(context: &Context, queries: &[String]) -> Result<LookupResponse, Failure> {
    let client = context.client()?;
    let mut whole = LookupResponse { version: String::new(), results: Vec::new() };
    for batch in queries.chunks(BATCH) {
        let query: Vec<(&str, &str)> = batch.iter().map(|query| ("q", query.as_str())).collect();
        let part: LookupResponse = client.get(routes::LOOKUP, &query)?;
        whole.version = part.version;
        whole.results.extend(part.results);
    }
    Ok(whole)
}

fn print(out: &mut Out, result: &LookupResult, verbose: bool) -> io::Result<()> {
    let query = out.paint(style::HEAD, &printable(&result.query));
    answer(out, result, &query, verbose)?;
    for never in &result.never_touch {
        let (subject, why) = (printable(&never.subject), printable(&never.reason));
        writeln!(out, "never       {subject}: {why} ({})", printable(&never.owner))?;
    }
    Ok(())
}

fn answer(out: &mut Out, result: &LookupResult, query: &str, verbose: bool) -> io::Result<()> {
    if let Some(problem) = &result.problem {
        let wrong = out.paint(style::ERROR, "not understood");
        return writeln!(out, "{query}  {wrong}: {}", printable(problem));
    }
    let Some(best) = result.hits.first() else {
        let hint = match result.kind {
            QueryKind::Name => "no endpoint has this name",
            QueryKind::Address => "no endpoint has this address",
            QueryKind::Prefix => "no endpoint has an address in it",
        };
        let unknown = out.paint(style::CHANGE, "unknown");
        return writeln!(out, "{query}  {unknown}: {hint}");
    };
    let endpoint = &best.endpoint;
    writeln!(
        out,
        "{query}  {} ({}), by {}",
        printable(&endpoint.title),
        endpoint.id,
        best.matched
    )?;
    details(out, endpoint, verbose)?;
    for layer in &endpoint.layers {
        writeln!(out, "layer       {}", printable(&layer.to_string()))?;
    }
    if let Some(sharedness) = best.sharedness.filter(|it| *it != endpoint.sharedness) {
        writeln!(out, "here        {}", word(&sharedness))?;
        for reason in best.reasons.iter().filter(|reason| **reason != Reason::Declared) {
            writeln!(out, "because     {}", printable(&reason.to_string()))?;
        }
    }
    for learned in &best.learned {
        let (name, state) = (printable(&learned.name), word(&learned.state));
        writeln!(
            out,
            "learned     {name} led here since {} ({state})",
            render::time(learned.since)
        )?;
    }
    result.hits.iter().skip(1).try_for_each(|hit| also(out, hit))?;
    match result.left_out {
        0 => Ok(()),
        more => writeln!(out, "also        {more} more: ask for less to see them"),
    }
}

fn also(out: &mut Out, hit: &LookupHit) -> io::Result<()> {
    let endpoint = &hit.endpoint;
    let shared = word(&endpoint.sharedness);
    writeln!(
        out,
        "also        {} by {} ({shared}, {} %)",
        endpoint.id, hit.matched, endpoint.confidence
    )
}
