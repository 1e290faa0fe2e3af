//! Bringing a lab up and taking it down.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::LabError;
use super::frr::{self, Frr};
use super::init::Orders;
use super::node::{Starting, inside};
use super::process::Process;
use super::state::{Home, NodeState, State};
use super::topology::{Link, Node, Topology};
use crate::run::capture;

/// The kernel tears a node down at once; this is for a machine under load.
const PATIENCE: Duration = Duration::from_secs(10);

/// Brings it up. On any error everything made so far is gone again.
pub fn up(home: &Home, file: &Path, lab: &Topology, frr: &Frr) -> Result<State, LabError> {
    let mut state = State {
        file: file.to_path_buf(),
        frr: frr.version.clone(),
        complete: false,
        nodes: BTreeMap::new(),
    };
    let mut starting = Vec::new();
    let built = start(home, lab, frr, &mut state, &mut starting).and_then(|()| build(lab, &state));
    if let Err(error) = built {
        drop(starting);
        home.forget()?;
        return Err(error);
    }
    for node in starting {
        node.keep().map_err(|source| LabError::File { path: PathBuf::from("a node"), source })?;
    }
    state.complete = true;
    home.save(&state)?;
    Ok(state)
}

fn start(
    home: &Home,
    lab: &Topology,
    frr: &Frr,
    state: &mut State,
    starting: &mut Vec<Starting>,
) -> Result<(), LabError> {
    for node in &lab.nodes {
        let started = Starting::start(&orders(&home.lab, node, frr))?;
        let process = started.process;
        let kept = NodeState { process, is_router: node.is_router, env: node.env.clone() };
        state.nodes.insert(node.name.clone(), kept);
        starting.push(started);
        home.save(state)?;
    }
    Ok(())
}

fn orders(lab: &str, node: &Node, frr: &Frr) -> Orders {
    let private = if node.is_router { frr::PRIVATE } else { &["/run"] };
    let sysctls = [
        // As containers have it.
        ("net/ipv4/ip_forward", "1"),
        // Addresses can be used at once: nobody else is on these cables.
        ("net/ipv6/conf/all/accept_dad", "0"),
        ("net/ipv6/conf/default/accept_dad", "0"),
        ("net/ipv6/conf/default/dad_transmits", "0"),
        ("net/ipv4/ping_group_range", "0 2147483647"),
    ];
    Orders {
        lab: lab.to_owned(),
        name: node.name.clone(),
        root: frr.root.clone().filter(|_| node.is_router),
        private: private.iter().map(PathBuf::from).collect(),
        binds: node.binds.clone(),
        sysctls: sysctls.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
    }
}

fn build(lab: &Topology, state: &State) -> Result<(), LabError> {
    let process = |node: &str| state.nodes.get(node).map(|node| node.process);
    for node in state.nodes.keys() {
        if let Some(process) = process(node) {
            ip(node, process, &["link", "set", "lo", "up"])?;
        }
    }
    for link in &lab.links {
        cable(link, &process)?;
    }
    // Routers start side by side: each takes about a second.
    std::thread::scope(|scope| {
        let routers = state.nodes.iter().filter(|(_, node)| node.is_router);
        let starts: Vec<_> = routers
            .map(|(name, node)| scope.spawn(|| Frr::start(name, node.process, &node.env)))
            .collect();
        for start in starts {
            start.join().unwrap_or_else(|_| {
                Err(LabError::Node { node: "router".to_owned(), why: "its thread died".to_owned() })
            })?;
        }
        Ok::<(), LabError>(())
    })?;
    for node in &lab.nodes {
        let Some(process) = process(&node.name) else { continue };
        for words in &node.exec {
            capture(&mut inside(process, &node.env, None, words))
                .map_err(|source| LabError::Command { node: node.name.clone(), source })?;
        }
    }
    Ok(())
}

/// A veth pair, each end made right where it belongs: nothing of it is ever seen on the machine.
fn cable(link: &Link, process: &impl Fn(&str) -> Option<Process>) -> Result<(), LabError> {
    let [a, b] = &link.ends;
    let (Some(at_a), Some(at_b)) = (process(&a.node), process(&b.node)) else { return Ok(()) };
    let peer = at_b.pid.to_string();
    let mut words = vec!["link", "add", a.interface.as_str()];
    let here = at_a.pid.to_string();
    words.extend(["netns", here.as_str(), "type", "veth", "peer", "name", b.interface.as_str()]);
    words.extend(["netns", peer.as_str()]);
    let made = capture(Command::new("ip").args(&words));
    made.map_err(|source| LabError::Command { node: a.node.clone(), source })?;
    let mtu = link.mtu.map(|mtu| mtu.to_string());
    for (end, at) in [(a, at_a), (b, at_b)] {
        let mut words = vec!["link", "set", end.interface.as_str(), "up"];
        words.extend(mtu.iter().flat_map(|mtu| ["mtu", mtu.as_str()]));
        ip(&end.node, at, &words)?;
    }
    Ok(())
}

fn ip(node: &str, process: Process, words: &[&str]) -> Result<(), LabError> {
    // Only the network is the node's: the program is the machine's.
    let target = format!("--target={}", process.pid);
    let mut command = Command::new("nsenter");
    command.args([target.as_str(), "--net", "--", "ip"]).args(words);
    let done = capture(&mut command);
    done.map(drop).map_err(|source| LabError::Command { node: node.to_owned(), source })
}

/// Takes down what is recorded. What is not there any more is fine.
pub fn down(home: &Home, state: &State) -> Result<(), LabError> {
    let mut left = Vec::new();
    for (name, node) in &state.nodes {
        // All that runs in a node ends with its first process: the kernel sees to it.
        if !node.process.end(Signal::SIGKILL, PATIENCE) {
            left.push(name.clone());
        }
    }
    if !left.is_empty() {
        return Err(LabError::Stuck(left));
    }
    home.forget()
}
