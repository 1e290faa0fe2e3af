//! The wiring: build, bind, spawn, and the end. The only place that names concrete adapters.
//!
//! All is built for one term, of leading or of following, and again for the next. Tasks that only a
//! leader has are `moving`; they end before its lease does. A follower has `follower` and `former`.
//!
//! Tasks, all ended by one signal: `reconciler`, `watcher`, `api`, `registrar`, `housekeeping`, one
//! `feed` each, one `pool-asker` for each proxy that is asked, `pool-records`, `audit-writer`, `audit-drain` and `auditor`, `https`, `names` and `metrics` (when
//! configured), `alerts`, `conditions` and one `sink` each, and `watchdog` (under systemd). Connections
//! and changes under way belong to `api`.

mod alerts;
mod assemble;
mod audit;
mod built;
mod decisions;
mod follow;
mod housekeeping;
mod lead;
mod running;
mod speaker;
mod store;

use std::path::Path;
use std::time::Duration;

use sark_api::config::Config;

use crate::api::Tls;
use crate::overlays::build;
use crate::registrar::RegistrarError;
use crate::shutdown::{Signalled, Told};
use crate::{Leadership, OverlayError, service_manager};
pub use assemble::{Assembled, Parts, assemble};
use built::{Built, feeds, kinds, resolvers};
pub use decisions::DecisionsWiringError;
use running::{Bound, Running};
pub use speaker::SpeakerWiringError;
pub use store::StoreWiringError;

/// From the signal to the end, whatever hangs.
const DRAIN: Duration = Duration::from_secs(20);
/// How long an apply waits for the speaker.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why `sarkd` does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state directory.
    #[error(transparent)]
    Lock(#[from] sark_program::LockError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreWiringError),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] OverlayError),
    /// The first registry version.
    #[error(transparent)]
    Registrar(#[from] RegistrarError),
    /// A resolver.
    #[error(transparent)]
    Resolver(#[from] sark_resolver::SettingsError),
    /// The BGP speaker.
    #[error(transparent)]
    Speaker(#[from] SpeakerWiringError),
    /// What sensors may report.
    #[error(transparent)]
    Kinds(#[from] crate::sensors::KindError),
    /// What decides.
    #[error(transparent)]
    Decisions(#[from] DecisionsWiringError),
    /// Our certificate.
    #[error("cannot serve api.https")]
    Tls(#[from] crate::api::TlsError),
    /// Its port.
    #[error("cannot listen on {address} for api.https")]
    Https {
        /// As configured.
        address: std::net::SocketAddr,
        /// Cause.
        source: std::io::Error,
    },
    /// The API socket.
    #[error(transparent)]
    Listen(#[from] crate::api::ListenError),
    /// The metrics port.
    #[error("cannot listen on {address} for metrics")]
    Metrics {
        /// As configured.
        address: std::net::SocketAddr,
        /// Cause.
        source: std::io::Error,
    },
    /// The audit trail.
    #[error(transparent)]
    Audit(#[from] audit::AuditWiringError),
    /// Signal handlers.
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    /// A task that must run to the end did not.
    #[error("the task {0} ended by itself; the supervisor should start sarkd again")]
    Task(String),
}

/// What `--check` checks beyond the configuration itself: the overlays and the decision set it names.
pub fn check(config: &Config, base: &Path) -> Result<(), StartError> {
    build(base, &config.registry.overlays)?;
    feeds(base, config)?;
    kinds(base, config)?;
    decisions::check(&config.decisions, base)?;
    if let Some(https) = &config.api.https {
        Tls::load(https, base)?;
    }
    if config.registry.resolve.enabled {
        resolvers(base, config)?;
    }
    Ok(())
}

/// Runs until told to stop.
pub async fn run(config: Config, base: &Path) -> Result<(), StartError> {
    let mut told = Told::listen().map_err(StartError::Signals)?;
    let (mut leadership, lease) = lead::begin(&config, base).await?;
    let outcome = loop {
        match term(config.clone(), base, &mut told, &mut leadership).await {
            Ok(Ended::Over) => {}
            Ok(Ended::Told) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    lease.end().await;
    outcome
}

/// How a term ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Another one begins.
    Over,
    /// By a signal.
    Told,
}

/// From when it is known whether this one leads to when that is no more so.
async fn term(
    config: Config,
    base: &Path,
    told: &mut Told,
    leadership: &mut Leadership,
) -> Result<Ended, StartError> {
    let Some(standing) = lead::known(told, leadership).await else { return Ok(Ended::Told) };
    let built = Built::new(config, base, leadership, &standing).await?;
    let bound = Bound::new(&built.config, base).await?;
    let mut running = Running::spawn(built, bound);
    service_manager::ready();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "sarkd is ready");
    let name = |ended: Result<&'static str, tokio::task::JoinError>| {
        StartError::Task(ended.map_or_else(|error| error.to_string(), str::to_owned))
    };
    let mut outcome = loop {
        tokio::select! {
            signalled = told.next() => match signalled {
                Signalled::Stop => break Ok(Ended::Told),
                Signalled::Reload => running.reload().await,
            },
            () = leadership.over(&standing) => break Ok(Ended::Over),
            Some(ended) = running.moving.join_next() => break Err(name(ended)),
            Some(ended) = running.tasks.join_next() => break Err(name(ended)),
        }
    };
    if matches!(outcome, Ok(Ended::Over)) {
        // Before the lease ends, then another may begin: nothing moves. Questions are answered
        // until it is known what comes next.
        running.moving.shutdown().await;
        outcome = tokio::select! {
            known = lead::known(told, leadership) => {
                Ok(if known.is_some() { Ended::Over } else { Ended::Told })
            }
            Some(ended) = running.tasks.join_next() => Err(name(ended)),
        };
    }
    if !matches!(outcome, Ok(Ended::Over)) {
        service_manager::stopping();
    }
    tokio::select! {
        () = running.drain() => tracing::info!("sarkd has stopped"),
        () = tokio::time::sleep(DRAIN) => tracing::warn!("the drain took too long: stopping now"),
        // A second signal is impatience.
        Signalled::Stop = told.next() => tracing::warn!("told again: stopping now"),
    }
    outcome
}
