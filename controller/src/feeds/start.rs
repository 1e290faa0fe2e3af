//! What was in use before a restart is in use after it, without asking anybody.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sark_core::storage::StorageError;
use sark_registry::feed::Feed;
use sark_registry::storage::RegistryStore;

use super::pass::read;
use crate::registrar::CopyInUse;

/// The stored copies of these feeds, parsed. One that this version cannot read any more is left out
/// and said.
pub async fn copies(
    feeds: &[Arc<Feed>],
    store: &dyn RegistryStore,
    now: Timestamp,
) -> Result<BTreeMap<String, CopyInUse>, StorageError> {
    let mut copies = BTreeMap::new();
    for feed in feeds {
        let Some(in_use) = store.feed(&feed.name).await?.and_then(|state| state.in_use) else {
            continue;
        };
        let Some(copy) = store.copy_in_use(&feed.name).await? else { continue };
        match read(Arc::clone(feed), copy.parts, now).await {
            Ok(parsed) => {
                let (first_seen, changed_at) = (in_use.first_seen, in_use.last_changed);
                let copy = CopyInUse { parsed: Arc::new(parsed), first_seen, changed_at };
                copies.insert(feed.name.clone(), copy);
            }
            Err(problem) => {
                let (feed, message) = (&feed.name, &problem.message);
                tracing::error!(feed, message, "the stored copy is not read any more");
            }
        }
    }
    Ok(copies)
}
