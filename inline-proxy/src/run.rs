//! The wiring: build, bind, spawn, and the end. The only place that names what is outside.
//!
//! Tasks: the listeners, `follower`, the trail's drain (its writer has a thread), the exporter of traces,
//! `metrics`, `sweep` and who takes the authority anew, and who takes over what others left in their spools. One
//! signal stops what is new, or has another program take it; one deadline ends what is under way.

use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sark_api::routes;
use sark_core::{Clock, SystemClock};
use sark_decider::{Decider, Settings};
use sark_registry::{Snapshot, seed};
use sark_traces::{TraceMetrics, Tracer};
use sark_trail::{Trail, TrailMetrics};
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::dial::{Dialer, Reach};
use crate::entrance::door::{Door, accept, doors};
use crate::handover::{Inherited, Program};
use crate::held::Watcher;
use crate::judge::{Judge, Known};
use crate::metrics::{self, Metrics};
use crate::overload::Overload;
use crate::pins::Pins;
use crate::proxy::{FailPolicy, Proxy};
use crate::redact::Nobody;
use crate::refusals::Refusals;
use crate::renew::Issuer;
use crate::sarkd::{Follower, Parts};
use crate::spools::Spools;
use crate::terminate::Termination;
use crate::traced;
use crate::upstream::{Keep, Trust, Upstreams};

/// How often connections that nobody wants are let go.
const SWEEP: Duration = Duration::from_secs(15);
/// What the trail has at the end.
const LAST_RECORDS: Duration = Duration::from_secs(5);

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The state directory.
    #[error("cannot use the state directory {}", path.display())]
    State {
        /// Which.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The certificate authority.
    #[error("there is no certificate authority in {}: make one with `sarkctl proxy ca create`", path.display())]
    Ca {
        /// Where.
        path: PathBuf,
        /// Cause.
        source: sark_ca::StateError,
    },
    /// Its leaves.
    #[error(transparent)]
    Leaves(#[from] sark_ca::LeavesError),
    /// Whom we believe.
    #[error(transparent)]
    Trust(#[from] sark_caller::RootsError),
    /// TLS.
    #[error("TLS cannot be had")]
    Tls(#[from] rustls::Error),
    /// Traces.
    #[error(transparent)]
    Traces(#[from] sark_traces::TracesError),
    /// How `sarkd` is called.
    #[error(transparent)]
    Caller(#[from] sark_caller::CallerError),
    /// The trail.
    #[error(transparent)]
    Trail(#[from] sark_trail::TrailError),
    /// A listener.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Cause.
        source: std::io::Error,
    },
    /// Signal handlers.
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
}

/// Runs until told to stop, or until another program has taken over. `before` is what the one before it
/// handed over.
pub async fn run(config: Config, program: Program, mut before: Inherited) -> Result<(), RunError> {
    let told = Told::new()?;
    let hangup = signal(SignalKind::hangup()).map_err(RunError::Signals)?;
    let state = config.state.directory.clone();
    let failed = |source| RunError::State { path: state.clone(), source };
    std::fs::create_dir_all(&state).map_err(failed)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);

    let counted = Arc::<TrailMetrics>::default();
    let waiting = Arc::clone(&counted);
    let caller = config.sarkd.caller("sarkd")?;
    let caller = caller
        .named(concat!("sark-proxy/", env!("CARGO_PKG_VERSION")))
        .telling(routes::PROXY_WAITING, move || waiting.waiting());
    let spools = Spools {
        state: state.clone(),
        most_octets: config.state.most_octets,
        caller: caller.clone(),
        clock: Arc::clone(&clock),
        counted: Arc::clone(&counted),
    };
    let own = spools.claim().map_err(failed)?;
    let (trail, writer, drain) = spools.open(&own).await?;
    let decider = Arc::new(Decider::new(Settings::default()));
    let spans = Arc::<TraceMetrics>::default();
    let (tracer, exporter) = traced::wire(&config, &spans)?;
    let doors = doors(&config, &mut before)?;
    let issuer = Issuer { directory: state.join("ca"), clock };
    let metrics = match config.metrics.listen {
        Some(address) => Some(match before.take(address) {
            Some(listener) => listener,
            None => {
                let listener = TcpListener::bind(address).await;
                listener.map_err(|source| RunError::Listen { address, source })?
            }
        }),
        None => None,
    };
    // What watches it is no server of its clients either.
    let listeners = doors.iter().map(|door| door.address);
    let listeners = listeners.chain(metrics.iter().filter_map(|it| it.local_addr().ok()));
    let listeners = listeners.collect();
    let metered = Metrics::new(&counted, &spans);
    let told_of = (trail.clone(), tracer, metered);
    let proxy = build(&config, listeners, told_of, Arc::clone(&decider), &issuer)?;
    // For the program that takes over; they are closed with the listeners.
    let again = metrics.iter().map(|it| it.as_fd().try_clone_to_owned());
    let sockets = doors.iter().map(Door::socket).chain(again).collect::<Result<Vec<_>, _>>();
    let sockets = sockets.map_err(RunError::Signals)?;

    let parts = Parts { decider, proxy: Arc::clone(&proxy) };
    let mut follower = Follower::new(caller, state.join("snapshot.json"));
    follower.begin(&parts).await;

    let (stop, last) = (proxy.stop.clone(), CancellationToken::new());
    let writing = tokio::task::spawn_blocking(move || writer.run());
    let draining = tokio::spawn(drain.run(last.clone()));
    let ends = CancellationToken::new();
    let exporting = exporter.map(|exporter| tokio::spawn(exporter.run(ends.clone())));
    // Dropping it ends them.
    let mut tasks = JoinSet::new();
    tasks.spawn(follower.run(parts, stop.clone()));
    tasks.spawn(sweep(Arc::clone(&proxy)));
    tasks.spawn(issuer.renew(hangup, Arc::clone(&proxy)));
    tasks.spawn(spools.take_over(stop.clone()));
    if let Some(listener) = metrics {
        tasks.spawn(metrics::serve(listener, Arc::clone(&proxy)));
    }
    for door in doors {
        tracing::info!(address = %door.address, "listens");
        tasks.spawn(accept(door, Arc::clone(&proxy)));
    }
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    before.ready();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "sark-proxy is ready");

    let within = match told.wait(&program, &sockets).await {
        Some(next) => {
            // Of which systemd is told by the one that it knows.
            let _ = sd_notify::notify(&[NotifyState::MainPid(next), NotifyState::Ready]);
            tracing::info!(next, "another program has taken over: what is under way ends here");
            config.limits.handover.unsigned_abs()
        }
        None => {
            let _ = sd_notify::notify(&[NotifyState::Stopping]);
            tracing::info!("stops: what is under way ends first");
            config.drain()
        }
    };
    drop(sockets);
    stop.cancel();
    drop(tasks);
    proxy.tasks.close();
    if tokio::time::timeout(within, proxy.tasks.wait()).await.is_err() {
        tracing::warn!("some connections took too long, and are cut");
        proxy.cut.cancel();
    }
    proxy.tell_refusals(None);
    ends.cancel();
    trail.close().await;
    let written = tokio::time::timeout(LAST_RECORDS, writing).await;
    if written.is_err() {
        tracing::error!("the last records are not on the disk");
    }
    if let Some(exporting) = exporting {
        // It ends by itself, and says what did not go.
        let _ = exporting.await;
    }
    // What sarkd does not take now, it takes after the next start.
    let _ = tokio::time::timeout(LAST_RECORDS, draining).await;
    last.cancel();
    drop(own);
    tracing::info!("stopped");
    Ok(())
}

/// What the program is told by signals.
struct Told {
    terminate: Signal,
    interrupt: Signal,
    /// SIGUSR2: another program is to take over.
    next: Signal,
}

impl Told {
    fn new() -> Result<Self, RunError> {
        let of = |kind| signal(kind).map_err(RunError::Signals);
        Ok(Self {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            next: of(SignalKind::user_defined2())?,
        })
    }

    /// Until it is to stop; the number of the process that took over, if one did.
    async fn wait(mut self, program: &Program, sockets: &[OwnedFd]) -> Option<u32> {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return None,
                _ = self.interrupt.recv() => return None,
                _ = self.next.recv() => {}
            }
            tokio::select! {
                next = program.next(sockets) => match next {
                    Ok(next) => return Some(next),
                    Err(error) => {
                        let error = sark_core::chain(&error);
                        tracing::error!(error, "nobody took over: this program goes on");
                    }
                },
                _ = self.terminate.recv() => return None,
                _ = self.interrupt.recv() => return None,
            }
        }
    }
}

fn build(
    config: &Config,
    own: Vec<SocketAddr>,
    (trail, tracer, metrics): (Trail, Tracer, Metrics),
    decider: Arc<Decider>,
    issuer: &Issuer,
) -> Result<Arc<Proxy>, RunError> {
    let (leaves, _) = issuer.load()?;
    let clock = &issuer.clock;
    let reach = Reach {
        also: config.explicit.iter().flat_map(|it| it.also.iter().copied()).collect(),
        own,
        mark: config.upstream.mark,
        within: config.upstream.connect.unsigned_abs(),
        tell: config.upstream.proxy_protocol.clone(),
        who: config.limits.one_client(),
    };
    let idle = config.upstream.idle.unsigned_abs();
    let keep = Keep { each: config.upstream.each, all: config.limits.idle_servers, idle };
    let trust = Trust::new(&config.upstream.roots, config.upstream.handshake.unsigned_abs())?;
    let known = Known { registry: Arc::new(Snapshot::build(seed())), prices: None };
    let actor = format!("proxy:{}", config.name);
    let judge = Judge::new(decider, known, trail, Arc::clone(clock), config.fail.no_set, actor);
    Ok(Arc::new(Proxy {
        courses: config.courses.clone(),
        sources: config.sources.clone(),
        judge: Arc::new(judge),
        upstreams: Upstreams::new(Dialer::new(reach), trust, keep),
        termination: Termination::new(leaves, Arc::clone(clock))?,
        pins: Pins::new(config.pins()),
        limits: config.limits(),
        fail: FailPolicy { unreadable: config.fail.unreadable },
        answers: config.answers,
        redact: Arc::new(Nobody),
        watcher: Watcher::new(config.limits().idle),
        overload: Arc::new(Overload::new(config.budget(), config.limits.one_client())),
        clients: Arc::new(config.clients()),
        refusals: Refusals::new(config.limits.one_client()),
        tracer,
        metrics,
        stop: CancellationToken::new(),
        cut: CancellationToken::new(),
        tasks: TaskTracker::new(),
    }))
}

async fn sweep(proxy: Arc<Proxy>) {
    let mut timer = tokio::time::interval(SWEEP);
    loop {
        timer.tick().await;
        proxy.upstreams.sweep();
        proxy.tell_refusals(Some(Instant::now()));
    }
}
