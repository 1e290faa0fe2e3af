//! The wiring: build, bind, spawn, and the end. The only place that names concrete adapters.
//!
//! All is built for one term, of leading or of following, and again for the next. Tasks that only a
//! leader has are `moving`; they end before its lease does. A follower has `follower` and `former`.
//!
//! Tasks, all ended by one signal: `reconciler`, `watcher`, `api`, `registrar`, `housekeeping`, one
//! `feed` each, `audit-writer`, `audit-drain` and `auditor`, `https`, `names` and `metrics` (when
//! configured), `alerts`, `conditions` and one `sink` each, and `watchdog` (under systemd). Connections
//! and changes under way belong to `api`.

mod alerts;
mod assemble;
mod audit;
mod follow;
mod housekeeping;
mod lead;
mod secret;
mod speaker;
mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sark_api::config::Config;
use sark_core::{Clock as _, SystemClock};
use sark_feeds::Fetcher;
use sark_registry::feed::{self, Feed};
use sark_registry::resolve::{Resolve, Settings};
use sark_store::Store;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::api::{SocketGuard, Tls, listen, serve, serve_https, serve_metrics};
use crate::chain::chain;
use crate::feeds::copies;
use crate::lock::StateLock;
use crate::names::Names;
use crate::overlays::{build, files, read};
use crate::registrar::{Beginning, RegistrarError};
use crate::sensors::Kinds;
use crate::shutdown::{Signalled, Told};
use crate::trail::Trail;
use crate::{
    Keeper, Leadership, OverlayError, Registrar, RegistryHolder, Standing, Unkept, service_manager,
};
pub use assemble::{Assembled, Parts, assemble};
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
    Lock(#[from] crate::lock::LockError),
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

/// What `--check` checks beyond the configuration itself: the overlays it names.
pub fn check(config: &Config, base: &Path) -> Result<(), StartError> {
    build(base, &config.registry.overlays)?;
    feeds(base, config)?;
    kinds(base, config)?;
    if let Some(https) = &config.api.https {
        Tls::load(https, base)?;
    }
    if config.registry.resolve.enabled {
        resolvers(base, config)?;
    }
    Ok(())
}

fn kinds(base: &Path, config: &Config) -> Result<Kinds, StartError> {
    let own = config.sensors.kinds.as_ref().map(|path| base.join(path));
    Ok(Kinds::load(own.as_deref())?)
}

/// Those that ship, with the operator's own and the one that brings prices.
fn feeds(base: &Path, config: &Config) -> Result<Vec<Arc<Feed>>, OverlayError> {
    let files = files(base, &config.registry.feeds.files)?;
    let mut feeds = feed::load(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
        .map_err(OverlayError::Content)?;
    if !config.registry.feeds.shipped {
        let shipped = feed::feeds();
        feeds.retain(|feed| !shipped.contains(feed));
    }
    feeds.extend(config.registry.prices.feed(base));
    Ok(feeds.into_iter().map(Arc::new).collect())
}

/// What asks for the addresses of names, if the configuration says so.
async fn names(
    base: &Path,
    config: &Config,
    controller: &Assembled,
    store: &Store,
) -> Result<Option<Arc<Names>>, StartError> {
    let resolve = &config.registry.resolve;
    if !resolve.enabled {
        return Ok(None);
    }
    let names = Names::new(
        resolve.ageing.clone(),
        resolvers(base, config)?,
        Arc::clone(&controller.registrar),
        Arc::clone(controller.api.observatory.registry()),
        Arc::new(store.clone()),
        Arc::new(SystemClock),
        Arc::clone(&controller.api.metrics),
    );
    Ok(Some(Arc::new(names.await.map_err(RegistrarError::from)?)))
}

fn resolvers(base: &Path, config: &Config) -> Result<Vec<Arc<dyn Resolve>>, StartError> {
    let one = |settings: &Settings| {
        let ca_file = settings.ca_file.as_ref().map(|path| base.join(path));
        sark_resolver::resolver(&Settings { ca_file, ..settings.clone() })
    };
    let resolvers = config.registry.resolve.resolvers.iter().map(one);
    Ok(resolvers.collect::<Result<_, _>>()?)
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

/// All parts, made and not yet moving.
struct Built {
    controller: Assembled,
    config: Arc<Config>,
    base: PathBuf,
    store: Store,
    audit: audit::Wired,
    lock: StateLock,
    /// Of a leader.
    leads: bool,
    /// Of a follower, from when it led.
    former: Option<Box<dyn Keeper>>,
    leadership: Leadership,
}

impl Built {
    async fn new(
        config: Config,
        base: &Path,
        leadership: &Leadership,
        standing: &Standing,
    ) -> Result<Self, StartError> {
        let lock = StateLock::take(&config.state.directory)?;
        let store::Opened { store, place: store_place } = store::open(&config, base).await?;
        // What moves the routers is written in its term alone; `store` itself is for what anybody may
        // write.
        let fenced = lead::fenced(&store, standing);
        let leads = matches!(standing, Standing::Leading { .. });
        let registry = Arc::new(RegistryHolder::new(build(base, &config.registry.overlays)?));
        let overlays = read(base, &config.registry.overlays)?;
        let feeds = feeds(base, &config)?;
        let copies =
            copies(&feeds, &fenced, SystemClock.now()).await.map_err(RegistrarError::from)?;
        let keep_versions = config.registry.keep_versions;
        let beginning = Beginning { keep_versions, feeds, copies, overlays };
        let speaker::Wired { speaker, keeper, place } = speaker::wire(&config)?;
        let (keeper, former): (Box<dyn Keeper>, _) =
            if leads { (keeper, None) } else { (Box::new(Unkept), Some(keeper)) };
        let config = Arc::new(config);
        let mut controller = assemble(Parts {
            config: Arc::clone(&config),
            store: Arc::new(fenced.clone()),
            registry,
            registry_store: Arc::new(fenced.clone()),
            beginning,
            source: Arc::new(Fetcher::new(Arc::new(|reference| {
                secret::read(reference).map_err(|error| error.to_string())
            }))),
            speaker,
            keeper,
            place,
            store_place,
            leadership: leadership.clone(),
            clock: Arc::new(SystemClock),
            patience: PATIENCE,
            kinds: kinds(base, &config)?,
        });
        if leads {
            let names = names(base, &config, &controller, &fenced).await?;
            controller.registrar.begin(names.as_deref()).await?;
            controller.api.names = names;
            controller.api.feeds.begin().await;
        } else {
            controller.registrar.follow().await?;
        }
        // A delivery is made by the leader alone: two would tell everything twice.
        controller.api.alerts = Some(alerts::wire(&config, base, &controller, &fenced));
        let mut audit = audit::wire(&config, base, &store, &controller.api.metrics).await?;
        controller.api.trail = Some(audit.trail.clone());
        controller.api.trail_key = Some(audit.key.clone());
        controller.api.keep = Arc::new(std::mem::take(&mut audit.keep));
        let (base, leadership) = (base.to_owned(), leadership.clone());
        Ok(Self { controller, config, base, store, audit, lock, leads, former, leadership })
    }
}

/// The sockets.
struct Bound {
    socket: UnixListener,
    guard: SocketGuard,
    metrics: Option<TcpListener>,
    https: Option<(TcpListener, Arc<Tls>, usize)>,
}

impl Bound {
    async fn new(config: &Config, base: &Path) -> Result<Self, StartError> {
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
struct Running {
    /// What only a leader has.
    moving: JoinSet<&'static str>,
    tasks: JoinSet<&'static str>,
    /// Ends new work: the API, the watch.
    stop: CancellationToken,
    /// Ends the reconciler, when no change waits for it any more.
    settle: CancellationToken,
    work: TaskTracker,
    registrar: Arc<Registrar>,
    trail: Trail,
    config: Arc<Config>,
    base: PathBuf,
    store: Store,
    guard: SocketGuard,
    leads: bool,
    tls: Option<Arc<Tls>>,
    _lock: StateLock,
}

impl Running {
    fn spawn(built: Built, bound: Bound) -> Self {
        let Assembled { reconciler, watcher, api, registrar, status, interval, .. } =
            built.controller;
        let (stop, settle) = (CancellationToken::new(), CancellationToken::new());
        let (work, observatory) = (api.work.clone(), Arc::clone(&api.observatory));
        let (feeds, names) = (Arc::clone(&api.feeds), api.names.clone());
        let (mut moving, mut tasks) = (JoinSet::new(), JoinSet::new());
        let prices = Arc::clone(&api.prices);
        if built.leads {
            task(&mut moving, "reconciler", reconciler.run(settle.clone()));
            task(&mut moving, "watcher", watcher.run(stop.clone()));
        }
        let keeping = housekeeping::run(api.clone(), built.leads, stop.clone());
        task(&mut tasks, "housekeeping", keeping);
        let told = api.alerts.clone().filter(|_| built.leads);
        let watch = alerts::watch(&api, &built.store);
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
            trail,
            config: built.config,
            base: built.base,
            store: built.store,
            guard: bound.guard,
            leads: built.leads,
            tls,
            _lock: built.lock,
        }
    }

    /// Reads the overlays again; on a mistake the registry in use stays.
    async fn reload(&self) {
        if let Some(tls) = self.tls.clone() {
            let read = tokio::task::spawn_blocking(move || tls.reload()).await;
            match read {
                Ok(Ok(())) => tracing::info!("read the certificate of api.https again"),
                Ok(Err(error)) => tracing::error!(
                    error = chain(&error),
                    "the certificate of api.https stays as it was"
                ),
                Err(error) => tracing::error!(%error, "the certificate was not read"),
            }
        }
        if let Err(error) = self.try_reload().await {
            tracing::error!(error = chain(&error), "the registry stays as it was");
        }
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
    async fn drain(mut self) {
        self.stop.cancel();
        self.work.close();
        self.work.wait().await;
        // Records that were taken are written and stored; what the store does not take stays in the
        // spool for the next start.
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
