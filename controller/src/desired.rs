//! What the routers should hold now: the newest revision, compiled.

use std::sync::Arc;

use jiff::Timestamp;
use sark_compiler::{Compiled, Environment, InputError, compile};
use sark_core::document::Diagnostic;
use sark_core::storage::{
    ApprovalStore, AuditStore, CheckpointStore, DecisionStore, Revision, RevisionStore,
    SensorStore, StorageError, TokenStore,
};
use sark_policy::{PolicySet, parse_set};
use sark_registry::Snapshot;
use tokio::sync::Mutex;

use crate::RegistryHolder;
use crate::pools::Pools;

/// What the controller wants of a store.
pub trait Storage:
    RevisionStore
    + AuditStore
    + CheckpointStore
    + TokenStore
    + ApprovalStore
    + SensorStore
    + DecisionStore
{
}

impl<T> Storage for T where
    T: RevisionStore
        + AuditStore
        + CheckpointStore
        + TokenStore
        + ApprovalStore
        + SensorStore
        + DecisionStore
{
}

/// The newest revision, compiled on one registry snapshot at one time.
#[derive(Debug)]
pub struct Desired {
    /// The revision.
    pub revision: Revision,
    /// Its policies.
    pub policies: PolicySet,
    /// Its rules; when `refused` is not empty (the registry or the configuration changed since it
    /// was accepted) there are none, and nothing may be concluded from that.
    pub compiled: Compiled,
    /// When the rules next change without anybody doing anything.
    pub next_change: Option<Timestamp>,
    compiled_at: Timestamp,
    basis: Basis,
}

/// What rules are made from besides policies and the time.
#[derive(Debug, Clone)]
pub(crate) struct Basis {
    /// The registry in use.
    pub(crate) registry: Arc<Snapshot>,
    /// The deployment, with the proxies that are up.
    pub(crate) environment: Arc<Environment>,
}

impl Basis {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.registry, &other.registry)
            && Arc::ptr_eq(&self.environment, &other.environment)
    }

    /// Whether rules that are made from both are the same, whoever made them anew.
    fn says_the_same(&self, other: &Self) -> bool {
        let (registry, other_registry) = (&self.registry, &other.registry);
        registry.version() == other_registry.version()
            && registry.never_touch() == other_registry.never_touch()
            && self.environment == other.environment
    }
}

/// Why it is not known what the routers should hold.
#[derive(Debug, thiserror::Error)]
pub enum DesiredError {
    /// The store does not answer.
    #[error("cannot read the newest revision")]
    Store(#[from] StorageError),
    /// A stored policy set does not parse: it was written by another version of SARK.
    #[error("revision {revision} cannot be read by this version: {}", first(.mistakes))]
    Policies {
        /// The revision.
        revision: u64,
        /// The mistakes.
        mistakes: Vec<Diagnostic>,
    },
    /// A stored policy names something that the configuration or the registry no longer has.
    #[error("revision {revision} no longer fits this configuration: {}", first(.mistakes))]
    Input {
        /// The revision.
        revision: u64,
        /// The mistakes.
        mistakes: Vec<InputError>,
    },
    /// A defect: the compiler ended badly.
    #[error("the compiler failed on revision {revision}")]
    Compiler {
        /// The revision.
        revision: u64,
        /// How.
        source: tokio::task::JoinError,
    },
}

fn first<T: ToString>(mistakes: &[T]) -> String {
    mistakes.first().map_or_else(|| "no reason given".to_owned(), ToString::to_string)
}

/// Computes [`Desired`] and remembers it while nothing that goes into it has changed, so that a
/// round without news costs no compilation.
pub struct DesiredState {
    store: Arc<dyn Storage>,
    registry: Arc<RegistryHolder>,
    pools: Arc<Pools>,
    last: Mutex<Option<Arc<Desired>>>,
}

impl DesiredState {
    /// Of a store, a registry, and a deployment with its pools.
    #[must_use]
    pub fn new(store: Arc<dyn Storage>, registry: Arc<RegistryHolder>, pools: Arc<Pools>) -> Self {
        Self { store, registry, pools, last: Mutex::new(None) }
    }

    /// The deployment, with the proxies that are up now.
    pub fn environment(&self) -> Arc<Environment> {
        self.pools.environment()
    }

    /// The deployment, with the proxies that were up before this time.
    pub(crate) async fn environment_before(
        &self,
        at: Timestamp,
    ) -> Result<Environment, StorageError> {
        let past = self.pools.past(&*self.store, at).await?;
        Ok(self.pools.environment_of(&past))
    }

    /// Ends when it is known which proxies are up, or was not for too long.
    pub async fn settled(&self) {
        self.pools.settled().await;
    }

    /// What rules are made from now.
    pub(crate) fn basis(&self) -> Basis {
        Basis { registry: self.registry.snapshot(), environment: self.environment() }
    }

    /// Remembers what was compiled for a revision that was just stored: the next round announces
    /// exactly what was planned, at once.
    pub(crate) async fn remember(&self, desired: Desired) {
        *self.last.lock().await = Some(Arc::new(desired));
    }

    /// What should be there at `now`; `None` when nothing was ever applied.
    pub async fn at(&self, now: Timestamp) -> Result<Option<Arc<Desired>>, DesiredError> {
        let mut last = self.last.lock().await;
        let Some(newest) = self.store.newest().await? else { return Ok(None) };
        let basis = self.basis();
        if let Some(desired) = last.as_ref()
            && desired.revision.number == newest
            && desired.basis.is(&basis)
            && desired.compiled_at <= now
            && desired.next_change.is_none_or(|change| now < change)
        {
            return Ok(Some(Arc::clone(desired)));
        }
        let Some(revision) = self.store.current().await? else { return Ok(None) };
        let number = revision.number;
        // Ten thousand rules take tens of milliseconds: not on a thread that serves requests.
        let work = tokio::task::spawn_blocking(move || Desired::compile(revision, basis, now));
        let desired = Arc::new(
            work.await.map_err(|source| DesiredError::Compiler { revision: number, source })??,
        );
        *last = Some(Arc::clone(&desired));
        Ok(Some(desired))
    }
}

impl Desired {
    /// The registry and the deployment that it was compiled from.
    pub(crate) fn basis(&self) -> (&Snapshot, &Environment) {
        (&self.basis.registry, &self.basis.environment)
    }

    /// Whether all that this was made from says the same as what the later one was made from, and nothing
    /// began or ended by itself between the two.
    pub(crate) fn is_still(&self, later: &Self) -> bool {
        self.revision.number == later.revision.number
            && self.compiled_at <= later.compiled_at
            && self.next_change.is_none_or(|change| later.compiled_at < change)
            && self.basis.says_the_same(&later.basis)
    }

    /// Of any revision, on any basis, at any time.
    pub(crate) fn compile(
        revision: Revision,
        basis: Basis,
        now: Timestamp,
    ) -> Result<Self, DesiredError> {
        let number = revision.number;
        let policies = parse_set(&revision.files)
            .map_err(|mistakes| DesiredError::Policies { revision: number, mistakes })?;
        let Basis { registry, environment } = &basis;
        let compiled = compile(&policies, registry, environment, &revision.activated, now)
            .map_err(|mistakes| DesiredError::Input { revision: number, mistakes })?;
        Ok(Self::of(revision, policies, compiled, basis, now))
    }

    /// Of a revision that was compiled already, on this basis at `now`.
    pub(crate) fn of(
        revision: Revision,
        policies: PolicySet,
        compiled: Compiled,
        basis: Basis,
        now: Timestamp,
    ) -> Self {
        let of_policies = policies.policies.iter().filter_map(|policy| {
            let since = revision.activated.get(&policy.name).copied().unwrap_or(revision.at);
            policy.next_change(now, since)
        });
        let endpoints = basis.registry.endpoints();
        let of_endpoints = endpoints.iter().filter_map(|e| e.expires_at).filter(|at| *at > now);
        let next_change = of_policies.chain(of_endpoints).min();
        Self { revision, policies, compiled, next_change, compiled_at: now, basis }
    }
}
