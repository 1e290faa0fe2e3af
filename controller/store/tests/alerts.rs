//! The dispatcher's memory: one contract on all stores.
#![allow(clippy::unwrap_used, reason = "tests, helpers included")]

use std::sync::Arc;

use sark_core::storage::alerts::{MemoryAlerts, contract};
use sark_core::storage::{AuditStore as _, MemoryStore};
use sark_store::on_both_engines;
use sark_store::test_util::TestPlace;

#[tokio::test]
async fn memory() {
    let base = Arc::new(MemoryStore::default());
    let store = MemoryAlerts::new(Arc::clone(&base));
    contract::run(&store, async || base.records(1000).await.unwrap().len()).await;
}

on_both_engines! {
    alerts_contract
}

async fn alerts_contract(place: TestPlace) {
    let store = place.open().await;
    contract::run(&store, async || store.records(1000).await.unwrap().len()).await;
}
