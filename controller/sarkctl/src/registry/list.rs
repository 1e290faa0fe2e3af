//! `registry list` and `registry show`.

use std::io::{self, Write as _};

use sark_api::{EndpointView, EndpointsResponse, routes};
use sark_registry::{Kind, Sharedness};

use super::{Source, words};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Out, printable, style};
use crate::render;
use crate::table::{Cell, Table};

/// See [`super::Command::List`].
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only of this provider or service, such as `anthropic`
    #[arg(long, value_name = "SLUG")]
    provider: Option<String>,
    /// Only of this kind
    #[arg(long, value_parser = words(Kind::ALL, Kind::as_str))]
    kind: Option<Kind>,
    #[command(flatten)]
    source: Source,
}

/// See [`super::Command::Show`].
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Such as `anthropic/api`
    id: String,
    #[command(flatten)]
    source: Source,
}

/// `registry list`.
pub fn list(arguments: &ListArgs, context: &mut Context) -> Outcome {
    let mut response = endpoints(&arguments.source, context)?;
    if let Some(slug) = &arguments.provider {
        let known = || response.endpoints.iter().map(|endpoint| endpoint.provider.as_str());
        if !known().any(|known| known == slug) {
            return Err(unknown("provider", slug, known()));
        }
    }
    response.endpoints.retain(|endpoint| {
        arguments.provider.as_ref().is_none_or(|slug| *slug == endpoint.provider)
            && arguments.kind.is_none_or(|kind| kind == endpoint.kind)
    });
    context.out.data(&response, |out| many(out, &response))?;
    Ok(Exit::Done)
}

/// `registry show`.
pub fn show(arguments: &ShowArgs, context: &mut Context) -> Outcome {
    let response = endpoints(&arguments.source, context)?;
    let Some(endpoint) = response.endpoints.iter().find(|e| e.id == arguments.id) else {
        let known = response.endpoints.iter().map(|e| e.id.as_str());
        return Err(unknown("endpoint", &arguments.id, known));
    };
    let verbose = context.verbose;
    context.out.data(endpoint, |out| {
        let head = out.paint(style::HEAD, &endpoint.id);
        writeln!(out, "{head}  {}", printable(&endpoint.title))?;
        details(out, endpoint, verbose)
    })?;
    Ok(Exit::Done)
}

fn endpoints(source: &Source, context: &Context) -> Result<EndpointsResponse, Failure> {
    Ok(match source.snapshot()? {
        Some(snapshot) => EndpointsResponse {
            version: snapshot.version().to_string(),
            endpoints: snapshot.endpoints().iter().map(EndpointView::from).collect(),
        },
        None => context.client()?.get(routes::ENDPOINTS, &[])?,
    })
}

fn unknown<'a>(what: &str, word: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let failure = Failure::usage(format!("the registry knows no {what} `{word}`"));
    match sark_core::document::nearest(word, known) {
        Some(near) => failure.next(format!("did you mean `{near}`?")),
        None => failure.next("`sarkctl registry list` shows all"),
    }
}

fn many(out: &mut Out, response: &EndpointsResponse) -> io::Result<()> {
    let endpoints = &response.endpoints;
    let without = endpoints.iter().filter(|endpoint| endpoint.prefixes.is_empty()).count();
    let number = render::count(endpoints.len() as u64, "endpoint");
    writeln!(out, "{number}, {without} without an address")?;
    let version =
        out.paint(style::QUIET, &format!("registry {}", render::short(&response.version)));
    writeln!(out, "{version}\n")?;
    let mut table =
        Table::new(["ID", "TITLE", "KIND", "ROLE", "SHARED", "SURE", "NAMES", "PREFIXES"]);
    for endpoint in endpoints {
        table.row([
            Cell::new(style::HEAD, endpoint.id.as_str()),
            endpoint.title.as_str().into(),
            word(&endpoint.kind).into(),
            word(&endpoint.role).into(),
            word(&endpoint.sharedness).into(),
            sure(endpoint),
            endpoint.names.len().to_string().into(),
            endpoint.prefixes.len().to_string().into(),
        ]);
    }
    table.print(out)
}

fn sure(endpoint: &EndpointView) -> Cell {
    if endpoint.verified {
        format!("{} %", endpoint.confidence).into()
    } else {
        Cell::new(style::CHANGE, format!("{} %, unverified", endpoint.confidence))
    }
}

/// All that is known of an endpoint, below its heading.
pub fn details(out: &mut Out, endpoint: &EndpointView, verbose: bool) -> io::Result<()> {
    let verified = if endpoint.verified { "verified" } else { "unverified" };
    let (kind, role, state) = (word(&endpoint.kind), word(&endpoint.role), word(&endpoint.state));
    writeln!(out, "what        {kind}, {role}, {state}")?;
    writeln!(out, "addresses   {}", shared(endpoint.sharedness))?;
    writeln!(out, "how sure    {} %, {verified}", endpoint.confidence)?;
    if let Some(first) = endpoint.sources.iter().map(|source| source.first_seen).min() {
        writeln!(out, "since       {}", render::time(first))?;
    }
    if let Some(end) = endpoint.expires_at {
        writeln!(out, "until       {}", render::time(end))?;
    }
    items(out, "names", &endpoint.names, verbose)?;
    let prefixes: Vec<String> = endpoint.prefixes.iter().map(ToString::to_string).collect();
    items(out, "prefixes", &prefixes, verbose)?;
    items(out, "ports", &endpoint.ports, verbose)?;
    for (index, source) in endpoint.sources.iter().enumerate() {
        let name = if index == 0 { "from what" } else { "" };
        let seen = render::time(source.last_seen);
        writeln!(out, "{name:<12}{} (last seen {seen})", printable(&source.source))?;
    }
    Ok(())
}

fn items(out: &mut Out, name: &str, items: &[String], verbose: bool) -> io::Result<()> {
    const FEW: usize = 8;
    if items.is_empty() {
        return Ok(());
    }
    let shown = if verbose { items.len() } else { items.len().min(FEW) };
    let mut text = items[..shown].join(" ");
    if items.len() > shown {
        text.push_str(&format!(" and {} more (-v)", items.len() - shown));
    }
    writeln!(out, "{name:<12}{text}")
}

fn shared(sharedness: Sharedness) -> &'static str {
    match sharedness {
        Sharedness::Dedicated => "dedicated: this service alone",
        Sharedness::Provider => "provider: shared among services of this provider",
        Sharedness::Cloud => "cloud: shared among a cloud's customers",
        Sharedness::Cdn => "cdn: a content network's front, any site",
    }
}

/// The word that documents use for it.
pub fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
