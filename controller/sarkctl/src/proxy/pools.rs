//! `pools`: which proxies are up, and what that means for policies.

use std::io::{self, Write as _};

use sark_api::{
    PoolProxyView, PoolRefusal, PoolState, PoolView, PoolsResponse, ProxyState, routes,
};
use sark_compiler::Fate;
use sark_flowspec::Afi;

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, style};
use crate::render;
use crate::table::{Cell, Table};

/// Sources that are listed unless all are asked for.
const FEW: usize = 3;

/// `pools`.
pub fn run(context: &mut Context) -> Outcome {
    let answer: PoolsResponse = context.client()?.get(routes::POOLS, &[])?;
    let verbose = context.verbose;
    context.out.data(&answer, |out| print(out, &answer, verbose))?;
    Ok(Exit::Done)
}

fn print(out: &mut Out, answer: &PoolsResponse, verbose: bool) -> io::Result<()> {
    if answer.pools.is_empty() {
        return writeln!(out, "no pool is configured");
    }
    if !answer.asks {
        let word = out.paint(style::QUIET, "not asked");
        writeln!(
            out,
            "{word}: this sarkd does not lead; the one that does knows how proxies are\n"
        )?;
    }
    let head = ["POOL", "PROXY", "STATE", "SINCE", "SHARE", "LAST ANSWER", "SOURCES"];
    let mut table = Table::new(head);
    for pool in &answer.pools {
        for proxy in &pool.proxies {
            let (colour, state) = state(proxy.state);
            let share = proxy.share.map(|percent| format!("{percent} %"));
            table.row([
                Cell::new(style::HEAD, pool.name.as_str()),
                proxy.name.as_str().into(),
                Cell::new(colour, state),
                proxy.since.map_or_else(|| "-".to_owned(), render::time).into(),
                share.unwrap_or_else(|| "-".to_owned()).into(),
                words(proxy).into(),
                sources(proxy, verbose).into(),
            ]);
        }
    }
    table.print(out)?;
    answer.pools.iter().try_for_each(|pool| consequences(out, pool))?;
    for PoolRefusal { policy, why, fix } in &answer.would_refuse {
        let word = out.paint(style::CHANGE, "not ready");
        writeln!(out, "\n{word}: {policy} would be refused {why}; {fix}")?;
    }
    Ok(())
}

fn state(state: ProxyState) -> (anstyle::Style, &'static str) {
    match state {
        ProxyState::Up => (style::ADD, "up"),
        ProxyState::Down => (style::REMOVE, "down"),
        ProxyState::Unknown => (style::CHANGE, "unknown"),
        ProxyState::Unasked => (style::QUIET, "not asked"),
    }
}

/// `http 192.0.2.10:9467/readyz: 200 in 1 ms`.
fn words(proxy: &PoolProxyView) -> String {
    let Some(check) = &proxy.check else { return "-".to_owned() };
    let mut words = match &proxy.answer {
        None => check.clone(),
        Some(answer) => format!("{check}: {} in {} ms", answer.words, answer.milliseconds),
    };
    if let Some(why) = &proxy.cannot_ask {
        words.push_str(&format!("; sarkd cannot ask: {why}"));
    }
    if let Some(until) = proxy.held_until {
        words.push_str(&format!("; held down until {}", render::time(until)));
    }
    words
}

fn sources(proxy: &PoolProxyView, verbose: bool) -> String {
    let shown = if verbose { proxy.sources.len() } else { FEW };
    let first: Vec<String> = proxy.sources.iter().take(shown).map(ToString::to_string).collect();
    match proxy.sources.len().saturating_sub(shown) {
        0 if first.is_empty() => "-".to_owned(),
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// What a pool that is down means.
fn consequences(out: &mut Out, pool: &PoolView) -> io::Result<()> {
    if pool.state == PoolState::Down && pool.policies.is_empty() {
        let word = out.paint(style::CHANGE, "down");
        return writeln!(out, "\n{word}: pool {}; no policy redirects to it", pool.name);
    }
    for policy in &pool.policies {
        let what = match policy.fate {
            Fate::Redirected => continue,
            Fate::Kept => "go to proxies that do not answer (whenProxyDown: keep)",
            Fate::Dropped => "are dropped (whenProxyDown: drop)",
            Fate::Withdrawn => "go on unseen (whenProxyDown: withdraw)",
        };
        let family = match policy.afi {
            Afi::Ipv4 => "IPv4",
            Afi::Ipv6 => "IPv6",
        };
        let word = out.paint(style::ERROR, "down");
        let (pool, policy) = (&pool.name, &policy.policy);
        writeln!(out, "\n{word}: pool {pool}; {family} packets of {policy} {what}")?;
    }
    Ok(())
}
