//! The demo as a user sees it, with both FRR versions: every scene waits for what it says and fails
//! if it does not come. Needs what `tests/lab.rs` needs, and `sarkd` and `sarkctl` built beside
//! xtask.

mod support;

use std::process::{Command, Stdio};

use support::{Lab, assert_nothing_is_left, until, xtask};

#[test]
fn policies_reach_frr_8_and_return_after_a_crash() {
    demo("8");
}

#[test]
fn policies_reach_frr_10_and_return_after_a_crash() {
    demo("10");
}

#[test]
fn calls_are_inspected_whatever_dies() {
    for packages in ["SARK_SDKS", "SARK_NODE"] {
        assert!(
            std::env::var_os(packages).is_some(),
            "{packages} names providers' libraries: run `cargo xtask setup --only python` and set what it prints"
        );
    }
    let lab = Lab::named("demo-line-inspect");
    let mark = lab.mark();
    let name = lab.name.strip_suffix("-inspect").unwrap();
    let (ok, said) = xtask(&["demo", "--no-build", "--only", "inspect", "--name", name]);
    assert!(ok, "{said}");
    for scene in [
        "the unrelated site answers",
        "is not on the list of your groups",
        "9 libraries: what is allowed works",
        "was redirected over IPv6",
        "`withdraw`: straight to the server after",
        "`drop`: dropped by the router after",
        "not one packet of the client's own came to 203.0.113.60",
        "every call was inspected: sark-enforcer keeps what it had",
        "The lab is down",
    ] {
        assert!(said.contains(scene), "no {scene:?} in\n{said}");
    }
    println!("{said}");
    assert_nothing_is_left(&mark);
}

fn demo(frr: &str) {
    let lab = Lab::named(&format!("demo-{frr}"));
    let mark = lab.mark();
    let began = std::time::Instant::now();
    let only = ["demo", "--no-build", "--only", "edge"];
    let (ok, said) = xtask(&[&only[..], &["--name", &lab.name, "--frr", frr]].concat());
    assert!(ok, "{said}");
    for scene in [
        "both routers have their session",
        "both routers hold exactly these rules",
        "r1# show bgp ipv4 flowspec",
        "r2# show bgp ipv6 flowspec",
        "all rules are back on both routers",
        "The lab is down",
    ] {
        assert!(said.contains(scene), "no {scene:?} in\n{said}");
    }
    println!("{:.1} s", began.elapsed().as_secs_f64());
    assert_nothing_is_left(&mark);
}

#[test]
fn a_demo_that_is_interrupted_leaves_nothing() {
    let lab = Lab::named("demo-interrupted");
    let seen = support::scratch("demo-interrupted").join("seen");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let only = ["demo", "--no-build", "--only", "edge"];
    demo.args(only).args(["--name", &lab.name]).stdin(Stdio::null());
    let mut demo = demo.stdout(std::fs::File::create(&seen).unwrap()).spawn().unwrap();
    until("sarkd to answer", || {
        std::fs::read_to_string(&seen).unwrap_or_default().contains("ok sarkd answers")
    });
    let mark = lab.mark();
    Command::new("kill").args(["-INT", &demo.id().to_string()]).status().unwrap();
    assert_eq!(demo.wait().unwrap().code(), Some(130));
    assert_nothing_is_left(&mark);
    assert!(lab.down().contains("was not up"));
}
