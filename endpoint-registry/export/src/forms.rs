//! The short forms, one function each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ipnet::IpNet;
use sark_registry::{Kind, NamePattern, Sharedness};

use crate::spared::LeftOut;
use crate::{Chosen, Exported};

pub(crate) fn json(chosen: &Chosen<'_>) -> Exported {
    let document =
        serde_json::json!({ "version": chosen.version(), "endpoints": chosen.endpoints });
    Exported { text: format!("{document:#}\n"), notes: Vec::new() }
}

pub(crate) fn csv(chosen: &Chosen<'_>) -> Exported {
    let mut text = "id,provider,title,kind,role,sharedness,verified,type,value\r\n".to_owned();
    for e in &chosen.endpoints {
        let title = quoted(&e.title);
        let mut line = |sharedness: Sharedness, what: &str, value: &str| {
            let (id, provider, kind, role, verified) =
                (&e.id, &e.provider, e.kind, e.role, e.verified);
            let _ = write!(
                text,
                "{id},{provider},{title},{kind},{role},{sharedness},{verified},{what},{value}\r\n"
            );
        };
        e.names.iter().for_each(|name| line(e.sharedness, "name", name.as_str()));
        for (net, shared) in chosen.addresses(e) {
            line(shared, "prefix", &net.to_string());
        }
    }
    Exported { text, notes: Vec::new() }
}

/// Quoted, and no formula to a spreadsheet.
fn quoted(field: &str) -> String {
    let guard = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", field.replace('"', "\"\""))
}

pub(crate) fn nftables(chosen: &Chosen<'_>) -> Exported {
    // A set with nothing left is there too: loaded, it empties the one that was there.
    let mut sets: BTreeMap<String, BTreeSet<IpNet>> = BTreeMap::new();
    for (provider, kind) in &chosen.groups {
        sets.extend(
            ["v4", "v6"].map(|family| (set_name(provider, *kind, family), BTreeSet::new())),
        );
    }
    let mut left_out = LeftOut::default();
    for e in &chosen.endpoints {
        for net in chosen.blockable(e, &mut left_out).into_keys() {
            let family = if net.addr().is_ipv4() { "v4" } else { "v6" };
            sets.entry(set_name(&e.provider, e.kind, family)).or_default().insert(net);
        }
    }
    let mut text = format!("# SARK registry {}\ntable inet sark {{\n", chosen.version());
    for name in sets.keys() {
        let kind = if name.ends_with("_v4") { "ipv4_addr" } else { "ipv6_addr" };
        let _ = write!(
            text,
            "    set {name} {{\n        type {kind}\n        flags interval\n        auto-merge\n    }}\n"
        );
    }
    text.push_str("}\n");
    // Loaded again, it takes the place of what was there; rules that use the sets stay.
    for (name, nets) in &sets {
        let _ = writeln!(text, "flush set inet sark {name}");
        if nets.is_empty() {
            continue;
        }
        let list: Vec<_> = nets.iter().map(ToString::to_string).collect();
        let list = list.join(",\n    ");
        let _ = write!(text, "add element inet sark {name} {{\n    {list}\n}}\n");
    }
    Exported { text, notes: left_out.notes() }
}

fn set_name(provider: &str, kind: Kind, family: &str) -> String {
    let name = format!("{}_{kind}_{family}", provider.replace('-', "_"));
    // An identifier begins with a letter.
    let digit = name.starts_with(|c: char| c.is_ascii_digit());
    if digit { format!("p_{name}") } else { name }
}

/// A note, if it is one.
pub(crate) fn left_out(count: u64, one: &str, many: &str, why: &str) -> Vec<String> {
    let what = if count == 1 { one } else { many };
    let note = || format!("{count} {what} left out: {why}");
    (count > 0).then(note).into_iter().collect()
}

type Names<'a> = BTreeSet<&'a NamePattern>;

/// Exact names, names that begin with `*.`, and how many of other forms there are.
pub(crate) fn names<'a>(
    chosen: &Chosen<'a>,
    left_out: &mut LeftOut,
) -> (Names<'a>, Names<'a>, u64) {
    let (mut exact, mut below, mut others) = (BTreeSet::new(), BTreeSet::new(), 0);
    for &e in &chosen.endpoints {
        for name in chosen.names(e, left_out) {
            if !name.is_wildcard() {
                exact.insert(name);
            } else if name.as_str().starts_with("*.") {
                below.insert(name);
            } else {
                others += 1;
            }
        }
    }
    (exact, below, others)
}

pub(crate) fn wildcard_note(count: u64) -> Vec<String> {
    left_out(count, "name", "names", "the form cannot say such a wildcard")
}

pub(crate) fn hosts(chosen: &Chosen<'_>) -> Exported {
    let mut left_out = LeftOut::default();
    let (exact, below, others) = names(chosen, &mut left_out);
    let mut text = format!("# SARK registry {}\n", chosen.version());
    for name in exact {
        let _ = write!(text, "0.0.0.0 {name}\n:: {name}\n");
    }
    let mut notes = wildcard_note(others + below.len() as u64);
    notes.extend(left_out.notes());
    Exported { text, notes }
}

pub(crate) fn zeek(chosen: &Chosen<'_>) -> Exported {
    let mut text = "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n".to_owned();
    let (mut wildcards, mut left_out) = (0, LeftOut::default());
    for e in &chosen.endpoints {
        for name in chosen.names(e, &mut left_out) {
            if name.is_wildcard() {
                wildcards += 1;
            } else {
                let _ = writeln!(text, "{name}\tIntel::DOMAIN\tSARK\t{}", e.id);
            }
        }
        for net in chosen.blockable(e, &mut left_out).into_keys() {
            if net.prefix_len() == net.max_prefix_len() {
                let _ = writeln!(text, "{}\tIntel::ADDR\tSARK\t{}", net.addr(), e.id);
            } else {
                let _ = writeln!(text, "{net}\tIntel::SUBNET\tSARK\t{}", e.id);
            }
        }
    }
    let mut notes = wildcard_note(wildcards);
    notes.extend(left_out.notes());
    Exported { text, notes }
}
