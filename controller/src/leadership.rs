//! Which of several `sarkd` on one store moves the routers.
//!
//! ```text
//!   LeaseKeeper ── take, renew ──→ store            Following ──taken──→ Leading
//!        │ standing                                     ↑ another leads     │ the store does not answer
//!        └──→ Leadership ──→ start: what moves          └──── Unknown ←─────┘ until two thirds of the lease
//! ```
//!
//! A leader that cannot renew its lease takes itself for none when two thirds of it have passed: a
//! third remains for what it had begun to end before another can lead. What it still wrote after that
//! is refused by the store ([`fence`](Standing::Leading)).

use std::sync::Arc;
use std::time::Duration;

use sark_core::Clock;
use sark_core::storage::{LeaseStore, StorageError, Taking};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::chain;

/// How this `sarkd` stands to the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The store has not said, or does not answer: nothing moves.
    Unknown,
    /// Another leads.
    Following {
        /// Its name.
        leader: String,
    },
    /// This one leads.
    Leading {
        /// What is written in this time carries this number; 0 where there is no other.
        fence: u64,
        /// Until then for sure; without end where there is no other.
        until: Option<Instant>,
    },
}

impl Standing {
    /// Leads at this moment.
    #[must_use]
    pub fn leads_at(&self, now: Instant) -> bool {
        matches!(self, Self::Leading { until, .. } if until.is_none_or(|until| now < until))
    }

    fn fence(&self) -> Option<u64> {
        match self {
            Self::Leading { fence, .. } => Some(*fence),
            _ => None,
        }
    }
}

/// Looks at the standing; any number of these.
#[derive(Debug, Clone)]
pub struct Leadership {
    name: Arc<str>,
    standing: watch::Receiver<Standing>,
}

impl Leadership {
    /// Of the only `sarkd` on its store.
    #[must_use]
    pub fn alone() -> Self {
        let (_, standing) = watch::channel(Standing::Leading { fence: 0, until: None });
        Self { name: "".into(), standing }
    }

    /// What the others call this one; empty where there is no other.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Now. A leader whose time has passed is none, whether or not anybody has noticed.
    #[must_use]
    pub fn now(&self) -> Standing {
        let standing = self.standing.borrow().clone();
        match standing {
            Standing::Leading { .. } if !standing.leads_at(Instant::now()) => Standing::Unknown,
            standing => standing,
        }
    }

    /// Leads now.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.now().fence().is_some()
    }

    /// Waits until it is known whether this one leads or follows.
    pub async fn known(&mut self) -> Standing {
        loop {
            match self.now() {
                Standing::Unknown => {}
                known => return known,
            }
            if self.standing.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Ends when this is no more so: who led leads no more (or again, after another might have), who
    /// followed leads.
    pub async fn over(&mut self, begun: &Standing) {
        loop {
            let standing = self.standing.borrow_and_update().clone();
            let until = match &standing {
                Standing::Leading { until, .. } if begun.fence() == standing.fence() => *until,
                Standing::Following { .. } | Standing::Unknown if begun.fence().is_none() => None,
                _ => return,
            };
            let passed = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.standing.changed() => if changed.is_err() {
                    std::future::pending::<()>().await;
                },
                () = passed => return,
            }
        }
    }
}

/// Takes the lease and keeps it. One task.
pub struct LeaseKeeper {
    store: Arc<dyn LeaseStore>,
    clock: Arc<dyn Clock>,
    name: Arc<str>,
    length: Duration,
    standing: watch::Sender<Standing>,
    /// The last time this one led, if nobody is known to have led since.
    fence: Option<u64>,
}

/// Between two looks at whether the leader is still there.
const LOOK: Duration = Duration::from_secs(2);

impl LeaseKeeper {
    /// Of a lease of this length. Begins in [`run`](Self::run).
    #[must_use]
    pub fn new(
        store: Arc<dyn LeaseStore>,
        clock: Arc<dyn Clock>,
        name: &str,
        length: Duration,
    ) -> (Self, Leadership) {
        let name: Arc<str> = name.into();
        let (standing, receiver) = watch::channel(Standing::Unknown);
        let leadership = Leadership { name: Arc::clone(&name), standing: receiver };
        (Self { store, clock, name, length, standing, fence: None }, leadership)
    }

    /// Until `stop`; then the lease is given up, so that nobody waits for its end.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            // What is asked may be answered late: it counts from before.
            let begun = Instant::now();
            let asked = tokio::time::timeout(self.pace(), self.ask()).await;
            self.settle(begun, asked.unwrap_or_else(|_| Err(late())));
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(self.pace()) => {}
            }
        }
        if let Some(fence) = self.fence {
            let _ = tokio::time::timeout(self.length / 3, self.store.release_lease(fence)).await;
        }
    }

    /// A leader has time for two more questions before it takes itself for none.
    fn pace(&self) -> Duration {
        match self.fence {
            Some(_) => self.length / 5,
            None => LOOK.min(self.length / 3),
        }
    }

    async fn ask(&mut self) -> Result<Taking, StorageError> {
        if let Some(fence) = self.fence {
            if self.store.renew_lease(fence, self.length).await? {
                return Ok(Taking::Taken { fence });
            }
            self.fence = None;
        }
        let at = self.clock.now();
        self.store.take_lease(&self.name, self.length, at).await
    }

    fn settle(&mut self, begun: Instant, asked: Result<Taking, StorageError>) {
        let next = match asked {
            Ok(Taking::Taken { fence }) => {
                self.fence = Some(fence);
                Standing::Leading { fence, until: Some(begun + self.length * 2 / 3) }
            }
            Ok(Taking::Held(lease)) => Standing::Following { leader: lease.leader },
            Err(error) => {
                tracing::warn!(error = chain(&error), "cannot see who leads");
                let standing = self.standing.borrow().clone();
                let has_ended = !standing.leads_at(Instant::now());
                if self.fence.is_none() || has_ended { Standing::Unknown } else { standing }
            }
        };
        let told = self.standing.borrow().fence() != next.fence()
            || self.standing.borrow().fence().is_none() && *self.standing.borrow() != next;
        if told {
            match &next {
                Standing::Unknown => tracing::warn!("it is not known who leads: nothing moves"),
                Standing::Following { leader } => tracing::info!(leader, "this sarkd follows"),
                Standing::Leading { fence, .. } => tracing::info!(fence, "this sarkd leads"),
            }
        }
        self.standing.send_replace(next);
    }
}

fn late() -> StorageError {
    let source = "the store did not answer in time".into();
    StorageError::Unavailable { what: "say who leads", source }
}

#[cfg(test)]
mod tests;
