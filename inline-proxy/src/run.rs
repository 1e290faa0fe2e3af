//! The wiring: build, bind, spawn, and the end. The only place that names what is outside.
//!
//! Tasks: the listeners, `follower`, the trail's drain (its writer has a thread), `metrics` and `sweep`.
//! One signal stops what is new, one deadline ends what is under way.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sark_api::routes;
use sark_ca::{CaDirectory, LeafConfig, Leaves};
use sark_core::{Clock, SystemClock};
use sark_decider::{Decider, Settings};
use sark_registry::{Snapshot, seed};
use sark_trail::{Drain, Trail, TrailMetrics, TrailSettings, WhenFull, Writer, trail};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clients::Clients;
use crate::config::Config;
use crate::dial::{Dialer, Reach};
use crate::entrance::transparent::{listen, meant};
use crate::flow::{Entrance, Flow, Target};
use crate::judge::{Judge, Known};
use crate::metrics::{self, Metrics};
use crate::overload::Overload;
use crate::pins::Pins;
use crate::proxy::{FailPolicy, Proxy};
use crate::sarkd::{Deposit, Follower, Parts};
use crate::terminate::Termination;
use crate::upstream::{Keep, Trust, Upstreams};

/// Records that wait to be spooled.
const QUEUE: usize = 16_384;
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

/// A listener, and what is behind it.
struct Door {
    listener: TcpListener,
    address: SocketAddr,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Transparent(crate::entrance::transparent::Steering),
    Explicit,
    Reverse(String, u16),
}

/// Runs until told to stop.
pub async fn run(config: Config) -> Result<(), RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
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
    let deposit = Deposit::new(caller.clone(), state.join("position"));
    let (trail, writer, drain) = begin_trail(&config, deposit, &clock, &counted).await?;
    let decider = Arc::new(Decider::new(Settings::default()));
    let doors = doors(&config)?;
    let proxy = build(&config, &doors, trail.clone(), Arc::clone(&decider), &clock, &counted)?;
    let metrics = match config.metrics.listen {
        Some(address) => {
            let listener = TcpListener::bind(address).await;
            Some(listener.map_err(|source| RunError::Listen { address, source })?)
        }
        None => None,
    };

    let parts = Parts { decider, proxy: Arc::clone(&proxy) };
    let mut follower = Follower::new(caller, state.join("snapshot.json"));
    follower.begin(&parts).await;

    let (stop, last) = (proxy.stop.clone(), CancellationToken::new());
    let writing = tokio::task::spawn_blocking(move || writer.run());
    let draining = tokio::spawn(drain.run(last.clone()));
    // Dropping it ends them.
    let mut tasks = JoinSet::new();
    tasks.spawn(follower.run(parts, stop.clone()));
    tasks.spawn(sweep(Arc::clone(&proxy)));
    if let Some(listener) = metrics {
        tasks.spawn(metrics::serve(listener, Arc::clone(&proxy)));
    }
    for door in doors {
        tracing::info!(address = %door.address, "listens");
        tasks.spawn(accept(door, Arc::clone(&proxy)));
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "sark-proxy is ready");

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("stops: what is under way ends first");
    stop.cancel();
    drop(tasks);
    proxy.tasks.close();
    if tokio::time::timeout(config.drain(), proxy.tasks.wait()).await.is_err() {
        tracing::warn!("some connections took too long, and are cut");
        proxy.cut.cancel();
    }
    trail.close().await;
    let written = tokio::time::timeout(LAST_RECORDS, writing).await;
    if written.is_err() {
        tracing::error!("the last records are not on the disk");
    }
    // What sarkd does not take now, it takes after the next start.
    let _ = tokio::time::timeout(LAST_RECORDS, draining).await;
    last.cancel();
    tracing::info!("stopped");
    Ok(())
}

async fn begin_trail(
    config: &Config,
    deposit: Deposit,
    clock: &Arc<dyn Clock>,
    counted: &Arc<TrailMetrics>,
) -> Result<(Trail, Writer, Drain), RunError> {
    let settings = TrailSettings {
        directory: config.state.directory.join("spool"),
        queue: QUEUE,
        most_octets: config.state.most_octets,
        when_full: WhenFull::Block,
        program: "sark-proxy",
    };
    let (clock, counted) = (Arc::clone(clock), Arc::clone(counted));
    Ok(trail(&settings, Arc::new(deposit), clock, counted, Arc::default()).await?)
}

fn doors(config: &Config) -> Result<Vec<Door>, RunError> {
    let mut wanted = Vec::new();
    if let Some(it) = &config.transparent {
        let kind = Kind::Transparent(it.steering);
        wanted.push((SocketAddr::from((Ipv4Addr::UNSPECIFIED, it.port)), kind.clone()));
        // A machine without IPv6 has none to steer.
        if Path::new("/proc/net/if_inet6").exists() {
            wanted.push((SocketAddr::from((Ipv6Addr::UNSPECIFIED, it.port)), kind));
        }
    }
    wanted.extend(config.explicit.iter().map(|it| (it.listen, Kind::Explicit)));
    let reverse = config.reverse.iter();
    wanted.extend(reverse.map(|it| (it.listen, Kind::Reverse(it.to.clone(), it.port))));
    let door = |(address, kind): (SocketAddr, Kind)| {
        let steering = match kind {
            Kind::Transparent(steering) => Some(steering),
            _ => None,
        };
        let failed = |source| RunError::Listen { address, source };
        let listener = listen(address, steering).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Door { listener, address, kind })
    };
    wanted.into_iter().map(door).collect()
}

fn build(
    config: &Config,
    doors: &[Door],
    trail: Trail,
    decider: Arc<Decider>,
    clock: &Arc<dyn Clock>,
    counted: &TrailMetrics,
) -> Result<Arc<Proxy>, RunError> {
    let now: Timestamp = clock.now();
    let ca = config.state.directory.join("ca");
    let directory = CaDirectory::at(ca.clone());
    let (authority, _) = directory.load(now).map_err(|source| RunError::Ca { path: ca, source })?;
    let leaves = Arc::new(Leaves::new(Arc::new(authority), LeafConfig::default(), now)?);
    let reach = Reach {
        also: config.explicit.iter().flat_map(|it| it.also.iter().copied()).collect(),
        own: doors.iter().map(|door| door.address).collect(),
        mark: config.upstream.mark,
        within: config.upstream.connect.unsigned_abs(),
    };
    let keep = Keep { each: config.upstream.each, idle: config.upstream.idle.unsigned_abs() };
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
        overload: Overload::new(config.limits.requests),
        clients: Arc::new(Clients::new(config.limits.connections, config.limits.each_client)),
        metrics: Metrics::new(counted),
        stop: CancellationToken::new(),
        cut: CancellationToken::new(),
        tasks: TaskTracker::new(),
    }))
}

/// Takes connections until the proxy stops.
async fn accept(door: Door, proxy: Arc<Proxy>) {
    loop {
        let accepted = tokio::select! {
            accepted = door.listener.accept() => accepted,
            () = proxy.stop.cancelled() => return,
        };
        let (stream, client) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // No more files, most likely: others have to end first.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let flow = match &door.kind {
            Kind::Transparent(steering) => meant(&stream, *steering).map(|meant| {
                let (target, entrance) = (Target::Address(meant), Entrance::Transparent);
                Flow { client, local: door.address, target, entrance }
            }),
            Kind::Explicit => {
                let (target, entrance) = (Target::Address(door.address), Entrance::Explicit);
                Ok(Flow { client, local: door.address, target, entrance })
            }
            Kind::Reverse(name, port) => {
                let (target, entrance) = (Target::Name(name.clone(), *port), Entrance::Reverse);
                Ok(Flow { client, local: door.address, target, entrance })
            }
        };
        match flow {
            Ok(flow) => proxy.take(stream, flow),
            Err(error) => tracing::debug!(%client, %error, "a connection was not steered here"),
        }
    }
}

async fn sweep(proxy: Arc<Proxy>) {
    let mut timer = tokio::time::interval(SWEEP);
    loop {
        timer.tick().await;
        proxy.upstreams.sweep();
    }
}
