//! Tokens, approvals, reports and decision sets: one contract, every store.

use sark_core::storage::MemoryStore;
use sark_core::storage::contract::{decision, identity, sensor};
use sark_store::on_both_engines;
use sark_store::test_util::TestPlace;

#[tokio::test]
async fn memory() {
    identity::run(&MemoryStore::default()).await;
    sensor::run(&MemoryStore::default()).await;
    decision::run(&MemoryStore::default()).await;
}

on_both_engines! {
    identities
    sensors
    decisions
}

async fn identities(place: TestPlace) {
    identity::run(&place.open().await).await;
}

async fn sensors(place: TestPlace) {
    sensor::run(&place.open().await).await;
}

async fn decisions(place: TestPlace) {
    decision::run(&place.open().await).await;
}
