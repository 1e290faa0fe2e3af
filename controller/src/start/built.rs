//! All parts, made for one term.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sark_api::config::Config;
use sark_core::{Clock as _, SystemClock};
use sark_feeds::Fetcher;
use sark_program::{StateLock, secret};
use sark_registry::feed::{self, Feed};
use sark_registry::resolve::{Resolve, Settings};
use sark_store::Store;

use super::{
    Assembled, PATIENCE, Parts, StartError, alerts, assemble, audit, decisions, lead, speaker,
    store,
};
use crate::feeds::copies;
use crate::names::Names;
use crate::overlays::{build, files, read};
use crate::registrar::{Beginning, RegistrarError};
use crate::sensors::Kinds;
use crate::{Keeper, Leadership, OverlayError, RegistryHolder, Standing, Unkept, chain};

/// How long the trail may take to say how proxies were.
const PAST_WITHIN: Duration = Duration::from_secs(5);

/// All parts, made and not yet moving.
pub(super) struct Built {
    pub(super) controller: Assembled,
    pub(super) config: Arc<Config>,
    pub(super) base: PathBuf,
    pub(super) store: Store,
    pub(super) audit: audit::Wired,
    pub(super) lock: StateLock,
    /// Of a leader.
    pub(super) leads: bool,
    /// Of a follower, from when it led.
    pub(super) former: Option<Box<dyn Keeper>>,
    pub(super) leadership: Leadership,
}

impl Built {
    pub(super) async fn new(
        config: Config,
        base: &Path,
        leadership: &Leadership,
        standing: &Standing,
    ) -> Result<Self, StartError> {
        let lock = StateLock::take(&config.state.directory, "sarkd")?;
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
            sets: decisions::wire(&config.decisions, base, &store)?,
        });
        if leads {
            let names = names(base, &config, &controller, &fenced).await?;
            controller.registrar.begin(names.as_deref()).await?;
            let pools = Arc::clone(&controller.api.pools);
            let past = pools.past(&fenced, SystemClock.now());
            let why = match tokio::time::timeout(PAST_WITHIN, past).await {
                Ok(Ok(past)) => {
                    pools.resume(&past);
                    None
                }
                Ok(Err(error)) => Some(chain(&error)),
                Err(late) => Some(late.to_string()),
            };
            if let Some(error) = why {
                tracing::warn!(error, "how proxies were is not known: they are taken for up");
            }
            controller.api.names = names;
            controller.api.feeds.begin().await;
        } else {
            controller.registrar.follow().await?;
        }
        controller.api.decisions.begin(leads).await;
        // A delivery is made by the leader alone: two would tell everything twice.
        controller.api.alerts = Some(alerts::wire(&config, base, &controller, &fenced));
        let (metrics, health) = (&controller.api.metrics, &controller.api.observatory.trail);
        let mut audit = audit::wire(&config, base, &store, metrics, health).await?;
        controller.api.trail = Some(audit.trail.clone());
        controller.api.trail_key = Some(audit.key.clone());
        controller.api.keep = Arc::new(std::mem::take(&mut audit.keep));
        let (base, leadership) = (base.to_owned(), leadership.clone());
        Ok(Self { controller, config, base, store, audit, lock, leads, former, leadership })
    }
}

pub(super) fn kinds(base: &Path, config: &Config) -> Result<Kinds, StartError> {
    let own = config.sensors.kinds.as_ref().map(|path| base.join(path));
    Ok(Kinds::load(own.as_deref())?)
}

/// Those that ship, with the operator's own and the one that brings prices.
pub(super) fn feeds(base: &Path, config: &Config) -> Result<Vec<Arc<Feed>>, OverlayError> {
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

pub(super) fn resolvers(base: &Path, config: &Config) -> Result<Vec<Arc<dyn Resolve>>, StartError> {
    let one = |settings: &Settings| {
        let ca_file = settings.ca_file.as_ref().map(|path| base.join(path));
        sark_resolver::resolver(&Settings { ca_file, ..settings.clone() })
    };
    let resolvers = config.registry.resolve.resolvers.iter().map(one);
    Ok(resolvers.collect::<Result<_, _>>()?)
}
