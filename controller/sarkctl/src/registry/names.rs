//! `registry names`: what names lead to, and why.

use std::io::{self, Write as _};

use sark_api::{AddressView, NameView, NamesResponse, routes};
use sark_registry::State;
use sark_registry::ageing::Vantage;

use super::feeds::time;
use super::list::word;
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Out, printable, style};
use crate::render;
use crate::table::{Cell, Table};

/// See [`super::Command::Names`].
#[derive(Debug, clap::Args)]
pub struct NamesArgs {
    /// Only these names
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// `registry names`.
pub fn run(arguments: &NamesArgs, context: &mut Context) -> Outcome {
    let mut response: NamesResponse = context.client()?.get(routes::NAMES, &[])?;
    let wanted: Vec<String> = arguments.names.iter().map(|name| plain(name)).collect();
    if let Some(unknown) = wanted.iter().find(|w| !response.names.iter().any(|n| n.name == **w)) {
        return Err(unheard(unknown, &response));
    }
    if !wanted.is_empty() {
        response.names.retain(|name| wanted.contains(&name.name));
    }
    let verbose = context.verbose || !wanted.is_empty();
    context.out.data(&response, |out| many(out, &response, verbose))?;
    Ok(Exit::Done)
}

/// As names are kept.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn unheard(name: &str, response: &NamesResponse) -> Failure {
    let known = response.names.iter().map(|name| name.name.as_str());
    let failure = Failure::usage(format!("`{}` is not asked for", printable(name)));
    if !response.enabled {
        return failure.next("no name is: `registry.resolve.enabled` is off");
    }
    match sark_core::document::nearest(name, known) {
        Some(near) => failure.next(format!("did you mean `{near}`?")),
        None => failure.next(
            "names of endpoints are; one below a wildcard once a client asks for it, and any in an \
             overlay or entry",
        ),
    }
}

fn many(out: &mut Out, response: &NamesResponse, verbose: bool) -> io::Result<()> {
    let names = &response.names;
    let addresses: usize = names.iter().map(|name| name.addresses.len()).sum();
    let stale = names.iter().filter(|name| name.stale_since.is_some()).count();
    let number = render::count(names.len() as u64, "name");
    let es = if addresses == 1 { "" } else { "es" };
    writeln!(out, "{number}, {addresses} address{es}, {stale} stale")?;
    if !response.enabled {
        writeln!(out, "names are not asked for: `registry.resolve.enabled` is off")?;
    }
    if names.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let head = ["NAME", "ADDRESS", "STATE", "SINCE", "LAST SEEN", "UNTIL", "SHARED", "DNSSEC"];
    let mut table = Table::new(head);
    for name in names {
        for address in &name.addresses {
            table.row(row(name, address));
        }
        if name.addresses.is_empty() {
            let state = if name.answered_at.is_some() { "no address" } else { "no answer yet" };
            let dash = || Cell::from("-");
            table.row([
                Cell::new(style::HEAD, name.name.as_str()),
                dash(),
                Cell::new(style::CHANGE, state),
                dash(),
                time(name.answered_at).into(),
                dash(),
                dash(),
                dnssec(name).into(),
            ]);
        }
    }
    table.print(out)?;
    names.iter().try_for_each(|name| about(out, name, verbose))
}

fn row(name: &NameView, address: &AddressView) -> [Cell; 8] {
    let colour = match address.state {
        State::Active => style::ADD,
        State::Candidate => style::QUIET,
        State::Draining | State::Retired => style::CHANGE,
    };
    // While nobody answers, nothing ages.
    let until = match name.stale_since {
        None => render::time(address.until),
        Some(_) => "stays".to_owned(),
    };
    [
        Cell::new(style::HEAD, name.name.as_str()),
        address.address.to_string().into(),
        Cell::new(colour, word(&address.state)),
        time(address.since).into(),
        render::time(address.last_seen).into(),
        until.into(),
        word(&address.sharedness).into(),
        dnssec(name).into(),
    ]
}

fn dnssec(name: &NameView) -> String {
    name.dnssec.map_or_else(|| "-".to_owned(), |dnssec| word(&dnssec))
}

/// What a row has no room for: what is wrong always, the rest when asked for.
fn about(out: &mut Out, name: &NameView, verbose: bool) -> io::Result<()> {
    let mut lines = Vec::new();
    if let Some(since) = name.stale_since {
        let since = render::time(since);
        let times = render::count(name.failures.into(), "question");
        lines.push(format!("stale since {since}, {times} unanswered: what was learned stays"));
    }
    for refused in &name.refused {
        let (address, what, at) =
            (refused.address, printable(&refused.what), render::time(refused.at));
        let who = vantage(&refused.vantage);
        lines.push(format!("refused {address} ({what}), answered to {who} at {at}"));
    }
    if verbose {
        lines.push(format!("endpoints {}", printable(&name.endpoints.join(" "))));
        if !name.chain.is_empty() {
            lines.push(format!("leads to {}", printable(&name.chain.join(" → "))));
        }
        lines.push(format!(
            "answered {}, asked next {}",
            time(name.answered_at),
            time(name.next_at)
        ));
        lines.extend(name.addresses.iter().map(evidence));
    }
    if lines.is_empty() {
        return Ok(());
    }
    let head = out.paint(style::HEAD, &printable(&name.name));
    writeln!(out, "\n{head}")?;
    lines.into_iter().try_for_each(|line| writeln!(out, "  {line}"))
}

/// Who says that the name leads there.
fn evidence(address: &AddressView) -> String {
    let mut text = format!("{}: ", address.address);
    match (&address.vantage, address.pollers.is_empty()) {
        (_, false) => {
            let pollers = printable(&address.pollers.join(", "));
            text.push_str(&format!("only {pollers} was given it, no client and not enough others"));
        }
        (Some(by), true) => text.push_str(&format!("last answered to {}", vantage(by))),
        (None, true) => text.push_str("answered"),
    }
    if let Some(first) = address.first_seen {
        text.push_str(&format!(", first {}", render::time(first)));
    }
    if let Some(until) = address.flow_until {
        text.push_str(&format!(", a flow keeps it until {}", render::time(until)));
    }
    text
}

fn vantage(vantage: &Vantage) -> String {
    match vantage {
        Vantage::Client => "a client".to_owned(),
        Vantage::Site(resolver) => format!("clients' resolver {}", printable(resolver)),
        Vantage::Poller(resolver) => format!("resolver {}", printable(resolver)),
    }
}
