//! `proxy top`: the calls that pass, as they pass.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use sark_api::{CallView, ProxyTop, TopBy, TopRow, routes};

use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Out, style};
use crate::render;
use crate::table::{Cell, Table};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(2);
/// The whole screen is written anew: home, and what was there before goes.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// See [`super::Command::Top`].
#[derive(Debug, clap::Args)]
pub struct TopArgs {
    /// What calls are summed by
    #[arg(long, value_name = "WHAT", default_value = "model", value_parser = all())]
    by: String,
    /// The last so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u16).range(1..=300))]
    window: u16,
    /// Rows, at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rows: u32,
    /// Show them once and end; so it does where the output is no terminal
    #[arg(long)]
    once: bool,
}

fn all() -> PossibleValuesParser {
    PossibleValuesParser::new(TopBy::ALL.map(TopBy::as_str))
}

/// `proxy top`.
pub fn run(arguments: &TopArgs, context: &mut Context) -> Outcome {
    let client = context.client()?;
    let (window, rows) = (arguments.window.to_string(), arguments.rows.to_string());
    let query = [("by", arguments.by.as_str()), ("window", &window), ("limit", &rows)];
    let ask = || client.get::<ProxyTop>(routes::PROXY_TOP, &query).map_err(Failure::from);
    let out = &mut context.out;
    let live = !arguments.once && out.format == Format::Table && io::stdout().is_terminal();
    loop {
        let top = ask()?;
        if live {
            write!(out, "{CLEAR}")?;
        }
        out.data(&top, |out| print(out, &top))?;
        out.flush()?;
        if !live || out.is_closed() {
            return Ok(Exit::Done);
        }
        std::thread::sleep(LOOK);
    }
}

fn print(out: &mut Out, top: &ProxyTop) -> io::Result<()> {
    let TopRow { requests, denied, failed, .. } = &top.total;
    let head = out.paint(style::HEAD, &render::count(*requests, "call"));
    let cost = priced(&top.total);
    let since = render::time(top.since);
    writeln!(out, "{head} since {since}: {denied} denied, {failed} failed, {cost}")?;
    if top.rows.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let name = match top.by {
        TopBy::Provider => "PROVIDER",
        TopBy::Model => "MODEL",
        TopBy::Client => "CLIENT",
        TopBy::Agent => "AGENT",
        TopBy::Proxy => "PROXY",
    };
    let mut table =
        Table::new([name, "CALLS", "DENIED", "FAILED", "IN", "OUT", "COST", "P50", "P99"]);
    for row in &top.rows {
        let denied = if row.denied > 0 { style::CHANGE } else { style::PLAIN };
        let failed = if row.failed > 0 { style::REMOVE } else { style::PLAIN };
        table.row([
            Cell::new(style::HEAD, row.name.as_str()),
            row.requests.to_string().into(),
            Cell::new(denied, row.denied.to_string()),
            Cell::new(failed, row.failed.to_string()),
            row.input_tokens.to_string().into(),
            row.output_tokens.to_string().into(),
            priced(row).into(),
            time(row.p50_milliseconds).into(),
            time(row.p99_milliseconds).into(),
        ]);
    }
    table.print(out)?;
    if top.others > 0 {
        writeln!(out, "and {} more", top.others)?;
    }
    writeln!(out)?;
    let mut table = Table::new(["AT", "REQUEST", "CLIENT", "AGENT", "MODEL", "WHAT", "TIME"]);
    for call in &top.last {
        let (colour, what) = outcome(call);
        let named = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
        let model = format!("{}/{}", named(&call.provider), named(&call.model));
        table.row([
            call.at.strftime("%H:%M:%S").to_string().into(),
            call.request.as_str().into(),
            named(&call.client).into(),
            named(&call.agent).into(),
            model.into(),
            Cell::new(colour, what),
            time(call.milliseconds).into(),
        ]);
    }
    table.print(out)
}

fn outcome(call: &CallView) -> (anstyle::Style, String) {
    match (call.denied, call.status) {
        (true, _) => (style::CHANGE, "denied".to_owned()),
        (false, None) => (style::QUIET, "under way".to_owned()),
        (false, Some(status)) if status >= 400 => (style::REMOVE, status.to_string()),
        (false, Some(status)) => (style::PLAIN, status.to_string()),
    }
}

/// `$0.002430`, `$0.002430, 1 unpriced`, or `unpriced` where nothing of it has a price.
fn priced(row: &TopRow) -> String {
    let cost = render::microdollars(row.cost_microusd);
    match (row.cost_microusd, row.unpriced) {
        (_, 0) => cost,
        (0, _) => "unpriced".to_owned(),
        (_, many) => format!("{cost}, {many} unpriced"),
    }
}

fn time(milliseconds: Option<u64>) -> String {
    milliseconds.map_or_else(|| "-".to_owned(), |time| format!("{time} ms"))
}
