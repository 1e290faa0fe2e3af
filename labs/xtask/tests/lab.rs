//! Labs come up, come down, and leave nothing behind. Needs root, FRR and gobgpd; `cargo xtask test`
//! installs them.

mod support;

use std::process::Command;
use std::time::Duration;

use support::{Lab, assert_nothing_is_left, until, xtask};

/// Both Debian releases' FRR, whichever the machine itself has.
const VERSIONS: [&str; 2] = ["8", "10"];

#[test]
fn both_frr_versions_hold_a_rule_that_gobgpd_announces() {
    for version in VERSIONS {
        let lab = Lab::up(&format!("hold-{version}"), &["--frr", version]);
        let says = lab.vtysh("r1", "show version");
        assert!(says.contains(&format!("FRRouting {version}.")), "{says}");
        let gobgpd = lab.gobgpd();
        for rule in [["ipv4-flowspec", "203.0.113.0/24"], ["ipv6-flowspec", "2001:db8:2::/64"]] {
            let [family, prefix] = rule;
            let words = ["gobgp", "global", "rib", "add", "-a", family, "match", "destination"];
            until("gobgpd to take a rule", || {
                lab.exec("speaker", &[&words[..], &[prefix, "then", "discard"]].concat()).0
            });
            for router in ["r1", "r2"] {
                let question = format!("show bgp {} flowspec detail", &family[..4]);
                until(&format!("{router} with FRR {version} to hold {prefix}"), || {
                    let table = lab.vtysh(router, &question);
                    table.contains(&format!("Destination Address {prefix}"))
                        && table.contains("FS:rate 0.0")
                });
            }
        }
        drop(gobgpd);
        let mark = lab.mark();
        assert!(lab.down().contains("is down"));
        assert_nothing_is_left(&mark);
    }
}

#[test]
fn packets_pass_from_client_to_server() {
    let lab = Lab::up("packets", &[]);
    until("ping", || lab.exec("client", &["ping", "-c1", "-W1", "203.0.113.10"]).0);
    until("ping -6", || lab.exec("client", &["ping", "-c1", "-W1", "2001:db8:2::10"]).0);
}

#[test]
fn up_and_down_may_be_said_twice() {
    let lab = Lab::up("twice", &[]);
    let status = |word| xtask(&["lab", word, "edge", "--name", &lab.name]);
    let before = lab.nodes();
    let (ok, said) = status("up");
    assert!(ok, "{said}");
    assert_eq!(lab.nodes(), before, "a lab that is up was made again");
    assert!(status("status").0);
    for words in ["is down", "was not up"] {
        let (ok, said) = status("down");
        assert!(ok && said.contains(words), "{said}");
    }
    let (ok, said) = status("status");
    assert!(!ok && said.contains("is not up"), "{said}");
}

#[test]
fn a_lab_does_not_see_another_of_the_same_file() {
    let (one, two) = (Lab::up("one", &[]), Lab::up("two", &[]));
    assert!(one.nodes().iter().all(|pid| !two.nodes().contains(pid)));
    one.down();
    assert!(two.exec("client", &["true"]).0);
    assert!(!one.exec("client", &["true"]).0);
}

#[test]
fn a_lab_left_by_a_crash_is_taken_down_and_can_come_up_again() {
    let lab = Lab::up("crashed", &[]);
    let mark = lab.mark();
    // One node dies: the lab is no longer whole.
    let first = lab.nodes()[0].to_string();
    assert!(Command::new("kill").args(["-9", &first]).status().unwrap().success());
    until("the node to be gone", || !xtask(&["lab", "status", "edge", "--name", &lab.name]).0);
    let (ok, said) = xtask(&["lab", "up", "edge", "--name", &lab.name]);
    assert!(ok && said.contains("left half up"), "{said}");
    lab.down();
    assert_nothing_is_left(&mark);
}

#[test]
fn an_interrupt_at_any_time_of_up_leaves_nothing() {
    for (n, signal) in ["INT", "TERM", "KILL"].iter().cycle().take(12).enumerate() {
        let lab = Lab::named(&format!("interrupted-{n}"));
        let mark = lab.mark();
        let mut up = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let mut up = up.args(["lab", "up", "edge", "--name", &lab.name]).spawn().unwrap();
        // Spread over the second that it takes; a time as such is what is tested here.
        std::thread::sleep(Duration::from_millis(70 * n as u64));
        Command::new("kill").args([&format!("-{signal}"), &up.id().to_string()]).status().unwrap();
        let status = up.wait().unwrap();
        if status.success() {
            lab.down();
        }
        assert_nothing_is_left(&mark);
        let (ok, said) = xtask(&["lab", "down", "edge", "--name", &lab.name]);
        assert!(ok, "{said}");
    }
}

#[test]
fn a_start_that_fails_leaves_nothing() {
    let dir = support::scratch("fails");
    let file = dir.join("fails.clab.yml");
    std::fs::write(
        &file,
        "name: fails\ntopology:\n  nodes:\n    a: { kind: linux }\n    \
         b: { kind: linux, exec: ['ip address add 192.0.2.1/24 dev nowhere'] }\n  \
         links:\n    - endpoints: ['a:eth1', 'b:eth1']\n",
    )
    .unwrap();
    let lab = Lab::named("fails");
    let mark = lab.mark();
    let (ok, said) = xtask(&["lab", "up", file.to_str().unwrap(), "--name", &lab.name]);
    assert!(!ok && said.contains("node b: a command failed"), "{said}");
    assert!(said.contains("nowhere"), "{said}");
    assert_nothing_is_left(&mark);
}

#[test]
fn a_router_configuration_that_frr_refuses_is_shown() {
    let dir = support::scratch("refused");
    std::fs::write(dir.join("frr.conf"), "router bgp 64501\n neighbor nonsense\n").unwrap();
    std::fs::write(dir.join("daemons"), "bgpd=yes\n").unwrap();
    let file = dir.join("refused.clab.yml");
    std::fs::write(
        &file,
        "name: refused\ntopology:\n  nodes:\n    r:\n      kind: linux\n      image: frr\n      \
         binds: ['frr.conf:/etc/frr/frr.conf:ro', 'daemons:/etc/frr/daemons:ro']\n",
    )
    .unwrap();
    let lab = Lab::named("refused");
    let (ok, said) = xtask(&["lab", "up", file.to_str().unwrap(), "--name", &lab.name]);
    assert!(!ok && said.contains("node r did not come up") && said.contains("nonsense"), "{said}");
}

#[test]
fn mistakes_are_named() {
    let dir = support::scratch("mistakes");
    let file = dir.join("mistakes.clab.yml");
    std::fs::write(&file, "name: x\ntopology:\n  nodes:\n    a: { kind: linux, bind: [] }\n")
        .unwrap();
    let (ok, said) = xtask(&["lab", "up", file.to_str().unwrap()]);
    assert!(!ok && said.contains(":4:") && said.contains("binds"), "{said}");
    let (ok, said) = xtask(&["lab", "up", "egde"]);
    assert!(!ok && said.contains("there is no lab egde") && said.contains("edge"), "{said}");
    let lab = Lab::up("mistakes", &[]);
    let (ok, said) = lab.exec("r3", &["true"]);
    assert!(!ok && said.contains("no node r3") && said.contains("r1"), "{said}");
    let (ok, said) = xtask(&["lab", "up", "edge", "--name", &lab.name, "--frr", "7"]);
    assert!(!ok && said.contains("no FRR 7"), "{said}");
}
