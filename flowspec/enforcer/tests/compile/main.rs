//! What rules compile to, without a kernel.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

mod hostile;
mod options;
mod paths;
mod refusals;
mod text;

use sark_enforcer::{Options, Program, Rule};
use sark_flowspec::{Action, Afi, Nlri, Rate};

fn rule(afi: Afi, nlri: &str, actions: &[Action]) -> Rule {
    Rule::new(Nlri::parse(afi, nlri).unwrap(), actions.to_vec())
}

fn compile(rules: &[Rule], options: &Options) -> Program {
    Program::compile(rules, options, None).unwrap()
}

/// Interfaces that hand over single packets.
fn options() -> Options {
    let mut options = Options::new(["eth0", "eth1.100"]);
    options.merged_segments = false;
    options.vrf_tables.insert("65001:1".parse().unwrap(), 101);
    options
}

const DROP: Action = Action::TrafficRateBytes { asn: 0, rate: Rate::DROP };

fn rate_bytes(rate: f32) -> Action {
    Action::TrafficRateBytes { asn: 65001, rate: Rate::new(rate).unwrap() }
}

fn rate_packets(rate: f32) -> Action {
    Action::TrafficRatePackets { asn: 65001, rate: Rate::new(rate).unwrap() }
}

fn redirect(address: &str) -> Action {
    Action::RedirectIp { address: address.parse().unwrap(), copy: false }
}
