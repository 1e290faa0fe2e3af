//! Work that is taken on: beyond a bound, a request is told to come again, at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests at the same time.
#[derive(Debug, Clone)]
pub struct Overload(Arc<Semaphore>);

impl Overload {
    /// At most so many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))))
    }

    /// A place for one, until it is dropped; none if all are taken.
    #[must_use]
    pub fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}
