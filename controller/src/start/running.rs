//! The sockets, and everything that moves in one term.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sark_api::config::Config;
use sark_program::StateLock;
use sark_store::Store;
use sark_trail::Trail;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::built::Built;
use super::{Assembled, StartError, alerts, audit, follow, housekeeping};
use crate::api::{Api, SocketGuard, Tls, listen, serve, serve_https, serve_metrics};
use crate::chain;
use crate::decisions::Decisions;
use crate::overlays::{build, read};
use crate::pools::Rehearser;
use crate::registrar::RegistrarError;
use crate::{Registrar, service_manager};

/// The sockets.
pub(super) struct Bound {
    socket: UnixListener,
    guard: SocketGuard,
    metrics: Option<TcpListener>,
    https: Option<(TcpListener, Arc<Tls>, usize)>,
}

impl Bound {
    pub(super) async fn new(config: &Config, base: &Path) -> Result<Self, StartError> {
        let (socket, guard) = listen(&config.api.socket)?;
        let metrics = match config.metrics.listen {
            None => None,
            Some(address) => Some(
                TcpListener::bind(address)
                    .await
                    .map_err(|source| StartError::Metrics { address, source })?,
            ),
        };
        let https = match &config.api.https {
            None => None,
            Some(https) => {
                let tls = Arc::new(Tls::load(https, base)?);
                let address = https.listen;
                let listener = TcpListener::bind(address)
                    .await
                    .map_err(|source| StartError::Https { address, source })?;
                Some((listener, tls, https.connections))
            }
        };
        Ok(Self { socket, guard, metrics, https })
    }
}

/// Everything that moves.
pub(super) struct Running {
    /// What only a leader has.
    pub(super) moving: JoinSet<&'static str>,
    pub(super) tasks: JoinSet<&'static str>,
    /// Ends new work: the API, the watch.
    stop: CancellationToken,
    /// Ends the reconciler, when no change waits for it any more.
    settle: CancellationToken,
    work: TaskTracker,
    registrar: Arc<Registrar>,
    decisions: Arc<Decisions>,
    trail: Trail,
    api: Api,
    config: Arc<Config>,
    base: PathBuf,
    store: Store,
    guard: SocketGuard,
    leads: bool,
    tls: Option<Arc<Tls>>,
    _lock: StateLock,
}

impl Running {
    pub(super) fn spawn(built: Built, bound: Bound) -> Self {
        let Assembled { reconciler, watcher, api, registrar, status, interval, recorder, .. } =
            built.controller;
        let (stop, settle) = (CancellationToken::new(), CancellationToken::new());
        let (work, observatory) = (api.work.clone(), Arc::clone(&api.observatory));
        let (feeds, names) = (Arc::clone(&api.feeds), api.names.clone());
        let (mut moving, mut tasks) = (JoinSet::new(), JoinSet::new());
        let prices = Arc::clone(&api.prices);
        if built.leads {
            task(&mut moving, "reconciler", reconciler.run(settle.clone()));
            task(&mut moving, "watcher", watcher.run(stop.clone()));
            task(&mut moving, "pool-records", recorder.run(stop.clone()));
            let rehearser = Rehearser::new(
                Arc::clone(&observatory.desired),
                Arc::clone(&api.pools),
                Arc::clone(&observatory.clock),
            );
            task(&mut moving, "pool-rehearser", rehearser.run(stop.clone()));
            for asker in api.pools.askers() {
                task(&mut moving, "pool-asker", asker.run(stop.clone()));
            }
        }
        let asked = api.clone();
        let keeping = housekeeping::run(
            api.clone(),
            Arc::new(built.store.clone()),
            built.leads,
            stop.clone(),
        );
        task(&mut tasks, "housekeeping", keeping);
        let told = api.alerts.clone().filter(|_| built.leads);
        let watch = alerts::watch(&api, &built.store);
        let (decisions, follows) = (Arc::clone(&api.decisions), Arc::clone(&api.decisions));
        task(&mut tasks, "decisions", follows.run(stop.clone()));
        if built.leads {
            let asks = Arc::clone(&decisions);
            task(&mut moving, "decision-source", asks.ask(stop.clone()));
        }
        let router = api.router();
        let mut tls = None;
        if let Some((listener, files, connections)) = bound.https {
            tls = Some(Arc::clone(&files));
            let https = serve_https(listener, files, connections, router.clone(), stop.clone());
            task(&mut tasks, "https", https);
        }
        task(&mut tasks, "api", serve(bound.socket, router, stop.clone()));
        if let Some(listener) = bound.metrics {
            task(&mut tasks, "metrics", serve_metrics(listener, observatory, stop.clone()));
        }
        if built.leads {
            for (number, name) in (0..).zip(feeds.scheduled()) {
                let (feeds, stop) = (Arc::clone(&feeds), stop.clone());
                task(&mut moving, "feed", feeds.run(name, number, stop));
            }
        }
        if let Some(names) = names {
            task(&mut moving, "names", names.run(stop.clone()));
        }
        let passing = Arc::clone(&registrar);
        if built.leads {
            task(&mut moving, "registrar", passing.run(stop.clone()));
        } else {
            task(&mut tasks, "follower", follow::run(passing, prices, stop.clone()));
        }
        if let Some(keeper) = built.former {
            task(&mut tasks, "former", follow::retire(keeper, stop.clone()));
        }
        let audit::Wired { trail, writer, drain, auditor, .. } = built.audit;
        tasks.spawn_blocking(move || {
            writer.run();
            "audit-writer"
        });
        task(&mut tasks, "audit-drain", drain.run(CancellationToken::new()));
        if built.leads {
            task(&mut moving, "auditor", auditor.run(settle.clone()));
        }
        if let Some(told) = told {
            task(&mut moving, "alerts", Arc::clone(&told).run_taker(stop.clone()));
            task(&mut moving, "conditions", watch.run(stop.clone()));
            for name in told.sinks() {
                let work = Arc::clone(&told).run_sink(name.to_owned(), stop.clone());
                task(&mut moving, "sink", work);
            }
        }
        if sd_notify::watchdog_enabled().is_some() {
            let feed =
                service_manager::watchdog(status, built.leadership, interval, settle.clone());
            task(&mut tasks, "watchdog", feed);
        }
        Self {
            moving,
            tasks,
            stop,
            settle,
            work,
            registrar,
            decisions,
            trail,
            api: asked,
            config: built.config,
            base: built.base,
            store: built.store,
            guard: bound.guard,
            leads: built.leads,
            tls,
            _lock: built.lock,
        }
    }

    /// Reads certificate, overlays and decision set again; on a mistake what is in use stays.
    pub(super) async fn reload(&self) {
        let mut wrong = Vec::new();
        if let Some(tls) = self.tls.clone() {
            let read = tokio::task::spawn_blocking(move || tls.reload()).await;
            match read {
                Ok(Ok(())) => tracing::info!("read the certificate of api.https again"),
                Ok(Err(error)) => {
                    let error = chain(&error);
                    tracing::error!(error, "the certificate of api.https stays as it was");
                    wrong.push(format!("api.https: {error}"));
                }
                Err(error) => tracing::error!(%error, "the certificate was not read"),
            }
        }
        if let Err(error) = self.try_reload().await {
            let error = chain(&error);
            tracing::error!(error, "the registry stays as it was");
            wrong.push(format!("registry.overlays: {error}"));
        }
        if self.leads {
            self.decisions.ask_soon();
        }
        audit::reloaded(&self.store, &wrong).await;
    }

    async fn try_reload(&self) -> Result<(), StartError> {
        if !self.leads {
            tracing::info!("this sarkd follows: the leader lays its own overlays");
            return Ok(());
        }
        let (base, overlays) = (self.base.clone(), self.config.registry.overlays.clone());
        let overlays = tokio::task::spawn_blocking(move || {
            build(&base, &overlays)?;
            read(&base, &overlays)
        });
        let overlays = overlays.await.map_err(RegistrarError::from)??;
        self.registrar.lay_overlays(overlays).await?;
        tracing::info!("read the registry overlays again");
        Ok(())
    }

    /// No new requests; those under way end, then the reconciler, then the store.
    pub(super) async fn drain(mut self) {
        self.stop.cancel();
        self.api.proxies.snapshots.end();
        self.work.close();
        self.work.wait().await;
        // Records that were taken are written and stored; what the store does not take stays in the
        // spool for the next start.
        self.api.callers.tell(true, &self.api).await;
        self.trail.close().await;
        self.settle.cancel();
        for tasks in [&mut self.moving, &mut self.tasks] {
            while let Some(ended) = tasks.join_next().await {
                match ended {
                    Ok(name) => tracing::debug!(name, "task ended"),
                    Err(error) => tracing::error!(%error, "a task ended badly"),
                }
            }
        }
        audit::stopped(&self.store).await;
        self.store.close().await;
        drop(self.guard);
    }
}

fn task(
    tasks: &mut JoinSet<&'static str>,
    name: &'static str,
    work: impl Future<Output = ()> + Send + 'static,
) {
    let span = tracing::info_span!("task", name);
    tasks.spawn(
        async move {
            work.await;
            name
        }
        .instrument(span),
    );
}
