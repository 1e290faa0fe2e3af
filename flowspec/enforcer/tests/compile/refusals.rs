//! What is refused, and that nothing else is.

use sark_enforcer::{Options, Program, Rule};
use sark_flowspec::{Action, Afi, ExtendedCommunity, Nlri, Observed, Rate};

use crate::{DROP, compile, options, rate_bytes, rate_packets, redirect, rule};

fn reasons(program: &Program) -> Vec<String> {
    program.refusals().iter().map(|refusal| refusal.reason.to_string()).collect()
}

fn refused(afi: Afi, nlri: &str, actions: &[Action], options: &Options) -> Vec<String> {
    reasons(&compile(&[rule(afi, nlri, actions)], options))
}

#[test]
fn actions_that_cannot_be_carried_out() {
    let copy = Action::RedirectIp { address: "203.0.113.9".parse().unwrap(), copy: true };
    let vrf = Action::RedirectVrf("65001:2".parse().unwrap());
    let mark = |dscp| Action::TrafficMarking { dscp };
    let cases: [(&[Action], &[&str]); 16] = [
        (&[copy], &["a copy to 203.0.113.9: packets can be redirected, not copied"]),
        (&[vrf], &["no routing table is configured for route target 65001:2"]),
        (&[redirect("2001:db8::1")], &["next hop 2001:db8::1 is of the other family"]),
        (&[redirect("127.0.0.1")], &["next hop 127.0.0.1 is not the address of a host"]),
        (&[redirect("224.0.0.1")], &["next hop 224.0.0.1 is not the address of a host"]),
        (&[mark(64)], &["a DSCP of 64; the largest is 63"]),
        (&[mark(1), mark(2)], &["two markings that contradict each other"]),
        (&[redirect("203.0.113.9"), vrf], &["two redirects that contradict each other"]),
        (&[rate_bytes(1.0), DROP], &["two rates of bytes that contradict each other"]),
        (&[rate_bytes(0.5)], &["nftables cannot say a rate of 0.5 bytes per second"]),
        (&[rate_bytes(1e12)], &["nftables cannot say a rate of 1000000000000 bytes per second"]),
        (&[rate_packets(1e-6)], &["nftables cannot say a rate of 0.000001 packets per second"]),
        (&[rate_packets(2e6)], &["nftables cannot say a rate of 2000000 packets per second"]),
        // What says the same twice, or different things, is none of these.
        (&[mark(1), mark(1)], &[]),
        (&[rate_bytes(1.0), rate_packets(1.0), mark(1), redirect("203.0.113.9")], &[]),
        // All reasons are told.
        (
            &[mark(64), copy],
            &[
                "a DSCP of 64; the largest is 63",
                "a copy to 203.0.113.9: packets can be redirected, not copied",
            ],
        ),
    ];
    for (actions, expected) in cases {
        assert_eq!(refused(Afi::Ipv4, "proto =6", actions, &options()), expected, "{actions:?}");
    }
}

#[test]
fn rates_are_said_in_the_unit_that_is_whole() {
    for (rate, expected) in [
        (1.0, "limit rate over 1/second burst 1 packets"),
        (1000.0, "limit rate over 1000/second burst 1000 packets"),
        (0.5, "limit rate over 30/minute burst 1 packets"),
        (2.5, "limit rate over 150/minute burst 3 packets"),
        // A sixth of a second as the nearest float says it.
        (1.0 / 6.0, "limit rate over 10/minute burst 1 packets"),
        (1.0 / 3600.0, "limit rate over 1/hour burst 1 packets"),
    ] {
        let program = compile(&[rule(Afi::Ipv6, "proto =6", &[rate_packets(rate)])], &options());
        assert!(program.ruleset().contains(expected), "{rate}: {}", program.ruleset());
    }
}

#[test]
fn merged_segments_are_not_taken_for_packets() {
    let merged = Options { merged_segments: true, ..options() };
    let cases: [(&str, &[Action], &str); 4] = [
        ("length >=1001", &[DROP], "the length"),
        ("tcp-flags =1", &[DROP], "the flag FIN, PSH or CWR"),
        ("tcp-flags !8&2", &[], "the flag FIN, PSH or CWR"),
        ("proto =6", &[rate_packets(5.0)], "a rate of packets"),
    ];
    for (nlri, actions, what) in cases {
        let expected =
            format!("{what} is not that of single packets while interfaces merge segments");
        assert_eq!(refused(Afi::Ipv4, nlri, actions, &merged), [expected], "{nlri}");
        assert_eq!(refused(Afi::Ipv4, nlri, actions, &options()), [""; 0], "{nlri}");
    }
    let still: [(&str, &[Action]); 4] = [
        ("tcp-flags =2", &[DROP]),
        ("length >=0", &[DROP]),
        ("proto =6", &[rate_bytes(1e6)]),
        ("proto =6", &[Action::TrafficRatePackets { asn: 0, rate: Rate::DROP }]),
    ];
    for (nlri, actions) in still {
        assert_eq!(refused(Afi::Ipv4, nlri, actions, &merged), [""; 0], "{nlri}");
    }
    // Its packets cannot be told, so it has no place.
    let program = compile(&[rule(Afi::Ipv4, "length >=1001", &[DROP])], &merged);
    assert!(!program.refusals()[0].in_place);
    assert!(!program.ruleset().contains("meta length"));
}

#[test]
fn a_refused_rule_keeps_its_place_and_its_t_bit() {
    let copy = Action::RedirectIp { address: "203.0.113.9".parse().unwrap(), copy: true };
    let goes_on = Action::TrafficAction { sample: true, terminal: true };
    for (actions, verdict) in [(vec![copy], "accept"), (vec![copy, goes_on], "continue")] {
        let program = compile(&[rule(Afi::Ipv4, "dst 192.0.2.1/32", &actions)], &options());
        assert!(program.refusals()[0].in_place);
        assert!(!program.rules()[0].enforced);
        let entry = format!("192.0.2.1 counter comment \"r0\" : {verdict},");
        assert!(program.ruleset().contains(&entry), "{}", program.ruleset());
        assert!(!program.ruleset().contains(" log "), "it does nothing");
    }
}

#[test]
fn an_nlri_with_two_meanings_has_neither() {
    let rules = [rule(Afi::Ipv4, "proto =6", &[DROP]), rule(Afi::Ipv4, "proto =6", &[])];
    let program = compile(&rules, &options());
    assert_eq!(reasons(&program), ["the same NLRI is there with other actions"]);
    assert!(!program.ruleset().contains("drop"));
}

#[test]
fn more_targets_than_marks() {
    let options = Options { redirect_mask: 0x0300, ..options() };
    let rules: Vec<Rule> = (1..=5)
        .map(|i| {
            let nlri = format!("dst 10.0.0.{i}/32");
            rule(Afi::Ipv4, &nlri, &[redirect(&format!("203.0.113.{}", i.min(4)))])
        })
        .collect();
    let program = compile(&rules, &options);
    let expected = "the mark has room for 3 next hops and VRFs, all taken";
    assert_eq!(reasons(&program), [expected, expected]);
    let marks: Vec<u32> = program.redirects().iter().map(|redirect| redirect.mark).collect();
    assert_eq!(marks, [0x100, 0x200, 0x300]);
}

#[test]
fn what_a_peer_sends_is_read_or_refused() {
    let nlri = Nlri::parse(Afi::Ipv4, "proto =6").unwrap();
    let observed = |communities: Vec<ExtendedCommunity>| {
        let observed = Observed {
            afi: Afi::Ipv4,
            octets: nlri.encode(),
            nlri: Ok(nlri.clone()),
            communities,
            large_communities: Vec::new(),
            local: false,
        };
        reasons(&compile(&[Rule::observed(&observed).unwrap()], &options()))
    };
    let basic = |octets: [u8; 8]| ExtendedCommunity::Basic(octets);
    // A route target and a colour say nothing of packets.
    let others = vec![basic([0, 2, 0, 1, 0, 0, 0, 1]), basic([3, 0x0b, 0, 0, 0, 0, 0, 1])];
    assert_eq!(observed(others), [""; 0]);
    assert_eq!(observed(vec![DROP.encode()]), [""; 0]);
    assert_eq!(
        observed(vec![basic([0x80, 0x0f, 0, 0, 0, 0, 0, 1])]),
        ["unknown action 800f000000000001"]
    );
    assert_eq!(
        observed(vec![basic([8, 0, 0, 0, 0, 0, 0, 0])]),
        ["unknown action 0800000000000000"]
    );
    let nan = f32::NAN.to_be_bytes();
    assert_eq!(
        observed(vec![basic([0x80, 6, 0, 0, nan[0], nan[1], nan[2], nan[3]])]),
        ["800600007fc00000: a rate is a finite number"]
    );
    let mut vrf = [0; 20];
    vrf[1] = 0x0d;
    assert_eq!(observed(vec![ExtendedCommunity::Ipv6(vrf)]).len(), 1);
}

#[test]
fn a_bitmask_of_very_many_values_is_refused() {
    let text = "tcp-flags =1365|!=2730&!1";
    let found = refused(Afi::Ipv4, text, &[DROP], &options());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("tcp-flags comes to "), "{found:?}");
}

#[test]
fn long_lists_are_shared_or_few() {
    let list = "port =1|=3|=5|=7|=9|=11|=13|=15";
    let own = |i: u32| {
        rule(Afi::Ipv4, &format!("dst 10.0.{}.{}/32 {list}|={}", i >> 8, i & 255, 100 + i), &[DROP])
    };
    let program = compile(&(0..1200).map(own).collect::<Vec<_>>(), &options());
    assert_eq!(program.refusals().len(), 200);
    assert_eq!(program.rules().iter().filter(|rule| rule.enforced).count(), 1000);
    assert!(program.refusals().iter().all(|refusal| !refusal.in_place));
    let expected = "a list of many values, and 1000 rules before it have such lists of their own";
    assert_eq!(reasons(&program)[0], expected);
    let shared = |i: u32| {
        rule(Afi::Ipv4, &format!("dst 10.0.{}.{}/32 {list}|=17", i >> 8, i & 255), &[DROP])
    };
    let program = compile(&(0..1200).map(shared).collect::<Vec<_>>(), &options());
    assert_eq!(program.refusals(), []);
}
