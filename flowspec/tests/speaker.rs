//! The speaker contract against the fake, and the fake's own faults.

use std::sync::Arc;

use async_trait::async_trait;
use sark_flowspec::speaker::contract::{Harness, numbered, observed, rule};
use sark_flowspec::speaker::fake::{FakeSpeaker, Fault};
use sark_flowspec::{Afi, PeerState, PeerStatus, Speaker, SpeakerEvent};

struct Fake(FakeSpeaker);

#[async_trait(?Send)]
impl Harness for Fake {
    fn speaker(&self) -> Arc<dyn Speaker> {
        Arc::new(self.0.clone())
    }

    async fn add_foreign(&mut self) {
        self.0.insert(observed(&rule(Afi::Ipv4, "dst 198.51.100.0/24", vec![])));
    }

    async fn hang(&mut self) {
        self.0.set_fault(Some(Fault::Hanging));
    }

    async fn resume(&mut self) {
        self.0.set_fault(None);
    }

    async fn stop(&mut self) {
        self.0.restart();
        self.0.set_fault(Some(Fault::Unreachable));
    }

    async fn start(&mut self) {
        self.0.set_fault(None);
    }

    async fn moment(&self) {
        tokio::task::yield_now().await;
    }
}

sark_flowspec::speaker_contract!(tokio::test, Fake(FakeSpeaker::new()));

#[tokio::test]
async fn changes_are_counted_once() {
    let fake = FakeSpeaker::new();
    fake.announce(&[numbered(1), numbered(2)]).await.unwrap();
    fake.announce(&[numbered(1), numbered(2)]).await.unwrap();
    assert_eq!(fake.changes(), 2);
    fake.withdraw(&[numbered(1).nlri, numbered(3).nlri]).await.unwrap();
    assert_eq!(fake.changes(), 3);
    assert_eq!(fake.calls(), ["announce", "announce", "withdraw"]);
}

#[tokio::test]
async fn an_announcement_can_stop_halfway() {
    let fake = FakeSpeaker::new();
    fake.set_fault(Some(Fault::AnnouncesOnly(3)));
    fake.announce(&(0..5).map(numbered).collect::<Vec<_>>()).await.unwrap_err();
    assert_eq!(fake.table().await.unwrap().len(), 3);
    fake.set_fault(Some(Fault::Refusing("no".to_owned())));
    fake.table().await.unwrap_err();
    assert_eq!(fake.peek().len(), 3);
}

#[tokio::test]
async fn notices_can_be_dropped_and_wait_once() {
    use futures::{FutureExt, StreamExt};
    let fake = FakeSpeaker::new();
    let mut notices = fake.watch().await.unwrap();
    fake.set_drops_events(true);
    fake.announce(&[numbered(1)]).await.unwrap();
    assert_eq!(notices.next().now_or_never(), None);
    fake.set_drops_events(false);
    fake.announce(&[numbered(2)]).await.unwrap();
    fake.announce(&[numbered(3)]).await.unwrap();
    assert_eq!(notices.next().now_or_never(), Some(Some(SpeakerEvent::Table)));
    assert_eq!(notices.next().now_or_never(), None);
    let address = "192.0.2.9".parse().unwrap();
    fake.set_peer(PeerStatus {
        address,
        asn: 64513,
        state: PeerState::Established,
        flaps: 0,
        advertised: (0, 0),
    });
    assert_eq!(notices.next().now_or_never(), Some(Some(SpeakerEvent::Peer(address))));
    assert_eq!(fake.peers().await.unwrap()[0].advertised, (3, 0));
    fake.restart();
    assert_eq!(notices.next().now_or_never(), Some(None));
}
