//! The speaker contract of `sark-flowspec` against real daemons.

use std::sync::Arc;

use async_trait::async_trait;
use nix::sys::signal::Signal;
use sark_flowspec::speaker::contract::{Harness, numbered, rule};
use sark_flowspec::{Afi, Speaker, SpeakerError};
use sark_gobgp::Gobgp;

use crate::process::{self, Gobgpd, Release, freeze};

struct Real {
    gobgpd: Gobgpd,
    speaker: Arc<Gobgp>,
}

impl Real {
    async fn new(release: Release) -> Self {
        let gobgpd = Gobgpd::start(release).await;
        let speaker = Arc::new(gobgpd.handle(2));
        Self { gobgpd, speaker }
    }
}

#[async_trait(?Send)]
impl Harness for Real {
    fn speaker(&self) -> Arc<dyn Speaker> {
        self.speaker.clone()
    }

    async fn add_foreign(&mut self) {
        self.gobgpd.cli(&[
            "global",
            "rib",
            "add",
            "-a",
            "ipv4-flowspec",
            "match",
            "destination",
            "198.51.100.0/24",
            "then",
            "discard",
        ]);
    }

    async fn hang(&mut self) {
        freeze(self.gobgpd.process().id()).await;
    }

    async fn resume(&mut self) {
        self.gobgpd.process().signal(Signal::SIGCONT);
    }

    async fn stop(&mut self) {
        self.gobgpd.kill();
    }

    async fn start(&mut self) {
        self.gobgpd.restart().await;
    }

    async fn moment(&self) {
        process::moment().await;
    }
}

mod gobgpd_installed {
    use super::{Real, Release};

    sark_flowspec::speaker_contract!(tokio::test, Real::new(Release::Installed).await);
}

mod gobgpd_3_36 {
    use super::{Real, Release};

    sark_flowspec::speaker_contract!(tokio::test, Real::new(Release::V3_36).await);
}

/// One rule that would harm stops them all before anything is sent.
#[tokio::test]
async fn an_unsendable_rule_stops_the_whole() {
    let gobgpd = Gobgpd::start(Release::Installed).await;
    let offset = rule(Afi::Ipv6, "dst ::1:0:0:0/80-64", vec![]);
    let routes = [rule(Afi::Ipv4, "dst 192.0.2.1/32", vec![]), offset];
    let error = gobgpd.speaker.announce(&routes).await.unwrap_err();
    assert!(matches!(error, SpeakerError::Unsendable { .. }), "{error}");
    assert_eq!(gobgpd.speaker.table().await.unwrap(), []);
}

/// Before StartBgp gobgpd answers, and says that it has no AS.
#[tokio::test]
async fn a_gobgpd_without_bgp() {
    let gobgpd = Gobgpd::unconfigured(Release::Installed).await;
    let info = gobgpd.speaker.info().await.unwrap();
    assert_eq!((info.program.as_str(), info.asn, info.router_id), ("gobgp v3", 0, None));
    let error = gobgpd.speaker.announce(&[numbered(1)]).await.unwrap_err();
    assert!(matches!(error, SpeakerError::Refused { .. }), "{error}");
}
