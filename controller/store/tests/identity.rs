//! Tokens and approvals: one contract, every store.

use sark_core::storage::MemoryStore;
use sark_core::storage::contract::identity::run;
use sark_store::on_both_engines;
use sark_store::test_util::TestPlace;

#[tokio::test]
async fn memory() {
    run(&MemoryStore::default()).await;
}

on_both_engines! { contract }

async fn contract(place: TestPlace) {
    run(&place.open().await).await;
}
