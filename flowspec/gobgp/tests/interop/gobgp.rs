//! Another gobgpd shows everything, octet by octet.

use sark_flowspec::speaker::contract::{every_kind, observed};
use sark_flowspec::{Observed, Speaker};

use super::{OURS, Site, THEIRS, family};
use crate::process::{Gobgpd, Release, eventually};

async fn shows_all(sender: Release, receiver: Release, host: u8) {
    let site = Site::new(sender, host).await;
    let config = format!(
        "[global.config]\nas = {THEIRS}\nrouter-id = \"192.0.2.2\"\nport = -1\n\
         [[neighbors]]\n[neighbors.config]\nneighbor-address = \"{}\"\npeer-as = {OURS}\n\
         [neighbors.transport.config]\nlocal-address = \"{}\"\nremote-port = {}\n\
         [neighbors.timers.config]\nconnect-retry = 5\n{}{}",
        site.ours,
        site.theirs,
        site.port,
        family("ipv4"),
        family("ipv6"),
    );
    let peer = Gobgpd::with_config(receiver, &config).await;
    site.gobgpd.speaker.announce(&every_kind()).await.unwrap();
    let sorted = |mut table: Vec<Observed>| {
        table.sort_by(|a, b| (a.afi, &a.octets).cmp(&(b.afi, &b.octets)));
        table
    };
    let expected =
        every_kind().into_iter().map(|route| Observed { local: false, ..observed(&route) });
    let expected = sorted(expected.collect());
    let table = eventually("all rules", async || {
        let table = peer.speaker.table().await.unwrap();
        (table.len() == expected.len()).then_some(table)
    })
    .await;
    assert_eq!(sorted(table), expected);

    let nlris: Vec<_> = every_kind().into_iter().map(|route| route.nlri).collect();
    site.gobgpd.speaker.withdraw(&nlris).await.unwrap();
    eventually("the withdrawal", async || {
        peer.speaker.table().await.unwrap().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn installed_to_installed() {
    shows_all(Release::Installed, Release::Installed, 1).await;
}

#[tokio::test]
async fn installed_to_3_36() {
    shows_all(Release::Installed, Release::V3_36, 3).await;
}

#[tokio::test]
async fn from_3_36_to_installed() {
    shows_all(Release::V3_36, Release::Installed, 5).await;
}
