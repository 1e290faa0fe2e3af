//! gobgpd is killed, and comes back without its rules.

use std::time::{Duration, Instant};

use sark_flowspec::Afi;

use crate::enforcer::{DROP, Site, route};
use crate::kernel::state;
use crate::namespace::{in_namespace, wait};
use crate::topology::Out;

const RULE: &str = "proto =6 dport =443";

#[test]
fn without_gobgpd_rules_stay_for_the_hold_and_go() {
    in_namespace(|| {
        wait(async {
            let mut site = Site::new("{ hold: 4s, then: remove, settle: 0s }").await;
            let before = state();
            site.announce(&[route(Afi::Ipv4, RULE, DROP)]).await;
            site.start();
            site.until_fate(Afi::Ipv4, None).await;
            site.gobgpd.kill();
            let killed = Instant::now();
            while killed.elapsed() < Duration::from_millis(2500) {
                assert_eq!(site.fate(Afi::Ipv4), None, "leaked after {:?}", killed.elapsed());
            }
            site.until_metric("sark_enforcer_stale_seconds", |seconds| seconds > 0.5).await;
            site.until_metric("sark_enforcer_gobgp{phase=\"stale\"}", |is| is == 1.0).await;
            site.until_fate(Afi::Ipv4, Some(Out::Server)).await;
            println!("removed {:.1?} after the kill, with a hold of 4 s", killed.elapsed());
            assert!(killed.elapsed() > Duration::from_secs(3));
            assert_eq!(state(), before, "everything is gone");
            // It is back, and so are the rules.
            site.gobgpd.restart().await;
            site.announce(&[route(Afi::Ipv4, RULE, DROP)]).await;
            site.until_fate(Afi::Ipv4, None).await;
        });
    });
}

#[test]
fn without_gobgpd_rules_stay_where_configured() {
    in_namespace(|| {
        wait(async {
            let mut site = Site::new("{ hold: 1s, then: keep, settle: 0s }").await;
            site.announce(&[route(Afi::Ipv4, RULE, DROP)]).await;
            site.start();
            site.until_fate(Afi::Ipv4, None).await;
            site.gobgpd.kill();
            let killed = Instant::now();
            while killed.elapsed() < Duration::from_secs(4) {
                assert_eq!(site.fate(Afi::Ipv4), None);
            }
            // The enforcer starts without anyone to ask, too.
            site.kill();
            site.start();
            site.until("it is ready", || site.log().matches("is ready").count() == 2).await;
            assert_eq!(site.fate(Afi::Ipv4), None);
        });
    });
}

/// kill -9 of gobgpd, and a new one that is empty until it is told again: nothing leaks.
#[test]
fn a_gobgpd_that_starts_again_is_given_time() {
    in_namespace(|| {
        wait(async {
            let mut site = Site::new("{ hold: 1m, settle: 5s }").await;
            let (stays, goes) = (route(Afi::Ipv4, RULE, DROP), route(Afi::Ipv6, RULE, DROP));
            site.announce(&[stays.clone(), goes]).await;
            site.start();
            site.until_fate(Afi::Ipv4, None).await;
            site.until_fate(Afi::Ipv6, None).await;
            site.gobgpd.kill();
            site.gobgpd.restart().await;
            let back = Instant::now();
            while back.elapsed() < Duration::from_secs(2) {
                assert_eq!(site.fate(Afi::Ipv4), None, "leaked after {:?}", back.elapsed());
            }
            site.announce(&[stays]).await;
            // The one that nobody announces any more goes when the time is over, the other stays.
            site.until_fate(Afi::Ipv6, Some(Out::Server)).await;
            println!("withdrawn {:.1?} after gobgpd was back, settle is 5 s", back.elapsed());
            assert!(back.elapsed() > Duration::from_secs(4));
            assert_eq!(site.fate(Afi::Ipv4), None);
        });
    });
}
