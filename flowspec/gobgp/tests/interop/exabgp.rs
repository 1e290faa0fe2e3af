//! ExaBGP prints our rules.
//!
//! Rules are sent without actions: ExaBGP 4.2 ends the session over some of them (a redirect to a
//! four-octet AS) and prints others as an empty text; their octets are tested with BIRD.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sark_flowspec::speaker::contract::every_kind;
use sark_flowspec::{Afi, Nlri, Route, Speaker};

use super::{OURS, Site, THEIRS, write};
use crate::process::{Process, Release, eventually};

#[tokio::test]
async fn exabgp_agrees() {
    let site = Site::new(Release::Installed, 13).await;
    let received = site.path("received");
    let script = site.path("receive");
    // Without `exec`: ExaBGP gives up a process that closes its output.
    write(&script, &format!("#!/bin/sh\ncat > {}\n", received.display()));
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    write(
        &site.path("exabgp.conf"),
        &format!(
            "process sark {{ run {}; encoder json; }}\nneighbor {} {{\n router-id 192.0.2.2;\n\
             local-address {};\n local-as {THEIRS};\n peer-as {OURS};\n connect {};\n\
             family {{ ipv4 flow; ipv6 flow; }}\n\
             api {{ processes [ sark ]; receive {{ parsed; update; }} }}\n}}\n",
            script.display(),
            site.ours,
            site.theirs,
            site.port
        ),
    );
    let mut exabgp = Process::start(
        Command::new("exabgp")
            .env("exabgp.daemon.daemonize", "false")
            .env("exabgp.daemon.user", "root")
            .env("exabgp.daemon.drop", "false")
            .env("exabgp.tcp.attempts", "0")
            .arg(site.path("exabgp.conf")),
        &site.path("exabgp.log"),
    );
    let routes: Vec<_> =
        every_kind().into_iter().map(|route| Route { actions: Vec::new(), ..route }).collect();
    site.gobgpd.speaker.announce(&routes).await.unwrap();
    site.established().await;
    let shown = eventually("all rules", async || {
        exabgp.assert_running();
        let output = std::fs::read_to_string(&received).unwrap_or_default();
        let shown: BTreeSet<_> = output.lines().flat_map(read).collect();
        (shown.len() == routes.len()).then_some(shown)
    })
    .await;
    for route in &routes {
        let there = shown.contains(&(route.nlri.afi(), route.nlri.encode()));
        assert!(there, "ExaBGP does not show {}", route.nlri);
    }
    assert_eq!(site.gobgpd.speaker.peers().await.unwrap()[0].flaps, 0, "{}", exabgp.output());
}

/// The rules of one of its JSON lines.
fn read(line: &str) -> Vec<(Afi, Vec<u8>)> {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(line) else { return Vec::new() };
    let announce = &json["neighbor"]["message"]["update"]["announce"];
    let mut rules = Vec::new();
    for (name, afi) in [("ipv4 flow", Afi::Ipv4), ("ipv6 flow", Afi::Ipv6)] {
        for rule in announce[name]["no-nexthop"].as_array().into_iter().flatten() {
            let text = rule["string"].as_str().unwrap();
            let ours = translate(text);
            let nlri = Nlri::parse(afi, &ours)
                .unwrap_or_else(|error| panic!("{text}\nbecame {ours}: {error}"));
            rules.push((afi, nlri.encode()));
        }
    }
    rules
}

/// `flow destination-ipv4 192.0.2.0/25 protocol [ =tcp =udp ]` →
/// `dst 192.0.2.0/25 proto =6|=17`.
fn translate(text: &str) -> String {
    let known = known(text);
    let mut words = known.iter().skip(1).map(String::as_str);
    let mut out = Vec::new();
    while let Some(name) = words.next() {
        let keyword = match name {
            "destination-ipv4" | "destination-ipv6" => "dst",
            "source-ipv4" | "source-ipv6" => "src",
            "protocol" | "next-header" => "proto",
            "destination-port" => "dport",
            "source-port" => "sport",
            "packet-length" => "length",
            "traffic-class" => "dscp",
            other => other,
        };
        let mut values = Vec::new();
        match words.next() {
            Some("[") => values.extend(words.by_ref().take_while(|word| *word != "]")),
            value => values.extend(value),
        }
        let values = match keyword {
            // IPv6 prefixes end in their offset.
            "dst" | "src" => values[0].trim_end_matches("/0").to_owned(),
            _ => values.iter().map(|value| items(keyword, value)).collect::<Vec<_>>().join("|"),
        };
        let values = match (keyword, values.contains('/')) {
            ("dst" | "src", false) => format!("{values}/0"),
            _ => values,
        };
        out.push(format!("{keyword} {values}"));
    }
    out.join(" ")
}

/// The words, with `=unknown icmp type type 128` (a value that it has no name for) as `=128`.
fn known(text: &str) -> Vec<String> {
    let mut words = text.split(' ');
    let mut out = Vec::new();
    while let Some(word) = words.next() {
        match word.strip_suffix("unknown") {
            Some(sign) => {
                let value = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
                out.push(format!("{sign}{}", value.unwrap()));
            }
            None => out.push(word.to_owned()),
        }
    }
    out
}

/// `=syn&!=ack` → `=2&!=16`.
fn items(keyword: &str, text: &str) -> String {
    let item = |text: &str| {
        let name = text.trim_start_matches(['=', '!', '<', '>']);
        let value: u64 = name.split('+').map(|name| value(keyword, name)).sum();
        format!("{}{value}", &text[..text.len() - name.len()])
    };
    text.split('&').map(item).collect::<Vec<_>>().join("&")
}

fn value(keyword: &str, name: &str) -> u64 {
    let named = match keyword {
        "proto" => [("icmp", 1), ("tcp", 6), ("udp", 17), ("ipv6-icmp", 58)].to_vec(),
        "icmp-type" => [("echo-request", 8), ("echo-reply", 0)].to_vec(),
        "tcp-flags" => [
            ("fin", 0x001),
            ("syn", 0x002),
            ("rst", 0x004),
            ("push", 0x008),
            ("ack", 0x010),
            ("urgent", 0x020),
            ("ece", 0x040),
            ("cwr", 0x080),
            ("ns", 0x100),
        ]
        .to_vec(),
        "fragment" => {
            [("dont-fragment", 1), ("is-fragment", 2), ("first-fragment", 4), ("last-fragment", 8)]
                .to_vec()
        }
        _ => Vec::new(),
    };
    named
        .iter()
        .find_map(|(known, value)| (*known == name).then_some(*value))
        .or_else(|| name.parse().ok())
        .unwrap_or_else(|| panic!("ExaBGP's word {name} for {keyword}"))
}
