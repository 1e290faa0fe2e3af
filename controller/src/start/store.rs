//! The database that the configuration names.

use std::path::Path;

use sark_api::config::{Config, PostgresConfig, PostgresTls};
use sark_program::secret;
use sark_store::{OpenError, PostgresAccess, PostgresSettings, Store, Tls, UrlError};

use crate::StorePlace;

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum StoreWiringError {
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A secret of the configuration.
    #[error("cannot read store.postgres.{key} from {reference}")]
    Secret {
        /// Which.
        key: &'static str,
        /// Where it should be.
        reference: String,
        /// Cause.
        source: secret::SecretError,
    },
    /// What it says is no address of a database.
    #[error("store.postgres.url cannot be used")]
    Url(#[from] UrlError),
}

pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) place: StorePlace,
}

/// Opens it; relative paths of the configuration are seen from `base`.
pub(super) async fn open(config: &Config, base: &Path) -> Result<Opened, StoreWiringError> {
    let Some(postgres) = &config.store.postgres else {
        let file = config.store.sqlite_file(&config.state.directory);
        let place = StorePlace { engine: "sqlite", place: file.display().to_string() };
        return Ok(Opened { store: Store::open(&file).await?, place });
    };
    let settings = settings(postgres, base)?;
    let place = StorePlace { engine: "postgres", place: settings.place() };
    Ok(Opened { store: Store::connect(&settings).await?, place })
}

fn settings(config: &PostgresConfig, base: &Path) -> Result<PostgresSettings, StoreWiringError> {
    let tls = match (config.tls, &config.ca_file) {
        (PostgresTls::Off, _) => Tls::Off,
        (PostgresTls::Verify, None) => Tls::System,
        (PostgresTls::Verify, Some(file)) => Tls::Authority(base.join(file)),
    };
    let read = |key, reference| {
        secret::read(reference).map_err(|source| {
            let reference = reference.to_string();
            StoreWiringError::Secret { key, reference, source }
        })
    };
    if let Some(url) = &config.url {
        return Ok(PostgresSettings::of_url(&read("url", url)?, &tls)?);
    }
    let password = config.password.as_ref().map(|reference| read("password", reference));
    let access = PostgresAccess {
        // The check wants one of the two.
        host: config.host.clone().unwrap_or_default(),
        port: config.port,
        database: config.database.clone(),
        user: config.user.clone(),
        password: password.transpose()?,
    };
    Ok(PostgresSettings::new(&access, &tls))
}
