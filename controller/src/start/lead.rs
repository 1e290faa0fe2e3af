//! Who keeps the lease, if there is one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sark_api::config::Config;
use sark_core::SystemClock;
use sark_store::Store;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::store::{self, StoreWiringError};
use crate::leadership::{Leadership, LeaseKeeper, Standing};
use crate::shutdown::{Signalled, Told};

/// Longer than a release takes.
const LAST: Duration = Duration::from_secs(5);

/// Ends with this value.
pub(super) struct LeaseTask {
    task: JoinSet<()>,
    stop: CancellationToken,
}

/// Begins to take the lease, over connections of its own: they are never busy. On SQLite the state
/// directory's lock says that there is no other.
pub(super) async fn begin(
    config: &Config,
    base: &Path,
) -> Result<(Leadership, LeaseTask), StoreWiringError> {
    let (mut task, stop) = (JoinSet::new(), CancellationToken::new());
    let Some(postgres) = &config.store.postgres else {
        return Ok((Leadership::alone(), LeaseTask { task, stop }));
    };
    let store = store::open(config, base).await?.store;
    let name = postgres.name.clone().unwrap_or_else(host_name);
    let length = Duration::try_from(postgres.lease).unwrap_or(Duration::from_secs(15));
    let (keeper, leadership) =
        LeaseKeeper::new(Arc::new(store), Arc::new(SystemClock), &name, length);
    let span = tracing::info_span!("task", name = "lease");
    task.spawn(keeper.run(stop.clone()).instrument(span));
    Ok((leadership, LeaseTask { task, stop }))
}

/// Waits until it is known who leads; none if told to stop before.
pub(super) async fn known(told: &mut Told, leadership: &mut Leadership) -> Option<Standing> {
    loop {
        tokio::select! {
            standing = leadership.known() => return Some(standing),
            signalled = told.next() => if signalled == Signalled::Stop { return None },
        }
    }
}

/// The store for what is written in this term alone.
pub(super) fn fenced(store: &Store, standing: &Standing) -> Store {
    match standing {
        Standing::Leading { until: None, .. } => store.clone(),
        Standing::Leading { fence, .. } => store.fenced(*fence),
        Standing::Following { .. } | Standing::Unknown => store.fenced(0),
    }
}

impl LeaseTask {
    /// Gives it up.
    pub(super) async fn end(mut self) {
        self.stop.cancel();
        let ended = async { while self.task.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST, ended).await.is_err() {
            tracing::warn!("the lease was not given up: another sarkd waits for its end");
        }
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Some(name.trim()).filter(|name| !name.is_empty()).unwrap_or("sarkd").to_owned()
}
