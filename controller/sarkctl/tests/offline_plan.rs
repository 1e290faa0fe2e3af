//! `plan --offline` and `simulate`: from files to rules, without `sarkd`.

use crate::support::{Run, Sarkctl, sarkctl};
use serde_json::Value;

/// A time at which the policies of these tests hold.
const NOW: [&str; 2] = ["--now", "2026-11-21T07:00:00Z"];

fn plan(file: &str) -> Sarkctl {
    sarkctl(["flowspec", "plan", "--offline", "-f", file]).with(&NOW)
}

fn simulate(packet: &str) -> Sarkctl {
    sarkctl(["flowspec", "simulate", "-f", "redirect.yaml", "-f", "drop-one.yaml", packet])
        .with(&["--config", "sarkd.yaml"])
        .with(&NOW)
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).expect(&run.stderr)
}

#[test]
fn a_plan_of_one_policy() {
    plan("drop-one.yaml").golden("offline-plan");
    plan("drop-one.yaml").with(&["-o", "json"]).golden("offline-plan-json");
}

#[test]
fn a_plan_with_the_configuration() {
    let with = ["--config", "sarkd.yaml"];
    plan("redirect.yaml").with(&with).golden("offline-plan-config");
    let document = json(&plan("redirect.yaml").with(&with).with(&["-o", "json"]).run());
    assert_eq!(document["schema"], 1);
    let rule = &document["rules"][0];
    for field in ["change", "policy", "afi", "nlri", "match", "actions", "largeCommunity", "origin"]
    {
        assert!(!rule[field].is_null(), "{field}: {rule}");
    }
}

#[test]
fn the_same_input_gives_the_same_octets() {
    let json =
        || plan("redirect.yaml").with(&["--config", "sarkd.yaml", "-o", "json"]).run().stdout;
    assert_eq!(json(), json());
}

#[test]
fn exit_codes() {
    let code = |file: &str, more: &[&str]| plan(file).with(more).run().code;
    assert_eq!(code("drop-one.yaml", &[]), 0);
    assert_eq!(code("drop-one.yaml", &["--detailed-exitcode"]), 4);
    assert_eq!(code("tie.yaml", &[]), 3);
    assert_eq!(code("tie.yaml", &["--detailed-exitcode"]), 3);
    assert_eq!(code("redirect.yaml", &[]), 2);
    assert_eq!(code("wrong-policy.yaml", &[]), 2);
    assert_eq!(code("sarkd.yaml", &[]), 2);
    assert_eq!(code("drop-one.yaml", &["--config", "absent.yaml"]), 2);
    assert_eq!(code("drop-one.yaml", &["--config", "overlay.yaml"]), 2);
    assert_eq!(code("drop-one.yaml", &["--registry", "wrong-overlay.yaml"]), 2);
}

#[test]
fn refused_and_unknown_say_what_to_do() {
    plan("tie.yaml").golden("offline-plan-refused");
    plan("redirect.yaml").golden("offline-plan-unknown-pool");
    sarkctl(["flowspec", "plan", "--offline", "-f", "-"])
        .with(&NOW)
        .stdin(POLICY_WITH_UNKNOWN_PROVIDER)
        .golden("offline-plan-unknown-provider");
}

const POLICY_WITH_UNKNOWN_PROVIDER: &str = "\
apiVersion: sark/v1
kind: FlowSpecPolicy
metadata: { name: x }
spec:
  to: { providers: [antropic] }
  protocol: tcp
  action: drop
";

#[test]
fn the_policies_that_ship_are_read() {
    let run = plan("../../../../policies")
        .with(&["--config", "sarkd.yaml", "--profile", "frr", "-o", "json"])
        .run();
    // Without their addresses some are refused; the lab's overlay gives them.
    assert!([0, 3].contains(&run.code), "{}", run.stderr);
    assert_eq!(json(&run)["schema"], 1);
}

#[test]
fn which_rule_wins() {
    simulate("tcp 10.20.3.4:51000 > 192.0.2.7:443").golden("simulate-redirect");
    simulate("tcp 10.20.3.4:51000 > 198.51.100.9:443")
        .with(&["-o", "json"])
        .golden("simulate-drop-json");
    simulate("tcp 10.20.255.7:51000 > 192.0.2.7:443").golden("simulate-order");
    simulate("udp 10.20.3.4:51000 > 198.51.100.9:443").golden("simulate-untouched");
    // A later fragment has no port, so a rule with ports does not hit it.
    simulate("tcp 10.20.3.4:51000 > 198.51.100.9:443")
        .with(&["--fragment", "last"])
        .golden("simulate-fragment");
}

#[test]
fn what_is_no_packet() {
    simulate("tcp 10.20.3.4 > 192.0.2.7:443").golden("simulate-no-packet");
    let code = |packet: &str, more: &[&str]| simulate(packet).with(more).run().code;
    assert_eq!(code("udp 10.20.3.4:1 > 192.0.2.7:443", &["--flags", "syn"]), 2);
    assert_eq!(code("tcp 10.20.3.4:1 > 192.0.2.7:443", &["--flags", "sin"]), 2);
    assert_eq!(code("tcp 10.20.3.4:1 > 192.0.2.7:443", &["--flow-label", "1"]), 2);
    assert_eq!(code("tcp 10.20.3.4:1 > 192.0.2.7:443", &["--dscp", "64"]), 2);
    assert_eq!(code("tcp 10.20.3.4:1 > 192.0.2.7:443", &["--len", "65536"]), 2);
    assert_eq!(code("tcp 10.20.3.4:1 > 192.0.2.7:443", &["--fragment", "some"]), 2);
}
