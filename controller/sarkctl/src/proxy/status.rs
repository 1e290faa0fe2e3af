//! `proxy status`: which proxies were heard, and whether they have what they should.

use std::io::{self, Write as _};

use sark_api::{ProxiesResponse, ProxyView, routes};

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, style};
use crate::render;
use crate::table::{Cell, Table};

/// One that is well asks again within a minute.
const LATE_SECONDS: i64 = 90;

/// `proxy status`.
pub fn run(context: &mut Context) -> Outcome {
    let answer: ProxiesResponse = context.client()?.get(routes::PROXY_STATUS, &[])?;
    context.out.data(&answer, |out| print(out, &answer))?;
    Ok(Exit::Done)
}

fn print(out: &mut Out, answer: &ProxiesResponse) -> io::Result<()> {
    if answer.proxies.is_empty() {
        return writeln!(out, "no proxy was heard since sarkd began");
    }
    let ago = |then: Option<jiff::Timestamp>| {
        then.map_or_else(|| "never".to_owned(), |then| render::ago(then, answer.at))
    };
    let mut table =
        Table::new(["PROXY", "PROGRAM", "HEARD", "SNAPSHOT", "RECORDS", "LAST", "WAITING"]);
    for proxy in &answer.proxies {
        let late = answer.at.duration_since(proxy.heard_at).as_secs() > LATE_SECONDS;
        let heard = if late { style::REMOVE } else { style::PLAIN };
        let (colour, snapshot) = snapshot(proxy, &answer.snapshot);
        let waiting = if proxy.waiting.unwrap_or(0) > 0 { style::CHANGE } else { style::PLAIN };
        table.row([
            Cell::new(style::HEAD, proxy.proxy.as_str()),
            proxy.program.as_deref().unwrap_or("-").into(),
            Cell::new(heard, ago(Some(proxy.heard_at))),
            Cell::new(colour, snapshot),
            proxy.records.to_string().into(),
            ago(proxy.handed_in_at).into(),
            Cell::new(waiting, proxy.waiting.map_or_else(|| "-".to_owned(), |n| n.to_string())),
        ]);
    }
    table.print(out)
}

fn snapshot(proxy: &ProxyView, newest: &str) -> (anstyle::Style, String) {
    match &proxy.snapshot {
        None => (style::CHANGE, "none".to_owned()),
        Some(has) if has == newest => (style::ADD, format!("{} in use", render::short(has))),
        Some(has) => (style::CHANGE, format!("{} old", render::short(has))),
    }
}
