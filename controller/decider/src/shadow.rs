//! What a shadow says beside the active set, after the active one has answered.
//!
//! ```text
//!   active answers ─→ the answer goes out
//!         └ a place free? ─→ task: shadow answers ─→ counted ─→ Comparison ─→ whoever takes them
//!              └ none: left out                                    └ nobody in time: left out
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use sark_core::ContentHash;
use sark_core::decision::Decision;
use tokio::sync::{Notify, Semaphore, mpsc};

use crate::Question;
use crate::decider::Candidate;

/// Comparisons that wait to be taken.
const WAITING: usize = 1024;

/// A question that both the active set and the shadow have answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What was asked.
    pub question: Arc<Question>,
    /// Version of the active set.
    pub active: ContentHash,
    /// What it decided.
    pub decision: Decision,
    /// Version of the shadow.
    pub candidate: ContentHash,
    /// What it would have decided.
    pub shadow: Decision,
}

/// Questions on their way through shadows, and those that are through.
#[derive(Debug)]
pub(crate) struct Shadows {
    places: Arc<Semaphore>,
    through: mpsc::Sender<Comparison>,
    taken: Mutex<mpsc::Receiver<Comparison>>,
    there_are: Arc<Notify>,
}

impl Shadows {
    /// So many questions at a time, which is no more than a pool has waiting.
    pub(crate) fn new(places: usize) -> Self {
        let (through, taken) = mpsc::channel(WAITING);
        let places = places.clamp(1, Semaphore::MAX_PERMITS);
        let (places, taken) = (Arc::new(Semaphore::new(places)), Mutex::new(taken));
        Self { places, through, taken, there_are: Arc::default() }
    }

    /// Asks a shadow what was answered already. Returns at once.
    pub(crate) fn ask(
        &self,
        candidate: Arc<Candidate>,
        question: Arc<Question>,
        active: ContentHash,
        decision: Decision,
    ) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return candidate.tally.leave_out();
        };
        let (through, there_are) = (self.through.clone(), Arc::clone(&self.there_are));
        tokio::spawn(async move {
            let shadow = candidate.pool.decide_elsewhere(&question).await;
            let Ok(room) = through.try_reserve() else { return candidate.tally.leave_out() };
            candidate.tally.both(&decision, &shadow);
            let version = candidate.pool.set().version().clone();
            room.send(Comparison { question, active, decision, candidate: version, shadow });
            there_are.notify_one();
            drop(place);
        });
    }

    /// Until there are some to take.
    pub(crate) async fn wait(&self) {
        self.there_are.notified().await;
    }

    /// Those that are through and were not taken, oldest first.
    pub(crate) fn take(&self) -> Vec<Comparison> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| taken.try_recv().ok()).take(WAITING).collect()
    }
}
