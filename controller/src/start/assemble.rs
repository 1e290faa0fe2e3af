//! Parts → a controller that does not move yet; the same for `sarkd` and for tests on fakes.

use std::sync::Arc;
use std::time::Duration;

use sark_api::ReconcileView;
use sark_api::config::Config;
use sark_core::Clock;
use sark_flowspec::Speaker;
use sark_registry::feed::Source;
use sark_registry::storage::RegistryStore;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::api::{Api, Strangers, Users};
use crate::approvals::Approvals;
use crate::decisions::{self, DecisionParts, Decisions, Sets};
use crate::feeds::{FeedParts, Feeds};
use crate::identities::Identities;
use crate::led::Led;
use crate::pools::{Pools, Recorder};
use crate::prices::Prices;
use crate::proxies::{Proxies, Snapshots};
use crate::registrar::Beginning;
use crate::sensors::{Kinds, SensorParts, Sensors};
use crate::{
    Changes, DesiredState, Keeper, Leadership, Metrics, Observatory, Reconciler, Registrar,
    RegistryHolder, Signals, SpeakerPlace, Storage, StorePlace, Watcher,
};

/// What the outside gives.
pub struct Parts {
    /// Checked.
    pub config: Arc<Config>,
    /// Revisions and audit.
    pub store: Arc<dyn Storage>,
    /// The registry until the first version is made.
    pub registry: Arc<RegistryHolder>,
    /// Versions and copies of the registry.
    pub registry_store: Arc<dyn RegistryStore>,
    /// What the registry begins with; its feeds are those that are asked.
    pub beginning: Beginning,
    /// Who fetches feeds.
    pub source: Arc<dyn Source>,
    /// The BGP speaker.
    pub speaker: Arc<dyn Speaker>,
    /// Who keeps it running.
    pub keeper: Box<dyn Keeper>,
    /// Where it is, for people.
    pub place: SpeakerPlace,
    /// Where the database is, for people.
    pub store_place: StorePlace,
    /// Whether this one moves the routers.
    pub leadership: Leadership,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long a change waits for the speaker.
    pub patience: Duration,
    /// What sensors may report.
    pub kinds: Kinds,
    /// Where decision sets are kept and from.
    pub sets: Sets,
}

/// A controller.
pub struct Assembled {
    /// To be run by one task.
    pub reconciler: Reconciler,
    /// To be run by another.
    pub watcher: Watcher,
    /// To be served.
    pub api: Api,
    /// Makes registry versions, once begun.
    pub registrar: Arc<Registrar>,
    /// Asks for rounds.
    pub signals: Arc<Signals>,
    /// The newest status of the reconciler.
    pub status: watch::Receiver<ReconcileView>,
    /// Longest time between two rounds.
    pub interval: Duration,
    /// To be run by another, while proxies are asked.
    pub recorder: Recorder,
}

/// Joins them. Starts nothing.
#[must_use]
pub fn assemble(parts: Parts) -> Assembled {
    let Parts { config, store, registry, registry_store, beginning, source, .. } = parts;
    let Parts { keeper, place, store_place, leadership, clock, patience, kinds, sets, .. } = parts;
    let speaker: Arc<dyn Speaker> = Arc::new(Led::new(parts.speaker, leadership.clone()));
    let (signals, metrics) = (Arc::new(Signals::default()), Arc::new(Metrics::default()));
    let feeds = beginning.feeds.clone();
    let registrar = Registrar::new(
        beginning,
        Arc::clone(&registry_store),
        Arc::clone(&registry),
        Arc::clone(&clock),
        Arc::clone(&signals),
        Arc::clone(&metrics),
    );
    let registrar = Arc::new(registrar);
    let environment = config.environment();
    let protected = environment.protected.iter().map(|p| (p.name.clone(), p.prefix)).collect();
    let prices = Arc::new(Prices::new(
        Arc::clone(&registry_store),
        Arc::clone(&clock),
        Arc::clone(&metrics),
        config.registry.prices.keep_versions,
    ));
    let feeds = Feeds::new(FeedParts {
        feeds,
        is_enabled: config.registry.feeds.enabled,
        source,
        store: registry_store,
        registrar: Arc::clone(&registrar),
        clock: Arc::clone(&clock),
        metrics: Arc::clone(&metrics),
        prices: Arc::clone(&prices),
        protected,
    });
    let (pools, turned) = Pools::new(
        config.pools.clone(),
        environment,
        Arc::clone(&clock),
        Arc::clone(&signals),
        Arc::clone(&metrics),
    );
    let pools = Arc::new(pools);
    let interval = Duration::try_from(config.reconcile.interval).unwrap_or(Duration::from_secs(30));
    let desired =
        Arc::new(DesiredState::new(Arc::clone(&store), Arc::clone(&registry), Arc::clone(&pools)));
    let recorder = Recorder {
        turned,
        desired: Arc::clone(&desired),
        trail: Arc::clone(&store),
        clock: Arc::clone(&clock),
        metrics: Arc::clone(&metrics),
    };
    let (reconciler, status) = Reconciler::new(
        Arc::clone(&desired),
        Arc::clone(&speaker),
        keeper,
        Arc::clone(&clock),
        Arc::clone(&signals),
        interval,
        Arc::clone(&metrics),
    );
    let watcher = Watcher::new(Arc::clone(&speaker), Arc::clone(&signals));
    let own = nix::unistd::geteuid().as_raw();
    let users = Users::of(&config.api, own);
    let certificates = config.api.certificates.as_slice().into();
    let by_anybody = Arc::clone(&sets.store);
    let decisions = Arc::new(Decisions::new(DecisionParts {
        sets,
        registry: Arc::clone(&registry),
        clock: Arc::clone(&clock),
        metrics: Arc::clone(&metrics),
        settings: decisions::settings(&config.decisions),
        stage: config.decisions.stage,
        percent: config.decisions.percent,
    }));
    let snapshots =
        Snapshots::new(Arc::clone(&registry), Arc::clone(&decisions), Arc::clone(&prices));
    let proxies = Proxies::new(snapshots, by_anybody, Arc::clone(&clock));
    let sensors = Sensors::new(SensorParts {
        kinds,
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        per_minute: config.sensors.per_minute,
        decisions: Arc::clone(&decisions),
    });
    let identities = Identities::new(Arc::clone(&store), Arc::clone(&clock));
    let approvals = Approvals::new(Arc::clone(&store), Arc::clone(&clock));
    let observatory = Observatory {
        store: Arc::clone(&store),
        registry: Arc::clone(&registry),
        desired: Arc::clone(&desired),
        speaker: Arc::clone(&speaker),
        reconcile: status.clone(),
        metrics: Arc::clone(&metrics),
        started_at: clock.now(),
        clock: Arc::clone(&clock),
        config,
        place,
        store_place,
        leadership: leadership.clone(),
        trail: Arc::default(),
        enforcers: Arc::default(),
    };
    let changes = Changes {
        store,
        desired,
        speaker,
        clock,
        signals: Arc::clone(&signals),
        status: status.clone(),
        metrics: Arc::clone(&metrics),
        patience,
        turn: tokio::sync::Mutex::new(()),
    };
    let api = Api {
        changes: Arc::new(changes),
        observatory: Arc::new(observatory),
        registrar: Arc::clone(&registrar),
        feeds: Arc::new(feeds),
        prices,
        names: None,
        leadership,
        decisions,
        proxies: Arc::new(proxies),
        pools,
        trail: None,
        trail_key: None,
        keep: Arc::default(),
        alerts: None,
        metrics,
        users: Arc::new(users),
        certificates,
        identities: Arc::new(identities),
        approvals: Arc::new(approvals),
        sensors: Arc::new(sensors),
        callers: Arc::default(),
        strangers: Arc::new(Strangers::default()),
        work: TaskTracker::new(),
    };
    Assembled { reconciler, watcher, api, registrar, status, signals, interval, recorder }
}
