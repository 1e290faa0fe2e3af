//! What cannot be carried out is told, and the rest is.

use sark_flowspec::{Action, Afi};

use crate::enforcer::{DROP, Site, route};
use crate::namespace::{in_namespace, run, wait};
use crate::topology::next_hop;

#[test]
fn refused_rules_are_shown_and_counted_and_others_act() {
    in_namespace(|| {
        wait(async {
            let mut site = Site::new("{ settle: 0s }").await;
            let unmapped = Action::RedirectVrf("65001:77".parse().unwrap());
            let copy = Action::RedirectIp { address: next_hop(Afi::Ipv6), copy: true };
            let nowhere = Action::RedirectIp { address: "192.0.2.1".parse().unwrap(), copy: false };
            site.announce(&[
                route(Afi::Ipv4, "proto =6 dport =443", DROP),
                route(Afi::Ipv4, "dst 10.9.0.0/16", unmapped),
                route(Afi::Ipv6, "dst 2001:db8:9::/48", copy),
                // Of merged segments.
                route(Afi::Ipv4, "length >=1000", DROP),
                // An address of the router itself.
                route(Afi::Ipv4, "dst 10.8.0.0/16", nowhere),
            ])
            .await;
            // Nothing is applied by looking.
            let (ok, plan, said) = site.command(&["plan"]);
            assert!(ok, "{said}");
            assert!(plan.contains("table ip sark_flowspec {"), "{plan}");
            assert!(plan.contains("# mark 0x00010000: table 830001, next hop 192.0.2.1"), "{plan}");
            assert!(plan.contains("# refused: ipv4 dst 10.9.0.0/16: no routing table"), "{plan}");
            assert_eq!(run("nft", "list tables"), "");
            site.start();
            site.until_fate(Afi::Ipv4, None).await;
            site.until_applied().await;
            let shown = site.show();
            let refused: Vec<String> = shown["refused"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| {
                    format!(
                        "{}: {}",
                        one["rule"].as_str().unwrap(),
                        one["reason"].as_str().unwrap()
                    )
                })
                .collect();
            assert_eq!(refused.len(), 3, "{refused:?}");
            assert!(refused[0].contains("no routing table is configured"), "{refused:?}");
            assert!(refused.iter().any(|one| one.contains("a copy to 2001:db8:3::9")));
            assert!(refused.iter().any(|one| one.contains("merge segments")));
            assert!(shown["unreachable"]["192.0.2.1"].as_str().unwrap().contains("this router"));
            site.until_metric("sark_enforcer_refused", |refused| refused == 3.0).await;
            site.until_metric("sark_enforcer_unreachable", |hops| hops == 1.0).await;
            assert_eq!(site.log().matches("no routing table is configured").count(), 1);
            let (ok, table, _) = site.command(&["show"]);
            assert!(ok && table.contains("refused  ipv4 dst 10.9.0.0/16: no routing"), "{table}");
            println!("{table}");
        });
    });
}

#[test]
fn a_configuration_is_checked_without_doing_anything() {
    in_namespace(|| {
        wait(async {
            let site = Site::new("{ hold: 5m }").await;
            let (ok, _, said) = site.command(&["--check"]);
            assert!(ok, "{said}");
            site.configure("inteval: 1s");
            let (ok, _, said) = site.command(&["--check"]);
            assert!(!ok && said.contains("did you mean `interval`?"), "{said}");
            assert_eq!(run("nft", "list tables"), "");
        });
    });
}
