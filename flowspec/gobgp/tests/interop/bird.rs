//! BIRD 2 prints our rules, and the octets of attribute 16.
//!
//! Exceptions: it does not print attribute 25 (redirect to IPv6).

use std::collections::BTreeMap;
use std::process::Command;

use sark_flowspec::speaker::contract::every_kind;
use sark_flowspec::{Action, Afi, ExtendedCommunity, Nlri, Speaker};

use super::{OURS, Site, THEIRS, replace, write};
use crate::process::{Process, Release, eventually};

#[tokio::test]
async fn bird_2_agrees() {
    let site = Site::new(Release::Installed, 11).await;
    write(
        &site.path("bird.conf"),
        &format!(
            "router id 192.0.2.2;\nflow4 table f4;\nflow6 table f6;\nprotocol device {{}}\n\
             protocol bgp sark {{\n local {} as {THEIRS};\n neighbor {} port {} as {OURS};\n\
             multihop 2;\n connect delay time 1;\n connect retry time 1;\n\
             error wait time 1, 2;\n flow4 {{ table f4; import all; export none; }};\n\
             flow6 {{ table f6; import all; export none; }};\n}}\n",
            site.theirs, site.ours, site.port
        ),
    );
    let control = site.path("bird.ctl");
    let mut bird = Process::start(
        Command::new("bird")
            .arg("-f")
            .arg("-c")
            .arg(site.path("bird.conf"))
            .arg("-s")
            .arg(&control)
            .arg("-P")
            .arg(site.path("bird.pid")),
        &site.path("bird.log"),
    );
    site.gobgpd.speaker.announce(&every_kind()).await.unwrap();
    site.established().await;
    let shown = eventually("all rules", async || {
        bird.assert_running();
        let output = Command::new("birdc")
            .arg("-s")
            .arg(&control)
            .args(["show", "route", "all"])
            .output()
            .expect("cannot run birdc; `cargo xtask setup` installs bird2");
        let shown = read(&String::from_utf8(output.stdout).unwrap());
        (shown.len() == every_kind().len()).then_some(shown)
    })
    .await;
    for route in every_kind() {
        let communities = shown
            .get(&(route.nlri.afi(), route.nlri.encode()))
            .unwrap_or_else(|| panic!("BIRD does not show {}", route.nlri));
        let sent: Vec<_> = route
            .actions
            .iter()
            .filter_map(|action| match action.encode() {
                ExtendedCommunity::Basic(octets) => Some(octets),
                ExtendedCommunity::Ipv6(_) => None,
            })
            .collect();
        assert_eq!(*communities, sent, "{}", route.nlri);
    }
}

/// Rules and their communities, out of `show route all`.
fn read(output: &str) -> BTreeMap<(Afi, Vec<u8>), Vec<[u8; 8]>> {
    let mut rules = BTreeMap::new();
    let mut last = None;
    for line in output.lines() {
        if let Some((family, rest)) = line.split_once(" { ")
            && let Some(afi) = afi(family)
        {
            let (text, _) = rest.split_once("; }").unwrap();
            let ours = text.split("; ").map(component).collect::<Vec<_>>().join(" ");
            let nlri = Nlri::parse(afi, &ours)
                .unwrap_or_else(|error| panic!("{line}\nbecame {ours}: {error}"));
            let key = (afi, nlri.encode());
            rules.insert(key.clone(), Vec::new());
            last = Some(key);
        } else if let Some(list) = line.trim().strip_prefix("BGP.ext_community: ") {
            let communities = list.trim_matches(['(', ')']).split(") (").map(community).collect();
            rules.insert(last.clone().unwrap(), communities);
        }
    }
    rules
}

fn afi(word: &str) -> Option<Afi> {
    match word {
        "flow4" => Some(Afi::Ipv4),
        "flow6" => Some(Afi::Ipv6),
        _ => None,
    }
}

/// `dport 137..139,>= 8080` → `dport >=137&<=139|>=8080`.
fn component(text: &str) -> String {
    let text = replace(
        text,
        &[
            ("next header", "proto"),
            ("icmp type", "icmp-type"),
            ("icmp code", "icmp-code"),
            ("tcp flags", "tcp-flags"),
            ("label", "flow-label"),
        ],
    );
    let (keyword, values) = text.split_once(' ').unwrap();
    let values = match keyword {
        "dst" | "src" => values.to_owned(),
        "tcp-flags" | "fragment" => values
            .split(" || ")
            .map(|all| all.split(" && ").map(bits).collect::<Vec<_>>().join("&"))
            .collect::<Vec<_>>()
            .join("|"),
        _ => values.split(',').map(number).collect::<Vec<_>>().join("|"),
    };
    format!("{keyword} {values}")
}

fn number(text: &str) -> String {
    match text.split_once("..") {
        Some((low, high)) => format!(">={low}&<={high}"),
        None if text.starts_with(|c: char| c.is_ascii_digit()) => format!("={text}"),
        None => text.replace(' ', ""),
    }
}

/// `0x2/0x2` all of, `!0x0/0x2` any of; fragments by name, `!!` any of.
fn bits(text: &str) -> String {
    let bare = text.trim_start_matches('!');
    let nots = text.len() - bare.len();
    let named = ["dont_fragment", "is_fragment", "first_fragment", "last_fragment"];
    if let Some(index) = named.iter().position(|name| *name == bare) {
        let sign = ["=", "!=", ""][nots];
        return format!("{sign}{}", 1 << index);
    }
    let hex = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap();
    let (value, mask) = bare.split_once('/').unwrap();
    let sign = match (hex(value) == 0, nots) {
        (true, 0) => "!",
        (true, _) => "",
        (false, 0) => "=",
        (false, _) => "!=",
    };
    format!("{sign}{}", hex(mask))
}

/// `generic, 0x80060000, 0x0`, or the sub-type, address and number of an IPv4-specific one.
fn community(text: &str) -> [u8; 8] {
    let words: Vec<_> = text.split(", ").collect();
    let hex = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap();
    let mut octets = [0; 8];
    if words[0] == "generic" {
        octets[..4].copy_from_slice(&hex(words[1]).to_be_bytes());
        octets[4..].copy_from_slice(&hex(words[2]).to_be_bytes());
    } else {
        let kind = hex(words[0].strip_prefix("unknown ").unwrap());
        octets[..2].copy_from_slice(&kind.to_be_bytes()[2..]);
        let address: std::net::Ipv4Addr = words[1].parse().unwrap();
        octets[2..6].copy_from_slice(&address.octets());
        octets[6..].copy_from_slice(&words[2].parse::<u16>().unwrap().to_be_bytes());
    }
    octets
}

#[test]
fn the_translation() {
    assert_eq!(component("port 25,137..139,>= 8080"), "port =25|>=137&<=139|>=8080");
    assert_eq!(component("tcp flags 0x2/0x2 && !0x10/0x10"), "tcp-flags =2&!=16");
    assert_eq!(component("tcp flags !0x0/0x5 || 0x0/0x102"), "tcp-flags 5|!258");
    assert_eq!(component("fragment !!dont_fragment || is_fragment"), "fragment 1|=2");
    let discard = Action::TrafficMarking { dscp: 46 };
    let ExtendedCommunity::Basic(octets) = discard.encode() else { unreachable!() };
    assert_eq!(community("generic, 0x80090000, 0x2e"), octets);
}
