//! What versions there are, how two differ, and when something came and went.

use std::collections::BTreeMap;

use sark_core::ContentHash;
use sark_core::storage::StorageError;
use sark_registry::difference::{EndpointChange, came_and_went, of_endpoint};
use sark_registry::storage::Version;
use sark_registry::{Endpoint, Manifest, Question};

use super::Registrar;

/// Versions that are looked at for one history.
const LOOKED_AT: u32 = 1000;

/// Why a version cannot be told of.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// No number and no hash begins so.
    #[error("there is no registry version {0:?}")]
    Unknown(String),
    /// Several hashes begin so.
    #[error("{text:?} is the beginning of several versions: {}", .numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// As given.
        text: String,
        /// Their numbers.
        numbers: Vec<u64>,
    },
    /// The store does not answer, or what it holds is broken.
    #[error("cannot use the store")]
    Store(#[from] StorageError),
}

/// A version that changed the answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The version.
    pub version: Version,
    /// Endpoint and what of it answers from then on.
    pub came: Vec<(String, String)>,
    /// Endpoint and what of it no longer answers.
    pub went: Vec<(String, String)>,
}

impl Registrar {
    /// Newest first.
    pub async fn versions(&self, limit: u32) -> Result<Vec<Version>, StorageError> {
        self.store.versions(limit, None).await
    }

    /// By number, by the beginning of its hash, or `live`: the one in use.
    pub async fn version(&self, text: &str) -> Result<Version, VersionError> {
        let unknown = || VersionError::Unknown(text.to_owned());
        if text == "live" {
            return self.in_use().await?.1.ok_or_else(unknown);
        }
        if let Ok(number) = text.parse::<u64>()
            && let Some(version) = self.store.version(number).await?
        {
            return Ok(version);
        }
        let hash = text.strip_prefix("sha256:").unwrap_or(text);
        if hash.len() < 4 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(unknown());
        }
        let found = self.store.by_hash(text).await?;
        let newest = found.first().ok_or_else(unknown)?;
        if found.iter().any(|version| version.hash != newest.hash) {
            let numbers = found.iter().map(|version| version.number).collect();
            return Err(VersionError::Ambiguous { text: text.to_owned(), numbers });
        }
        Ok(newest.clone())
    }

    /// Its endpoints, by id.
    pub async fn endpoints_of(&self, version: &Version) -> Result<Vec<Endpoint>, VersionError> {
        let found = self.store.load_version(version.number).await?;
        found.ok_or_else(|| VersionError::Unknown(version.number.to_string()))
    }

    /// How two versions differ. Reads only the endpoints that do.
    pub async fn difference(
        &self,
        from: &Version,
        to: &Version,
    ) -> Result<Vec<EndpointChange>, VersionError> {
        let (old, new) = (self.manifest(from).await?, self.manifest(to).await?);
        let mut changes = Vec::new();
        for id in differing(&old, &new) {
            let before = self.endpoint(old.get(id)).await?;
            let after = self.endpoint(new.get(id)).await?;
            changes.extend(of_endpoint(before.as_ref(), after.as_ref()));
        }
        Ok(changes)
    }

    /// Versions that changed the answer to a question, newest first; and whether older ones were
    /// not looked at.
    pub async fn history(&self, question: &Question) -> Result<(Vec<Step>, bool), VersionError> {
        let mut versions = self.store.versions(LOOKED_AT + 1, None).await?;
        let is_cut = versions.len() > LOOKED_AT as usize;
        versions.reverse();
        let mut before = Manifest::default();
        // An endpoint in one content is read once.
        let mut known: BTreeMap<ContentHash, Option<Endpoint>> = BTreeMap::new();
        let mut steps = Vec::new();
        for version in versions {
            let after = self.manifest(&version).await?;
            let (mut came, mut went) = (Vec::new(), Vec::new());
            for id in differing(&before, &after) {
                for hash in [before.get(id), after.get(id)].into_iter().flatten() {
                    if !known.contains_key(hash) {
                        known.insert(hash.clone(), self.endpoint(Some(hash)).await?);
                    }
                }
                let of = |manifest: &Manifest| known.get(manifest.get(id)?)?.as_ref();
                let (new, old) = came_and_went(question, of(&before), of(&after));
                came.extend(new.into_iter().map(|what| (id.to_owned(), what)));
                went.extend(old.into_iter().map(|what| (id.to_owned(), what)));
            }
            if !(came.is_empty() && went.is_empty()) {
                steps.push(Step { version, came, went });
            }
            before = after;
        }
        steps.reverse();
        Ok((steps, is_cut))
    }

    async fn manifest(&self, version: &Version) -> Result<Manifest, VersionError> {
        let found = self.store.manifest(version.number).await?;
        found.ok_or_else(|| VersionError::Unknown(version.number.to_string()))
    }

    async fn endpoint(&self, hash: Option<&ContentHash>) -> Result<Option<Endpoint>, StorageError> {
        match hash {
            Some(hash) => self.store.endpoint(hash).await,
            None => Ok(None),
        }
    }
}

fn differing<'a>(old: &'a Manifest, new: &'a Manifest) -> Vec<&'a str> {
    let difference = old.difference(new);
    let mut ids = [difference.added, difference.removed, difference.changed].concat();
    ids.sort_unstable();
    ids
}
