//! What `sarkd` gives, read and made usable.

use std::sync::Arc;

use sark_api::ProxySnapshot;
use sark_core::document::Diagnostic;
use sark_core::storage::Stage;
use sark_decider::{Decider, Pool};
use sark_policy::decision::{DecisionSet, Limits, SetFile, WorkerError};
use sark_registry::{Endpoint, Snapshot};

use crate::judge::Known;

/// Why a snapshot is not used; the one in use stays.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It cannot be read.
    #[error("the snapshot cannot be read")]
    Json(#[from] serde_json::Error),
    /// A decision set in it.
    #[error("its decision set cannot be used: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Set(Vec<Diagnostic>),
    /// It is not the one that its version says.
    #[error("a decision set in it is {found}, and not {expected}")]
    Other {
        /// By its version.
        expected: String,
        /// By its content.
        found: String,
    },
    /// An endpoint in it.
    #[error("an endpoint in it cannot be read")]
    Endpoint(#[from] sark_api::ViewError),
    /// A worker cannot be made.
    #[error("its decision set cannot be put to use")]
    Worker(#[from] WorkerError),
    /// A defect.
    #[error("it was not read to its end")]
    Thread(#[from] tokio::task::JoinError),
    /// Prices.
    #[error("its prices cannot be read")]
    Prices(#[from] sark_prices::ParseError),
}

/// Ready to be used.
pub(super) struct Usable {
    pub(super) version: String,
    pub(super) known: Known,
    pub(super) active: Option<Arc<Pool>>,
    pub(super) candidate: Option<(Arc<Pool>, Stage)>,
}

/// Reads, checks and compiles. It takes as long as a set is large: not for a thread of connections.
pub(super) fn usable(text: &[u8], decider: &Decider) -> Result<Usable, SnapshotError> {
    let ProxySnapshot { version, endpoints, active, candidate, prices, .. } =
        serde_json::from_slice(text)?;
    let set = |set: sark_api::ProxySet| {
        let files: Vec<SetFile> = set
            .files
            .into_iter()
            .map(|file| SetFile { path: file.name, octets: file.text.into_bytes() })
            .collect();
        let made =
            DecisionSet::load(&files, None, &Limits::default()).map_err(SnapshotError::Set)?;
        let (expected, found) = (set.version, made.version().to_string());
        if expected != found {
            return Err(SnapshotError::Other { expected, found });
        }
        Ok::<_, SnapshotError>(decider.pool(Arc::new(made))?)
    };
    let active = active.map(set).transpose()?;
    let candidate = match candidate {
        None => None,
        Some(candidate) => {
            let stage = candidate.stage;
            Some((set(candidate.set)?, stage))
        }
    };
    let prices =
        prices.map(|text| sark_prices::parse(text.as_bytes(), &sark_prices::Limits::default()));
    let prices = prices.transpose()?.map(Arc::new);
    let endpoints = endpoints.into_iter().map(Endpoint::try_from).collect::<Result<Vec<_>, _>>()?;
    let registry = Arc::new(Snapshot::build(endpoints));
    Ok(Usable { version, known: Known { registry, prices }, active, candidate })
}
