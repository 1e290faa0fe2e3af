//! Where decision sets are kept and from, as the configuration says.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sark_api::config::{BundleKeyConfig, DecisionsConfig, SourceConfig};
use sark_core::secret::{Secret, SecretRef};
use sark_policy::decision::{BundleKey, KeyError};
use sark_program::secret::{self, SecretError};
use sark_store::Store;

use crate::chain;
use crate::decisions::{DecisionsError, Keys, Sets, Source, SourceSettings, TakeError};

/// Why there are no decision sets.
#[derive(Debug, thiserror::Error)]
pub enum DecisionsWiringError {
    /// A secret.
    #[error("{key} cannot be read")]
    Secret {
        /// Where it is configured.
        key: &'static str,
        /// Cause.
        source: SecretError,
    },
    /// A key of bundles.
    #[error("decisions.keys: {0}")]
    Key(#[from] KeyError),
    /// The file that stands in for a missing one.
    #[error("cannot read decisions.settings")]
    Settings(#[source] std::io::Error),
    /// The address.
    #[error("decisions.source cannot be asked")]
    Source(#[from] sark_outbound::SettingsError),
    /// The set.
    #[error("decisions.source: {}", whole(.0))]
    Set(#[from] DecisionsError),
}

/// With every mistake.
fn whole(error: &DecisionsError) -> String {
    match error {
        DecisionsError::Take(TakeError::Mistakes(mistakes)) => {
            mistakes.iter().map(|mistake| format!("\n{mistake}")).collect()
        }
        error => chain(error),
    }
}

/// Of the configuration, whose relative paths are seen from `base`. Asks nobody yet.
pub(super) fn wire(
    config: &DecisionsConfig,
    base: &Path,
    store: &Store,
) -> Result<Sets, DecisionsWiringError> {
    let (keys, source) = read(config, base)?;
    let (keys, source) = (Arc::new(keys), source.map(Arc::new));
    Ok(Sets { store: Arc::new(store.clone()), keys, source })
}

/// Whether the configuration can be used, and the set on the disk that it names.
pub(super) fn check(config: &DecisionsConfig, base: &Path) -> Result<(), DecisionsWiringError> {
    let (keys, source) = read(config, base)?;
    if let Some(source) = source
        && let Some(material) = source.on_disk()?
    {
        keys.take(material, &source.name()).map_err(DecisionsError::from)?;
    }
    Ok(())
}

fn read(
    config: &DecisionsConfig,
    base: &Path,
) -> Result<(Keys, Option<Source>), DecisionsWiringError> {
    let keys = config.keys.iter().map(key).collect::<Result<_, _>>()?;
    let settings = config.settings.as_ref().map(|path| std::fs::read_to_string(base.join(path)));
    let settings = settings.transpose().map_err(DecisionsWiringError::Settings)?;
    let source = config.source.as_ref().map(|of| source(of, base)).transpose()?;
    Ok((Keys { keys, settings }, source))
}

fn key(config: &BundleKeyConfig) -> Result<BundleKey, DecisionsWiringError> {
    let BundleKeyConfig { key, id, scope } = config;
    let text = read_secret("decisions.keys", key, secret::whole)?;
    let mut key = BundleKey::parse(Secret::new(text.reveal().trim().to_owned()))?;
    if let Some(id) = id {
        key = key.with_id(id);
    }
    Ok(match scope {
        Some(scope) => key.with_scope(scope),
        None => key,
    })
}

fn source(config: &SourceConfig, base: &Path) -> Result<Source, DecisionsWiringError> {
    let SourceConfig { directory, bundle, url, interval, token, ca_file, private } = config;
    if let Some(path) = directory {
        return Ok(Source::Directory(base.join(path)));
    }
    if let Some(path) = bundle {
        return Ok(Source::File(base.join(path)));
    }
    let token = token.as_ref();
    let token = token.map(|token| read_secret("decisions.source.token", token, secret::read));
    Ok(Source::url(SourceSettings {
        url: url.clone().unwrap_or_default(),
        interval: Duration::try_from(*interval).unwrap_or(Duration::from_secs(60)),
        token: token.transpose()?,
        ca_file: ca_file.as_ref().map(|path| base.join(path)),
        private: *private,
    })?)
}

fn read_secret(
    key: &'static str,
    reference: &SecretRef,
    read: impl FnOnce(&SecretRef) -> Result<Secret, SecretError>,
) -> Result<Secret, DecisionsWiringError> {
    read(reference).map_err(|source| DecisionsWiringError::Secret { key, source })
}
