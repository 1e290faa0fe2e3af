//! The wiring: build, bind, spawn, and the end. The only place that names what is outside.
//!
//! Tasks: the rounds (this one), `watcher`, and `metrics` and `report` when configured. One signal ends them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sark_gobgp::Gobgp;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, ReportConfig, Then};
use crate::metrics::{self, Served};
use crate::round::{Enforcer, RoundError};
use crate::state::Directory;
use crate::watcher::Watch;
use crate::{Reporter, Status, chain};

/// A round that is under way when the signal comes has this long.
const DRAIN: Duration = Duration::from_secs(20);
/// After a round, half as long as it took: notices that come in a burst are taken together, and the
/// machine has time for others.
const SHORTEST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(1);

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The state directory.
    #[error(transparent)]
    Lock(#[from] sark_program::LockError),
    /// The metrics port.
    #[error("cannot listen on {address} for metrics")]
    Metrics {
        /// As configured.
        address: SocketAddr,
        /// Cause.
        source: std::io::Error,
    },
    /// How `sarkd` is called.
    #[error(transparent)]
    Caller(#[from] sark_caller::CallerError),
    /// Signal handlers.
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    /// The kernel cannot be asked at all.
    #[error("cannot read what the kernel has")]
    Resume(#[source] RoundError),
    /// The rules could not be removed at the end, as configured.
    #[error("cannot remove the rules: run `sark-enforcer remove`")]
    Remove(#[source] RoundError),
    /// A task that must run to the end did not.
    #[error("a task ended by itself")]
    Task,
}

/// Runs until told to stop.
pub async fn run(config: Config) -> Result<(), RunError> {
    let stop = Stop::listen().map_err(RunError::Signals)?;
    let _lock = Directory::new(&config.state.directory).lock()?;
    let speaker = Gobgp::new(&config.speaker());
    let mut enforcer = Enforcer::resume(&config, speaker.clone(), Instant::now())
        .await
        .map_err(RunError::Resume)?;
    let listener = match config.metrics.listen {
        Some(address) => Some(
            TcpListener::bind(address)
                .await
                .map_err(|source| RunError::Metrics { address, source })?,
        ),
        None => None,
    };

    let reporter = config.report.as_ref().map(reporter).transpose()?;

    // Dropping it ends them.
    let mut tasks = JoinSet::new();
    let (status, served) = watch::channel(Status::default());
    let end = CancellationToken::new();
    if let Some(reporter) = reporter {
        tasks.spawn(reporter.keep(status.subscribe()));
    }
    if let Some(listener) = listener {
        let served = Served { status: served, most: config.metrics.rules };
        tasks.spawn(metrics::serve(listener, served, end.clone()));
    }
    let notices = Watch::default();
    tasks.spawn(notices.clone().keep(speaker));
    let interval = config.interval.unsigned_abs();
    rounds(&mut enforcer, interval, &notices, &status, &mut tasks, stop).await?;

    notify(sd_notify::NotifyState::Stopping);
    end.cancel();
    if config.on_stop == Then::Remove {
        enforcer.remove().await.map_err(RunError::Remove)?;
        tracing::info!("removed the rules");
    }
    tracing::info!("stopped");
    Ok(())
}

fn reporter(config: &ReportConfig) -> Result<Reporter, RunError> {
    let caller = config.sarkd.caller("report.sarkd")?;
    let caller = caller.named(concat!("sark-enforcer/", env!("CARGO_PKG_VERSION")));
    Ok(Reporter { caller, name: config.name.clone(), every: config.every.unsigned_abs() })
}

async fn rounds(
    enforcer: &mut Enforcer,
    interval: Duration,
    notices: &Watch,
    status: &watch::Sender<Status>,
    tasks: &mut JoinSet<()>,
    mut stop: Stop,
) -> Result<(), RunError> {
    let mut timer = tokio::time::interval(interval);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ready = false;
    loop {
        let full = tokio::select! {
            biased;
            () = stop.told() => return Ok(()),
            Some(_) = tasks.join_next() => return Err(RunError::Task),
            _ = timer.tick() => true,
            () = notices.look() => false,
            () = until(enforcer.deadline()) => false,
        };
        let began = Instant::now();
        let (outcome, stopped) = {
            let mut round = std::pin::pin!(enforcer.round(|| notices.losses(), began, full));
            tokio::select! {
                outcome = &mut round => (Some(outcome), false),
                () = stop.told() => (tokio::time::timeout(DRAIN, round).await.ok(), true),
            }
        };
        match outcome {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::error!(error = chain(&error), "the round failed"),
            None => tracing::warn!("the last round took too long: stopping now"),
        }
        status.send_replace(enforcer.status());
        if stopped {
            return Ok(());
        }
        if !ready {
            ready = true;
            notify(sd_notify::NotifyState::Ready);
            tracing::info!(version = env!("CARGO_PKG_VERSION"), "sark-enforcer is ready");
        }
        let rest = (began.elapsed() / 2).clamp(SHORTEST_REST, LONGEST_REST);
        tokio::select! {
            () = stop.told() => return Ok(()),
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// For ever, if that is over or there is none.
async fn until(deadline: Option<Instant>) {
    match deadline.filter(|deadline| *deadline > Instant::now()) {
        // A little later: then it is over.
        Some(deadline) => tokio::time::sleep_until((deadline + SHORTEST_REST).into()).await,
        None => std::future::pending().await,
    }
}

/// SIGTERM and SIGINT.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(error = chain(&error), "the service manager does not listen");
    }
}
