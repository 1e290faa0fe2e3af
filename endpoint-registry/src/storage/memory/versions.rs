use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;

use super::{MemoryRegistry, State};
use crate::storage::version::hex_of;
use crate::storage::{Committed, Counts, Origin, Pin, Pruned, Version, VersionStore};
use crate::{Endpoint, Manifest, Snapshot};

impl State {
    fn manifest(&self, number: u64) -> Option<Manifest> {
        let (_, hashes) = self.versions.iter().find(|(version, _)| version.number == number)?;
        let line = |hash: &ContentHash| Some((self.objects.get(hash)?.id.clone(), hash.clone()));
        Some(Manifest::from_lines(hashes.iter().filter_map(line).collect()))
    }
}

#[async_trait]
impl VersionStore for MemoryRegistry {
    async fn commit_version(
        &self,
        snapshot: &Snapshot,
        origin: &Origin,
        record: Option<&AuditRecord>,
    ) -> Result<Committed, StorageError> {
        let mut state = self.open("store a registry version")?;
        if let Some((newest, _)) = state.versions.last()
            && newest.hash == *snapshot.version()
        {
            return Ok(Committed { version: newest.clone(), stored: false });
        }
        self.note(record)?;
        let manifest = snapshot.manifest();
        let before = state.manifest(state.last).unwrap_or_default();
        let counts = Counts::of(snapshot.endpoints(), &before.difference(&manifest));
        let hashes: Vec<_> = manifest.lines().iter().map(|(_, hash)| hash.clone()).collect();
        for (hash, endpoint) in hashes.iter().zip(snapshot.endpoints()) {
            state.objects.entry(hash.clone()).or_insert_with(|| endpoint.clone());
        }
        state.last += 1;
        let hash = snapshot.version().clone();
        let version = Version { number: state.last, hash, origin: origin.clone(), counts };
        state.versions.push((version.clone(), hashes));
        Ok(Committed { version, stored: true })
    }

    async fn version(&self, number: u64) -> Result<Option<Version>, StorageError> {
        let state = self.open("read a registry version")?;
        let found = state.versions.iter().find(|(version, _)| version.number == number);
        Ok(found.map(|(version, _)| version.clone()))
    }

    async fn by_hash(&self, prefix: &str) -> Result<Vec<Version>, StorageError> {
        let state = self.open("read a registry version")?;
        let Some(hex) = hex_of(prefix) else { return Ok(Vec::new()) };
        let start = format!("sha256:{hex}");
        let newest = state.versions.iter().rev().map(|(version, _)| version);
        Ok(newest.filter(|v| v.hash.as_str().starts_with(&start)).take(100).cloned().collect())
    }

    async fn newest_version(&self) -> Result<Option<Version>, StorageError> {
        let state = self.open("read the newest registry version")?;
        Ok(state.versions.last().map(|(version, _)| version.clone()))
    }

    async fn versions(
        &self,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<Version>, StorageError> {
        let state = self.open("list registry versions")?;
        let newest = state.versions.iter().rev().map(|(version, _)| version);
        let older = newest.filter(|version| before.is_none_or(|before| version.number < before));
        Ok(older.take(limit as usize).cloned().collect())
    }

    async fn manifest(&self, number: u64) -> Result<Option<Manifest>, StorageError> {
        Ok(self.open("read a registry version")?.manifest(number))
    }

    async fn endpoint(&self, hash: &ContentHash) -> Result<Option<Endpoint>, StorageError> {
        Ok(self.open("read an endpoint")?.objects.get(hash).cloned())
    }

    async fn load_version(&self, number: u64) -> Result<Option<Vec<Endpoint>>, StorageError> {
        let state = self.open("read a registry version")?;
        let found = state.versions.iter().find(|(version, _)| version.number == number);
        Ok(found.map(|(_, hashes)| {
            hashes.iter().filter_map(|hash| state.objects.get(hash).cloned()).collect()
        }))
    }

    async fn pin(
        &self,
        number: Option<u64>,
        at: Timestamp,
        actor: &str,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let mut state = self.open("pin a registry version")?;
        let known = |n: u64| state.versions.iter().any(|(version, _)| version.number == n);
        if number.is_some_and(|n| !known(n)) {
            return Ok(false);
        }
        self.note(Some(record))?;
        state.pin = number.map(|version| Pin { version, at, actor: actor.to_owned() });
        Ok(true)
    }

    async fn pinned(&self) -> Result<Option<Pin>, StorageError> {
        Ok(self.open("read the pinned registry version")?.pin.clone())
    }

    async fn prune(&self, keep: u32) -> Result<Pruned, StorageError> {
        let mut state = self.open("remove old registry versions")?;
        let pinned = state.pin.as_ref().map(|pin| pin.version);
        let (versions, objects) = (state.versions.len(), state.objects.len());
        let first = versions.saturating_sub(keep.max(1) as usize);
        let mut place = 0;
        state.versions.retain(|(version, _)| {
            place += 1;
            place > first
                || pinned == Some(version.number)
                || self.base.names_registry(version.hash.as_str())
        });
        let held: BTreeSet<_> =
            state.versions.iter().flat_map(|(_, hashes)| hashes.iter().cloned()).collect();
        state.objects.retain(|hash, _| held.contains(hash));
        Ok(Pruned {
            versions: (versions - state.versions.len()) as u64,
            objects: (objects - state.objects.len()) as u64,
        })
    }
}
