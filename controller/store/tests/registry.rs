//! The registry's contract on its stores.

use sark_registry::storage::{MemoryRegistry, contract};

#[tokio::test]
async fn memory() {
    let store = MemoryRegistry::default();
    contract::run(&store, store.base()).await;
}
