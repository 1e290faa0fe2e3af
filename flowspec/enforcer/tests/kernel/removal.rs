//! Nothing is left, nothing of others' goes, and a failure changes nothing.

use sark_enforcer::{Kernel, KernelError, Program, Rule};
use sark_flowspec::{Action, Afi, Nlri};
use std::time::Duration;

use crate::namespace::{in_namespace, ip, run, wait};
use crate::topology::{Topology, VRFS, next_hop, options};

/// Everything that the namespace has of what we make.
fn state() -> [String; 4] {
    [
        run("nft", "list ruleset"),
        ip("-4 rule show") + &ip("-6 rule show"),
        ip("-4 route show table all"),
        ip("-6 route show table all"),
    ]
}

fn program() -> Program {
    let rules: Vec<Rule> = [Afi::Ipv4, Afi::Ipv6]
        .into_iter()
        .flat_map(|afi| {
            let rule =
                |text: &str, action| Rule::new(Nlri::parse(afi, text).unwrap(), vec![action]);
            [
                rule("dport =80", Action::RedirectIp { address: next_hop(afi), copy: false }),
                rule("dport =81", Action::RedirectVrf(VRFS[0].0)),
            ]
        })
        .collect();
    Program::compile(&rules, &options(), None).unwrap()
}

#[test]
fn everything_that_was_made_is_removed_and_nothing_else() {
    in_namespace(|| {
        let _topology = Topology::new();
        // Others' things, close to ours.
        run("nft", "add table inet others");
        run("nft", "add chain inet others sark_flowspec");
        ip("rule add pref 8300 fwmark 0x10000/0xff0000 lookup 77");
        ip("-6 rule add pref 8301 fwmark 0x10000/0xff0000 lookup 77");
        ip("route add 10.9.0.0/16 via 203.0.113.9 table 830001");
        let before = state();
        let kernel = Kernel::default();
        // What is not there is no error.
        wait(kernel.remove(&options())).unwrap();
        assert_eq!(state(), before);
        // As an earlier version left it.
        run("nft", "add table inet sark_flowspec");
        wait(kernel.apply(&program())).unwrap();
        let applied = state();
        assert!(!applied[0].contains("table inet sark_flowspec"), "{}", applied[0]);
        assert_ne!(applied, before);
        wait(kernel.apply(&program())).unwrap();
        assert_eq!(state(), applied, "applying twice changes nothing");
        // What is there can be told.
        let installed = wait(kernel.installed(&options())).unwrap().unwrap();
        assert_eq!(installed.fingerprint.as_deref(), Some(program().fingerprint()));
        // Half of it is none.
        run("nft", "delete table ip6 sark_flowspec");
        assert_eq!(wait(kernel.installed(&options())).unwrap(), None);
        wait(kernel.apply(&program())).unwrap();
        assert_eq!(state(), applied);
        let mut redirects = wait(kernel.redirects(&options())).unwrap();
        redirects.sort_by_key(|redirect| redirect.slot);
        assert_eq!(redirects, program().redirects());
        // What others take away is put back.
        ip("rule del pref 8300 fwmark 0x20000/0xff0000 lookup 101 protocol 83");
        ip("-6 route flush table all protocol 83");
        assert_ne!(state(), applied);
        wait(kernel.reroute(&program())).unwrap();
        assert_eq!(state(), applied);
        wait(kernel.remove(&options())).unwrap();
        assert_eq!(state(), before);
        assert_eq!(wait(kernel.installed(&options())).unwrap(), None);
    });
}

#[test]
fn a_table_that_the_kernel_refuses_leaves_the_one_before() {
    in_namespace(|| {
        let _topology = Topology::new();
        let kernel = Kernel::default();
        wait(kernel.apply(&program())).unwrap();
        let before = run("nft", "list ruleset");
        // An nft that is told something else.
        let broken = Kernel::new("/bin/false", "ip", Duration::from_secs(5));
        let error = wait(broken.apply(&program())).unwrap_err();
        assert!(matches!(error, KernelError::Failed { .. }), "{error}");
        let missing = Kernel::new("/nonexistent/nft", "ip", Duration::from_secs(5));
        let error = wait(missing.apply(&program())).unwrap_err();
        assert!(matches!(error, KernelError::Start { .. }), "{error}");
        let slow = Kernel::new("/usr/bin/yes", "ip", Duration::from_millis(200));
        let error = wait(slow.apply(&program())).unwrap_err();
        assert!(!matches!(error, KernelError::Start { .. }), "{error}");
        assert_eq!(run("nft", "list ruleset"), before);
    });
}
