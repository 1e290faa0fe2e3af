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
        let there: HashSet<String> = listed_rules(ip, options, afi).await?.into_iter().collect();
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
    for afi in [Afi::Ipv4, Afi::Ipv6] {
        let ours = || redirects.iter().filter(|redirect| redirect.target.afi() == afi);
        let mut batch = String::new();
        let mut kept: HashSet<String> =
            ours().flat_map(|redirect| rules_of(options, redirect)).collect();
        for rule in listed_rules(ip, options, afi).await? {
            // One that is there twice is deleted once.
            if !kept.remove(&rule) {
                let _ = writeln!(batch, "rule del {rule}");
            }
        }
        let tables: HashSet<u32> = ours().map(|redirect| redirect.table).collect();
        for table in listed_tables(ip, options, afi).await? {
            if !tables.contains(&table) {
                let _ = writeln!(batch, "route flush table {table} protocol {}", options.protocol);
            }
        }
        if !batch.is_empty() {
            ip.run(&[family(afi), "-batch", "-"], &batch).await?;
        }
    }
    Ok(())
}

/// How to get to a next hop, `via ADDRESS dev NAME`, or why there is no way. One behind another
/// router is reached as the main table says.
async fn reach(ip: &Tool, address: IpAddr) -> Result<Result<String, String>, KernelError> {
    let text = address.to_string();
    let words = ["-N", "-j", "route", "get", &text];
    let listed = match ip.ask(&words).await? {
        Ok(listed) => listed,
        Err(why) => return Ok(Err(why)),
    };
    let routes = parse(ip, &listed)?;
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

/// Our rules, written as [`rules_of`] writes them.
async fn listed_rules(ip: &Tool, options: &Options, afi: Afi) -> Result<Vec<String>, KernelError> {
    let listed = ip.run(&[family(afi), "-N", "-j", "rule", "show"], "").await?;
    let ours = options.protocol.to_string();
    let rules = parse(ip, &listed)?.into_iter().filter_map(|rule| {
        let word = |name: &str| rule.get(name).and_then(Value::as_str);
        let rest = match word("table") {
            Some(table) => format!("lookup {table}"),
            None => "unreachable".to_owned(),
        };
        (word("protocol") == Some(ours.as_str())).then(|| {
            let preference = rule.get("priority").and_then(Value::as_u64).unwrap_or_default();
            let (mark, mask) = (word("fwmark").unwrap_or("0"), word("fwmask").unwrap_or("0"));
            format!("pref {preference} fwmark {mark}/{mask} {rest} protocol {ours}")
        })
    });
    Ok(rules.collect())
}

/// Tables in which a route is ours.
async fn listed_tables(ip: &Tool, options: &Options, afi: Afi) -> Result<Vec<u32>, KernelError> {
    let protocol = options.protocol.to_string();
    let words = [family(afi), "-N", "-j", "route", "show", "table", "all", "protocol", &protocol];
    let listed = ip.run(&words, "").await?;
    let tables = parse(ip, &listed)?.into_iter().filter_map(|route| {
        // The main table is not named.
        let table = route.get("table").and_then(Value::as_str).unwrap_or("254");
        table.parse().ok()
    });
    Ok(tables.collect())
}

fn family(afi: Afi) -> &'static str {
    match afi {
        Afi::Ipv4 => "-4",
        Afi::Ipv6 => "-6",
    }
}

fn parse(ip: &Tool, listed: &str) -> Result<Vec<Value>, KernelError> {
    if listed.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(listed).map_err(|error| ip.unreadable(error.to_string()))
}
