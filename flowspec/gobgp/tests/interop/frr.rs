//! FRR's bgpd, alone (no zebra), shows our rules and holds ten thousand of them.
//!
//! Exceptions, the same in 8.4 and 10.3: it prints no AND between numeric items; `UNK:128, 12` for
//! packets per second and `UNK:0, 12` for a redirect to IPv6 (both stay in the route, their octets
//! are tested with BIRD and gobgpd); `eval stops` for sample and terminal alike; and it cuts the
//! route target of a redirect after sixteen characters.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use sark_flowspec::speaker::contract::{every_kind, numbered};
use sark_flowspec::{Action, Afi, ExtendedCommunity, Route, RouteTarget, Speaker};
use sark_gobgp::daemon::{OnStop, Peer, Settings, Supervised};

use super::{OURS, Site, THEIRS, write};
use crate::process::{Leftover, Process, Release, directory, eventually, needed};

/// Rules of the large test.
const MANY: u32 = 10_000;

/// Which FRR.
#[derive(Clone, Copy)]
enum Version {
    /// Debian 12's, installed.
    V8_4,
    /// Debian 13's, unpacked where `SARK_FRR10_ROOT` says.
    V10_3,
}

impl Version {
    /// A command of this FRR: with its own loader and libraries, if it is not installed.
    fn command(self, program: &str) -> Command {
        match self {
            Self::V8_4 => Command::new(program),
            Self::V10_3 => {
                let root = needed("SARK_FRR10_ROOT");
                let loader = first(&root.join("usr/lib64"), "ld-linux")
                    .or_else(|| first(&root.join("usr/lib"), "ld-linux"))
                    .expect("a loader under SARK_FRR10_ROOT");
                let libraries = first(&root.join("usr/lib"), "-linux-gnu").unwrap();
                let own = libraries.join("frr");
                let mut command = Command::new(loader);
                command
                    .arg("--library-path")
                    .arg(format!("{}:{}", libraries.display(), own.display()))
                    .arg(root.join(program.trim_start_matches('/')));
                command
            }
        }
    }
}

fn first(directory: &Path, part: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
    entries.into_iter().find(|path| path.to_string_lossy().contains(part))
}

struct Frr {
    version: Version,
    process: Process,
    sockets: PathBuf,
}

impl Frr {
    fn start(version: Version, site: &Site) -> Self {
        Self::start_in(version, site.gobgpd.directory(), (site.ours, site.port), site.theirs)
    }

    /// `ours` is where gobgpd waits.
    fn start_in(version: Version, directory: &Path, ours: (IpAddr, u16), theirs: IpAddr) -> Self {
        let (ours, port) = ours;
        let sockets = directory.join("frr");
        std::fs::create_dir(&sockets).unwrap();
        write(
            &directory.join("bgpd.conf"),
            &format!(
                "router bgp {THEIRS}\n bgp router-id 192.0.2.2\n no bgp ebgp-requires-policy\n\
                 neighbor {ours} remote-as {OURS}\n neighbor {ours} port {port}\n\
                 neighbor {ours} timers connect 1\n neighbor {ours} update-source {theirs}\n\
                 neighbor {ours} ebgp-multihop 2\n\
                 address-family ipv4 unicast\n  no neighbor {ours} activate\n exit-address-family\n\
                 address-family ipv4 flowspec\n  neighbor {ours} activate\n exit-address-family\n\
                 address-family ipv6 flowspec\n  neighbor {ours} activate\n exit-address-family\n"
            ),
        );
        let mut command = version.command("/usr/lib/frr/bgpd");
        command
            .args(["--no_zebra", "--no_kernel", "--skip_runas", "--vty_port", "0"])
            .arg("--vty_socket")
            .arg(&sockets)
            .arg("--pid_file")
            .arg(sockets.join("pid"))
            .arg("--config_file")
            .arg(directory.join("bgpd.conf"))
            .args(["--listenon", &theirs.to_string(), "--bgp_port", "0"]);
        let process = Process::start(&mut command, &directory.join("frr.log"));
        Self { version, process, sockets }
    }

    fn ask(&mut self, question: &str) -> String {
        self.process.assert_running();
        let output = self
            .version
            .command("/usr/bin/vtysh")
            .arg("--vty_socket")
            .arg(&self.sockets)
            .args(["-c", question])
            .output()
            .expect("cannot run vtysh; `cargo xtask setup` installs frr");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Received rules and lost connections of our session.
    fn summary(&mut self, family: &str) -> Option<(u64, u64)> {
        let text = self.ask(&format!("show bgp {family} flowspec summary json"));
        let json: serde_json::Value = serde_json::from_str(&text).ok()?;
        let peer = json["peers"].as_object()?.values().next()?.clone();
        Some((peer["pfxRcd"].as_u64()?, peer["connectionsDropped"].as_u64()?))
    }
}

/// Match lines → action words, out of `detail`.
fn read(output: &str) -> BTreeMap<Vec<String>, Vec<String>> {
    let mut rules = BTreeMap::new();
    for entry in output.split("BGP flowspec entry:").skip(1) {
        let (mut lines, mut actions) = (Vec::new(), Vec::new());
        for line in entry.lines().skip(1).map(str::trim) {
            if line.starts_with("received for") || line.is_empty() {
                break;
            }
            if ["FS:", "NH:", "UNK:"].iter().any(|start| line.starts_with(start)) {
                actions.extend(words(line));
            } else {
                lines.push(line.trim_end_matches("/off 0").to_owned());
            }
        }
        rules.insert(lines, actions);
    }
    rules
}

/// Each action begins with `FS:`, `NH:` or `UNK:`.
fn words(line: &str) -> Vec<String> {
    let mut actions: Vec<String> = Vec::new();
    for word in line.split(' ') {
        match actions.last_mut() {
            Some(last) if !["FS:", "NH:", "UNK:"].iter().any(|start| word.starts_with(start)) => {
                *last = format!("{last} {word}");
            }
            _ => actions.push(word.to_owned()),
        }
    }
    actions
}

/// Our text of a rule as FRR's lines.
fn lines(route: &Route) -> Vec<String> {
    let text = route.nlri.to_string();
    let words: Vec<_> = text.split(' ').collect();
    words.chunks(2).map(|pair| line(pair[0], pair[1])).collect()
}

fn line(keyword: &str, values: &str) -> String {
    let label = match keyword {
        "dst" => "Destination Address",
        "src" => "Source Address",
        "proto" => "IP Protocol",
        "port" => "Port",
        "dport" => "Destination Port",
        "sport" => "Source Port",
        "icmp-type" => "ICMP Type",
        "icmp-code" => "ICMP Code",
        "tcp-flags" => "TCP Flags",
        "length" => "Packet Length",
        "dscp" => "DSCP field",
        "fragment" => "Packet Fragment",
        "flow-label" => "Packet Flow Label",
        other => panic!("{other}"),
    };
    let number = |item: &str| {
        let value = item.trim_start_matches(['<', '>', '=']);
        format!("{} {value}", &item[..item.len() - value.len()])
    };
    let values = match keyword {
        "dst" | "src" => values.to_owned(),
        "tcp-flags" | "fragment" => {
            let mut out = String::new();
            for (index, any) in values.split('|').enumerate() {
                for (inner, item) in any.split('&').enumerate() {
                    out += match (index, inner) {
                        (0, 0) => "",
                        (_, 0) => ",|",
                        _ => ",&",
                    };
                    let value = item.trim_start_matches(['!', '=']);
                    out += if item.contains('=') { "= " } else { "∋ " };
                    out += if item.contains('!') { "! " } else { "" };
                    out += value;
                }
            }
            out
        }
        _ => values.split(['|', '&']).map(number).collect::<Vec<_>>().join(" , "),
    };
    format!("{label} {values}")
}

/// What it prints for an action.
fn action(action: &Action) -> String {
    match action {
        Action::TrafficRateBytes { rate, .. } => format!("FS:rate {:.6}", rate.get()),
        Action::TrafficRatePackets { .. } => "UNK:128, 12".to_owned(),
        Action::TrafficAction { .. } => "FS:action eval stops".to_owned(),
        Action::TrafficMarking { dscp } => format!("FS:marking {dscp}"),
        Action::RedirectVrf(target) => {
            let mut target = match target {
                RouteTarget::As2 { asn, value } => format!("RT:{asn}:{value}"),
                RouteTarget::Ipv4 { address, value } => format!("RT:{address}:{value}"),
                RouteTarget::As4 { asn, value } => format!("RT:{asn}:{value}"),
            };
            target.truncate(15);
            format!("FS:redirect VRF {target}")
        }
        Action::RedirectIp { address, copy } => match action.encode() {
            ExtendedCommunity::Basic(_) => format!("NH:{address}:{}", u8::from(*copy)),
            ExtendedCommunity::Ipv6(_) => "UNK:0, 12".to_owned(),
        },
    }
}

async fn shows_all(version: Version, host: u8) {
    let site = Site::new(Release::Installed, host).await;
    let mut frr = Frr::start(version, &site);
    site.gobgpd.speaker.announce(&every_kind()).await.unwrap();
    site.established().await;
    for (family, afi) in [("ipv4", Afi::Ipv4), ("ipv6", Afi::Ipv6)] {
        let routes: Vec<_> =
            every_kind().into_iter().filter(|route| route.nlri.afi() == afi).collect();
        let shown = eventually("all rules", async || {
            let shown = read(&frr.ask(&format!("show bgp {family} flowspec detail")));
            (shown.len() == routes.len()).then_some(shown)
        })
        .await;
        for route in &routes {
            let actions = shown.get(&lines(route)).unwrap_or_else(|| {
                panic!("FRR does not show {}: {:?}\n{shown:#?}", route.nlri, lines(route))
            });
            // It sorts communities by their octets.
            let mut expected: Vec<_> = route.actions.iter().map(action).collect();
            expected.sort();
            let mut actions = actions.clone();
            actions.sort();
            assert_eq!(actions, expected, "{}", route.nlri);
        }
        assert_eq!(frr.summary(family).unwrap().1, 0, "connections dropped");
    }
}

async fn holds_many(version: Version, release: Release, host: u8) {
    let site = Site::new(release, host).await;
    let mut frr = Frr::start(version, &site);
    site.established().await;
    let routes: Vec<_> = (0..MANY).map(numbered).collect();
    let began = Instant::now();
    site.gobgpd.speaker.announce(&routes).await.unwrap();
    let announced = began.elapsed();
    wait_for(&mut frr, MANY.into()).await;
    eprintln!("{MANY} rules: announced in {announced:?}, in FRR after {:?}", began.elapsed());

    // And again as one whole at the start of a session: what a router gets that comes back.
    frr.ask("clear bgp *");
    let dropped = eventually("a new session", async || {
        let (rules, dropped) = frr.summary("ipv4")?;
        (rules == u64::from(MANY) && dropped > 0).then_some(dropped)
    })
    .await;
    assert_eq!(dropped, 1, "only the one we asked for");

    let nlris: Vec<_> = routes.into_iter().map(|route| route.nlri).collect();
    site.gobgpd.speaker.withdraw(&nlris).await.unwrap();
    eventually("the withdrawals", async || (frr.summary("ipv4")?.0 == 0).then_some(())).await;
    assert_eq!(frr.summary("ipv4").unwrap().1, 1);
}

/// What FRR misses when gobgpd dies: from the loss of the session (FRR drops the rules at once,
/// graceful restart or not) until all rules are back.
async fn the_gap_after_a_crash(version: Version, host: u8) {
    let directory = directory();
    let _leftover = Leftover(directory.path().join("run/gobgpd.sock"));
    let [ours, theirs] =
        [host, host + 1].map(|host| IpAddr::V4(Ipv4Addr::new(127, 80, super::net(), host)));
    let port = super::free_port(ours);
    let settings = Settings {
        program: Release::Installed.program(),
        socket: directory.path().join("run/gobgpd.sock"),
        timeout_seconds: 10,
        asn: OURS,
        router_id: Ipv4Addr::new(192, 0, 2, 1),
        listen_port: Some(port),
        listen_addresses: vec![ours],
        peers: vec![Peer {
            local_address: Some(ours),
            passive: true,
            multihop: Some(2),
            ..Peer::new(theirs, THEIRS)
        }],
        on_stop: OnStop::Withdraw,
    };
    let mut daemon = Supervised::new(settings).unwrap();
    let speaker = daemon.speaker();
    let routes: Vec<_> = (0..1000).map(numbered).collect();
    daemon.ensure().await.unwrap();
    speaker.announce(&routes).await.unwrap();
    daemon.reconcile_peers().await.unwrap();
    let mut frr = Frr::start_in(version, directory.path(), (ours, port), theirs);
    wait_for(&mut frr, 1000).await;

    let pid = nix::unistd::Pid::from_raw(daemon.pid().unwrap());
    let died = Instant::now();
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    eventually("a new gobgpd", async || daemon.ensure().await.ok()).await;
    let started = died.elapsed();
    speaker.announce(&routes).await.unwrap();
    daemon.reconcile_peers().await.unwrap();
    let ready = died.elapsed();
    eventually("the rules again", async || {
        let (rules, dropped) = frr.summary("ipv4")?;
        (rules == 1000 && dropped > 0).then_some(())
    })
    .await;
    eprintln!(
        "gap after a crash of gobgpd: {:?} (new gobgpd after {started:?}, rules and peers in it \
         after {ready:?}; the rest is FRR's connect timer of 1 s)",
        died.elapsed()
    );
    daemon.stop().await;
}

/// Until it holds this many IPv4 rules, without having lost the session.
async fn wait_for(frr: &mut Frr, rules: u64) {
    eventually("the rules in FRR", async || {
        let (received, dropped) = frr.summary("ipv4")?;
        assert_eq!(dropped, 0, "connections dropped");
        (received == rules).then_some(())
    })
    .await;
}

#[tokio::test]
async fn frr_8_4_agrees() {
    shows_all(Version::V8_4, 21).await;
}

#[tokio::test]
async fn frr_10_3_agrees() {
    shows_all(Version::V10_3, 23).await;
}

#[tokio::test]
async fn frr_8_4_has_all_rules_again_after_a_crash() {
    the_gap_after_a_crash(Version::V8_4, 31).await;
}

#[tokio::test]
async fn frr_10_3_has_all_rules_again_after_a_crash() {
    the_gap_after_a_crash(Version::V10_3, 33).await;
}

#[tokio::test]
async fn frr_8_4_holds_ten_thousand_rules() {
    holds_many(Version::V8_4, Release::Installed, 25).await;
}

#[tokio::test]
async fn frr_10_3_holds_ten_thousand_rules() {
    holds_many(Version::V10_3, Release::Installed, 27).await;
}

#[tokio::test]
async fn frr_8_4_holds_ten_thousand_rules_of_gobgpd_3_36() {
    holds_many(Version::V8_4, Release::V3_36, 29).await;
}
