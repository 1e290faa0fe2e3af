//! A router that speaks BGP with FRR: FRR relays its rules to the local gobgpd, which the enforcer
//! reads. FRR's own output lacks the actions.

use std::path::Path;
use std::process::Command;

use sark_flowspec::{Afi, Speaker};

use crate::enforcer::{DROP, Site, redirect, route};
use crate::namespace::{in_namespace, wait};
use crate::process::{Gobgpd, Process, Release, directory};
use crate::topology::Out;

/// Who announces, FRR, and the local gobgpd; in the namespace of the test.
const ANNOUNCER: &str = "127.0.0.11";
const FRR: &str = "127.0.0.12";
const LOCAL: &str = "127.0.0.13";
const PORT: u16 = 1790;

/// A gobgpd that waits for FRR. `export` is what it does with paths that it could tell.
async fn gobgpd(asn: u32, address: &str, export: &str) -> Gobgpd {
    let families: String = ["ipv4", "ipv6"]
        .map(|name| {
            format!(
                "[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\n\
                 afi-safi-name = \"{name}-flowspec\"\n"
            )
        })
        .concat();
    let config = format!(
        "[global.config]\nas = {asn}\nrouter-id = \"{address}\"\nport = {PORT}\n\
         local-address-list = [\"{address}\"]\n\
         [global.apply-policy.config]\ndefault-export-policy = \"{export}\"\n\
         [[neighbors]]\n[neighbors.config]\nneighbor-address = \"{FRR}\"\npeer-as = 64513\n\
         [neighbors.transport.config]\npassive-mode = true\n{families}"
    );
    Gobgpd::with_config(Release::Installed, &config).await
}

fn frr(directory: &Path) -> Process {
    let neighbor = |address: &str, asn: u32| {
        format!(
            " neighbor {address} remote-as {asn}\n neighbor {address} port {PORT}\n \
             neighbor {address} timers connect 1\n neighbor {address} update-source {FRR}\n"
        )
    };
    let families = ["ipv4", "ipv6"].map(|family| {
        format!(
            " address-family {family} flowspec\n  neighbor {ANNOUNCER} activate\n  \
             neighbor {LOCAL} activate\n exit-address-family\n"
        )
    });
    let config = format!(
        "router bgp 64513\n bgp router-id 192.0.2.2\n no bgp ebgp-requires-policy\n{}{} \
         neighbor {ANNOUNCER} ebgp-multihop 2\n address-family ipv4 unicast\n  \
         no neighbor {ANNOUNCER} activate\n  no neighbor {LOCAL} activate\n \
         exit-address-family\n{}",
        neighbor(ANNOUNCER, 64512),
        neighbor(LOCAL, 64513),
        families.concat()
    );
    std::fs::write(directory.join("bgpd.conf"), config).unwrap();
    let mut command = Command::new("/usr/lib/frr/bgpd");
    command
        .args(["--no_zebra", "--no_kernel", "--skip_runas", "--vty_port", "0"])
        .arg("--vty_socket")
        .arg(directory)
        .arg("--pid_file")
        .arg(directory.join("pid"))
        .arg("--config_file")
        .arg(directory.join("bgpd.conf"))
        .args(["--listenon", FRR, "--bgp_port", "0"]);
    Process::start(&mut command, &directory.join("frr.log"))
}

#[test]
fn rules_come_from_a_peer_through_frr() {
    in_namespace(|| {
        wait(async {
            let announcer = gobgpd(64512, ANNOUNCER, "accept-route").await;
            let mut site =
                Site::with(gobgpd(64513, LOCAL, "reject-route").await, "{ hold: 1m, settle: 1s }");
            let frr_directory = directory();
            let _frr = frr(frr_directory.path());
            let routes = [
                route(Afi::Ipv4, "proto =6 dport =443", redirect(Afi::Ipv4)),
                route(Afi::Ipv6, "proto =6 dport =443", DROP),
            ];
            announcer.speaker.announce(&routes).await.unwrap();
            site.start();
            site.until_fate(Afi::Ipv4, Some(Out::Proxy)).await;
            site.until_fate(Afi::Ipv6, None).await;
            let paths = site.gobgpd.speaker.best_paths().await.unwrap();
            assert!(
                paths.iter().all(|path| !path.observed.local && path.unknown_attributes.is_empty())
            );
            // Of two paths the best one counts: gobgpd prefers its own.
            site.announce(&[route(Afi::Ipv4, "proto =6 dport =443", DROP)]).await;
            site.until_fate(Afi::Ipv4, None).await;
            assert_eq!(site.gobgpd.speaker.table().await.unwrap().len(), 3);
            assert_eq!(site.gobgpd.speaker.best_paths().await.unwrap().len(), 2);
            site.withdraw(&routes[..1]).await;
            site.until_fate(Afi::Ipv4, Some(Out::Proxy)).await;
            announcer.speaker.withdraw(&[routes[0].nlri.clone()]).await.unwrap();
            site.until_fate(Afi::Ipv4, Some(Out::Server)).await;
            assert_eq!(site.fate(Afi::Ipv6), None);
        });
    });
}
