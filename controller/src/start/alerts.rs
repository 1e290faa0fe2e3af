//! Whom alerts are told, and what watches for those of `sarkd` itself.

use std::path::Path;
use std::sync::Arc;

use sark_api::config::Config;
use sark_core::{Clock as _, SystemClock};
use sark_program::secret;
use sark_store::Store;

use super::Assembled;
use crate::alerts::conditions::Watch;
use crate::alerts::{AlertParts, Alerts};
use crate::api::Api;

/// Of the configuration, whose relative paths are seen from `base`.
pub(super) fn wire(
    config: &Config,
    base: &Path,
    controller: &Assembled,
    store: &Store,
) -> Arc<Alerts> {
    let mut config = config.alerts.clone();
    for sink in &mut config.sinks {
        sink.ca_file = sink.ca_file.as_ref().map(|path| base.join(path));
    }
    Arc::new(Alerts::new(AlertParts {
        config,
        host: host(),
        secrets: Arc::new(|reference| secret::read(reference).map_err(|error| error.to_string())),
        store: Arc::new(store.clone()),
        trail: Arc::new(store.clone()),
        clock: Arc::new(SystemClock),
        metrics: Arc::clone(&controller.api.metrics),
        seed: u64::from(SystemClock.now().subsec_nanosecond().unsigned_abs()),
    }))
}

/// Not running yet.
pub(super) fn watch(api: &Api, store: &Store) -> Watch {
    Watch {
        observatory: Arc::clone(&api.observatory),
        feeds: Arc::clone(&api.feeds),
        decisions: Arc::clone(&api.decisions),
        names: api.names.clone(),
        pools: Arc::clone(&api.pools),
        dispatcher: api.alerts.clone(),
        alerts: Arc::new(store.clone()),
        trail: Arc::new(store.clone()),
        clock: Arc::new(SystemClock),
        metrics: Arc::clone(&api.metrics),
    }
}

/// This machine's name.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "sarkd".to_owned() } else { name.to_owned() }
}
