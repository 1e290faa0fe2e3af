//! gobgpd's table becomes the kernel's, and a restart changes nothing.

use std::time::Instant;

use sark_flowspec::{Action, Afi, Speaker};

use crate::enforcer::{DROP, Site, redirect, route};
use crate::kernel::{policy_rules, state};
use crate::namespace::{in_namespace, run, wait};
use crate::topology::Out;

const STALE: &str = "{ hold: 5m, settle: 0s }";
const BOTH: [Afi; 2] = [Afi::Ipv4, Afi::Ipv6];

#[test]
fn announced_rules_act_on_packets_and_withdrawn_ones_do_not() {
    in_namespace(|| {
        wait(async {
            let mut site = Site::new(STALE).await;
            let before = state();
            // There before the enforcer is.
            site.announce(&BOTH.map(|afi| route(afi, "proto =6 dport =443", DROP))).await;
            site.start();
            for afi in BOTH {
                site.until_fate(afi, None).await;
                // Others while it runs.
                site.announce(&[route(afi, "proto =6 dport =443", redirect(afi))]).await;
                let took = site.until_fate(afi, Some(Out::Proxy)).await;
                println!("{afi}: from announcement to packet {took:.0?}");
            }
            let vrf = Action::RedirectVrf("65001:1".parse().unwrap());
            site.announce(&[route(Afi::Ipv4, "proto =6 dport =443", vrf)]).await;
            site.until_fate(Afi::Ipv4, Some(Out::Vrf)).await;
            site.withdraw(&BOTH.map(|afi| route(afi, "proto =6 dport =443", DROP))).await;
            for afi in BOTH {
                site.until_fate(afi, Some(Out::Server)).await;
            }
            // After the table: packets that are under way have the marks.
            site.until("no rule of a redirect is left", || policy_rules() == 0).await;
            // One more apply by someone else's hand: the next round puts it back.
            site.announce(&[route(Afi::Ipv4, "proto =6 dport =443", DROP)]).await;
            site.until_fate(Afi::Ipv4, None).await;
            run("nft", "flush ruleset");
            site.until_fate(Afi::Ipv4, None).await;
            site.stop().await;
            let (ok, _, said) = site.command(&["remove"]);
            assert!(ok, "{said}");
            assert_eq!(state(), before);
            let (ok, _, said) = site.command(&["remove"]);
            assert!(ok, "{said}");
        });
    });
}

#[test]
fn counters_go_on_over_applies_and_restarts() {
    in_namespace(|| {
        wait(async {
            let mut site = Site::new(STALE).await;
            let rule = "proto =6 dport =443";
            site.announce(&[route(Afi::Ipv4, rule, redirect(Afi::Ipv4))]).await;
            site.start();
            site.until_fate(Afi::Ipv4, Some(Out::Proxy)).await;
            site.until_applied().await;
            let first = site.packets(rule).unwrap();
            assert!(first > 0);
            // Another table, in which the rule has another place.
            site.announce(&[route(Afi::Ipv4, "dst 10.1.0.0/16", DROP)]).await;
            site.until("the other rule is there", || site.packets("dst 10.1.0.0/16").is_some())
                .await;
            assert_eq!(site.packets(rule), Some(first));
            assert_eq!(site.fate(Afi::Ipv4), Some(Out::Proxy));
            assert_eq!(site.packets(rule), Some(first + 1));
            let rules = policy_rules();
            assert_eq!(rules, 1);

            // A restart and a crash: the same table, not another one like it.
            for crash in [false, true] {
                let table = run("nft", "-a list tables");
                if crash {
                    site.kill()
                } else {
                    site.stop().await
                }
                assert_eq!(site.fate(Afi::Ipv4), Some(Out::Proxy), "kept while it is gone");
                let counted = site.packets(rule).unwrap();
                site.start();
                site.until("it is ready", || {
                    site.log().matches("is ready").count() > usize::from(crash) + 1
                })
                .await;
                assert!(site.log().contains("took over the table"), "{}", site.log());
                assert_eq!(run("nft", "-a list tables"), table);
                assert_eq!(site.packets(rule), Some(counted));
            }

            // What changed while it was gone, without what was stored: no rule is orphaned.
            site.kill();
            std::fs::remove_file(site.directory.path().join("state/state.json")).unwrap();
            site.withdraw(&[route(Afi::Ipv4, rule, DROP)]).await;
            site.announce(&[route(Afi::Ipv6, rule, redirect(Afi::Ipv6))]).await;
            site.start();
            site.until_fate(Afi::Ipv6, Some(Out::Proxy)).await;
            site.until_fate(Afi::Ipv4, Some(Out::Server)).await;
            site.until("one rule is left", || policy_rules() == 1).await;
            let packets = "sark_enforcer_rule_packets_total{family=\"ipv6\"";
            site.until_metric(packets, |packets| packets > 0.0).await;
        });
    });
}

#[test]
fn rules_go_at_the_end_where_configured() {
    in_namespace(|| {
        wait(async {
            let mut site = Site::new(STALE).await;
            site.configure("onStop: remove");
            let before = state();
            site.announce(&[route(Afi::Ipv6, "proto =6 dport =443", redirect(Afi::Ipv6))]).await;
            site.start();
            site.until_fate(Afi::Ipv6, Some(Out::Proxy)).await;
            let (ok, _, said) = site.command(&["remove"]);
            assert!(!ok && said.contains("another sark-enforcer (process "), "{said}");
            let (ok, _, said) = site.command(&["run"]);
            assert!(!ok && said.contains("another sark-enforcer (process "), "{said}");
            site.stop().await;
            assert_eq!(state(), before);
            assert_eq!(
                site.gobgpd.speaker.table().await.unwrap().len(),
                1,
                "gobgpd's are gobgpd's"
            );
        });
    });
}

/// As many as a build without optimisation takes in seconds.
const MANY: u32 = if cfg!(debug_assertions) { 2000 } else { 10_000 };

/// Many at once, and then one: printed, how long each takes.
#[test]
fn thousands_of_rules_arrive() {
    in_namespace(|| {
        wait(async {
            let mut site = Site::new(STALE).await;
            site.start();
            site.until("it is ready", || site.log().contains("is ready")).await;
            let began = Instant::now();
            let routes: Vec<_> = (0..MANY)
                .map(|number| {
                    let address = std::net::Ipv4Addr::from_bits(0x0a00_0001 + (number << 8));
                    let text = format!("dst {address}/32 proto =6 dport =443");
                    route(Afi::Ipv4, &text, redirect(Afi::Ipv4))
                })
                .collect();
            site.announce(&routes).await;
            println!("announced after {:.1?}", began.elapsed());
            site.until_metric("sark_enforcer_rules ", |rules| rules == f64::from(MANY)).await;
            println!("{MANY} rules are in the kernel after {:.1?}", began.elapsed());
            let began = Instant::now();
            site.announce(&[route(Afi::Ipv4, "proto =6 dport =443", DROP)]).await;
            site.until_fate(Afi::Ipv4, None).await;
            println!("one more after {:.1?}", began.elapsed());
            let all = f64::from(MANY) + 1.0;
            site.until_metric("sark_enforcer_rules ", |rules| rules == all).await;
            let began = Instant::now();
            let shown = site.show();
            println!("shown after {:.1?}", began.elapsed());
            assert_eq!(shown["applied"], true);
            assert_eq!(shown["rules"].as_array().unwrap().len(), MANY as usize + 1);
            let log = site.log();
            log.lines().filter(|line| line.contains("applied")).for_each(|line| println!("{line}"));
        });
    });
}
