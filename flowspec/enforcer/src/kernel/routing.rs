//! `ip rule` and `ip route` behind the marks.

use std::collections::HashSet;
use std::fmt::Write;
use std::net::IpAddr;

use sark_flowspec::Afi;
use serde_json::Value;

use super::command::Tool;
use super::{Applied, KernelError};
use crate::{Options, Redirect, Target};

/// The rules that lead from a mark to a table. In a VRF a packet without a route is unreachable and
/// does not fall through to the main table (RFC 8955 section 7.4).
fn rules_of(options: &Options, redirect: &Redirect) -> Vec<String> {
    let (mark, mask) = (redirect.mark, options.redirect_mask);
    let (preference, protocol) = (options.preference, options.protocol);
    let selector = |preference: u32| format!("pref {preference} fwmark {mark:#x}/{mask:#x}");
    let table = redirect.table;
    let mut rules = vec![format!("{} lookup {table} protocol {protocol}", selector(preference))];
    if let Target::Vrf { .. } = redirect.target {
        rules.push(format!("{} unreachable protocol {protocol}", selector(preference + 1)));
    }
    rules
}

/// Adds the routes and rules of these redirects, and leaves all others.
pub async fn prepare(
    ip: &Tool,
    options: &Options,
    redirects: &[Redirect],
) -> Result<Applied, KernelError> {
    let mut applied = Applied::default();
    for afi in [Afi::Ipv4, Afi::Ipv6] {
        let ours: Vec<&Redirect> = redirects.iter().filter(|r| r.target.afi() == afi).collect();
        if ours.is_empty() {
            continue;
        }
        let there: HashSet<String> = listed(ip, options, afi).await?.rules.into_iter().collect();
        let mut batch = String::new();
        for redirect in ours {
            if let Target::NextHop(address) = redirect.target {
                let (table, protocol) = (redirect.table, options.protocol);
                let _ = match reach(ip, address).await? {
                    Ok(via) => writeln!(
                        batch,
                        "route replace default {via} table {table} protocol {protocol}"
                    ),
                    Err(why) => {
                        applied.unreachable.insert(address, why);
                        writeln!(batch, "route flush table {table} protocol {protocol}")
                    }
                };
            }
            for rule in rules_of(options, redirect) {
                if !there.contains(&rule) {
                    let _ = writeln!(batch, "rule add {rule}");
                }
            }
        }
        ip.run(&[family(afi), "-batch", "-"], &batch).await?;
    }
    Ok(applied)
}

/// Deletes our rules and routes but those of these redirects.
pub async fn clear_stale(
    ip: &Tool,
    options: &Options,
    redirects: &[Redirect],
) -> Result<(), KernelError> {
    let clear = async |afi: Afi| {
        let ours = || redirects.iter().filter(|redirect| redirect.target.afi() == afi);
        let Listed { rules, routes } = listed(ip, options, afi).await?;
        let mut batch = String::new();
        let mut kept: HashSet<String> =
            ours().flat_map(|redirect| rules_of(options, redirect)).collect();
        for rule in rules {
            // One that is there twice is deleted once.
            if !kept.remove(&rule) {
                let _ = writeln!(batch, "rule del {rule}");
            }
        }
        let tables: HashSet<u32> = ours().map(|redirect| redirect.table).collect();
        let stale: HashSet<u32> = routes.into_iter().map(|(table, _)| table).collect();
        for table in stale.difference(&tables) {
            let _ = writeln!(batch, "route flush table {table} protocol {}", options.protocol);
        }
        if !batch.is_empty() {
            ip.run(&[family(afi), "-batch", "-"], &batch).await?;
        }
        Ok(())
    };
    tokio::try_join!(clear(Afi::Ipv4), clear(Afi::Ipv6)).map(|_| ())
}

/// The redirects behind our rules.
pub async fn found(ip: &Tool, options: &Options) -> Result<Vec<Redirect>, KernelError> {
    let mut found = Vec::new();
    for afi in [Afi::Ipv4, Afi::Ipv6] {
        let Listed { rules, routes } = listed(ip, options, afi).await?;
        for (mark, table) in rules.iter().filter_map(|rule| mark_and_table(rule)) {
            let slot = (mark & options.redirect_mask) >> options.redirect_mask.trailing_zeros();
            let target = if options.first_table.checked_add(slot) == Some(table) {
                let gateway =
                    routes.iter().find_map(|(of, gateway)| gateway.filter(|_| *of == table));
                match gateway {
                    Some(gateway) => Target::NextHop(gateway),
                    None => continue,
                }
            } else {
                Target::Vrf { table, afi }
            };
            found.push(Redirect { target, slot, mark, table });
        }
    }
    Ok(found)
}

/// Of a rule as [`rules_of`] writes it.
fn mark_and_table(rule: &str) -> Option<(u32, u32)> {
    let words: Vec<&str> = rule.split(' ').collect();
    let ["pref", _, "fwmark", mark, "lookup", table, ..] = words.as_slice() else { return None };
    let mark = mark.split('/').next()?.strip_prefix("0x")?;
    Some((u32::from_str_radix(mark, 16).ok()?, table.parse().ok()?))
}

/// How to get to a next hop, `via ADDRESS dev NAME`, or why there is no way. One behind another
/// router is reached as the main table says.
async fn reach(ip: &Tool, address: IpAddr) -> Result<Result<String, String>, KernelError> {
    let text = address.to_string();
    let words = ["-N", "-j", "route", "get", &text];
    let printed = match ip.ask(&words).await? {
        Ok(printed) => printed,
        Err(why) => return Ok(Err(why)),
    };
    let routes = parse(ip, &printed)?;
    let Some(route) = routes.first() else { return Ok(Err("no route".to_owned())) };
    let word = |name: &str| route.get(name).and_then(Value::as_str);
    // Numbers of rtnetlink: 1 is unicast, which is not named.
    if let Some(kind) = word("type").filter(|kind| !matches!(*kind, "unicast" | "1")) {
        let why = match kind {
            "local" | "2" => "an address of this router".to_owned(),
            kind => format!("the route is of type {kind}"),
        };
        return Ok(Err(why));
    }
    let Some(device) = word("dev") else { return Ok(Err("the route has no device".to_owned())) };
    let gateway = word("gateway").unwrap_or(&text);
    // What was just found need not be found again: on a link without a subnet it could not be.
    Ok(Ok(format!("via {gateway} dev {device} onlink")))
}

/// What of a family is ours.
#[derive(Debug, Default)]
struct Listed {
    /// As [`rules_of`] writes them.
    rules: Vec<String>,
    /// Table and gateway of each route.
    routes: Vec<(u32, Option<IpAddr>)>,
}

/// One run of `ip`: starting it takes longer than what it does.
async fn listed(ip: &Tool, options: &Options, afi: Afi) -> Result<Listed, KernelError> {
    let protocol = options.protocol.to_string();
    let batch = format!("rule show\nroute show table all protocol {protocol}\n");
    let text = ip.run(&[family(afi), "-N", "-j", "-batch", "-"], &batch).await?;
    let mut listed = Listed::default();
    for object in parse(ip, &text)? {
        let word = |name: &str| object.get(name).and_then(Value::as_str);
        // Routes have none.
        let Some(preference) = object.get("priority").and_then(Value::as_u64) else {
            // The main table is not named.
            if let Ok(table) = word("table").unwrap_or("254").parse() {
                let gateway = word("gateway").and_then(|gateway| gateway.parse().ok());
                listed.routes.push((table, gateway));
            }
            continue;
        };
        if word("protocol") == Some(protocol.as_str()) {
            let rest = match word("table") {
                Some(table) => format!("lookup {table}"),
                None => "unreachable".to_owned(),
            };
            let (mark, mask) = (word("fwmark").unwrap_or("0"), word("fwmask").unwrap_or("0"));
            listed
                .rules
                .push(format!("pref {preference} fwmark {mark}/{mask} {rest} protocol {protocol}"));
        }
    }
    Ok(listed)
}

fn family(afi: Afi) -> &'static str {
    match afi {
        Afi::Ipv4 => "-4",
        Afi::Ipv6 => "-6",
    }
}

/// The objects of all lists that were printed, one after another.
fn parse(ip: &Tool, printed: &str) -> Result<Vec<Value>, KernelError> {
    let lists: Result<Vec<Vec<Value>>, _> =
        serde_json::Deserializer::from_str(printed).into_iter().collect();
    match lists {
        Ok(lists) => Ok(lists.into_iter().flatten().collect()),
        Err(error) => Err(ip.unreadable(error.to_string())),
    }
}
