//! A chain and its key, in two files.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sark_core::secret::Secret;

use super::StateError;
use crate::authority::Authority;
use crate::certificate::CaCertificate;
use crate::files;
use crate::import::{ImportError, read_chain};
use crate::key::{CaKey, KeyError};

/// Where they are. The key moves first, and is written first: a chain without its key is harmless.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    chain: PathBuf,
    key: PathBuf,
}

impl Pair {
    pub(super) fn at(directory: &Path, name: &str) -> Self {
        let [chain, key] = ["pem", "key"].map(|end| directory.join(format!("{name}.{end}")));
        Self { chain, key }
    }

    pub(super) fn with_chain_of(&self, other: &Self) -> Self {
        Self { chain: other.chain.clone(), key: self.key.clone() }
    }

    pub(super) fn chain_path(&self) -> PathBuf {
        self.chain.clone()
    }

    pub(super) fn key_path(&self) -> PathBuf {
        self.key.clone()
    }

    /// Both.
    pub(super) fn exists(&self) -> bool {
        self.chain.exists() && self.key.exists()
    }

    pub(super) fn chain(&self) -> Result<Vec<CaCertificate>, StateError> {
        read_chain(&self.read_chain()?).map_err(|source| self.unusable(source))
    }

    pub(super) fn load(&self, now: Timestamp) -> Result<Authority, StateError> {
        let (chain, key) = (self.read_chain()?, self.read_key()?);
        Authority::import(&chain, &key, now).map_err(|source| self.unusable(source))
    }

    /// Whether the key is the chain's; not if the chain cannot be read.
    pub(super) fn belongs(&self) -> Result<bool, StateError> {
        let key = CaKey::from_pem(&self.read_key()?);
        let key = key.map_err(|error| self.unusable(ImportError::Key(error)))?;
        let is_of = |chain: Vec<CaCertificate>| {
            chain.first().is_some_and(|issuing| issuing.public_key == key.public())
        };
        Ok(self.chain().is_ok_and(is_of))
    }

    pub(super) fn write(&self, authority: &Authority) -> Result<(), StateError> {
        files::write(&self.key, 0o600, authority.key_pem().reveal().as_bytes())?;
        Ok(files::write(&self.chain, 0o644, authority.chain_pem().as_bytes())?)
    }

    /// The chain first: where it is, the key has been or will be.
    pub(super) fn copy_to(&self, other: &Self) -> Result<(), StateError> {
        files::write(&other.chain, 0o644, &self.read_chain()?)?;
        Ok(files::write(&other.key, 0o600, self.read_key()?.reveal().as_bytes())?)
    }

    /// What there is of it, the key first.
    pub(super) fn move_to(&self, other: &Self) -> Result<(), StateError> {
        if self.key.exists() {
            files::rename(&self.key, &other.key)?;
        }
        if self.chain.exists() {
            files::rename(&self.chain, &other.chain)?;
        }
        Ok(())
    }

    pub(super) fn remove(&self) -> Result<(), StateError> {
        files::remove(&self.key)?;
        Ok(files::remove(&self.chain)?)
    }

    pub(super) fn remove_halves(&self) -> Result<(), StateError> {
        files::remove(&files::half(&self.key))?;
        Ok(files::remove(&files::half(&self.chain))?)
    }

    fn read_chain(&self) -> Result<Vec<u8>, StateError> {
        files::read(&self.chain)?.ok_or_else(|| StateError::Missing(self.chain_path()))
    }

    fn read_key(&self) -> Result<Secret, StateError> {
        let key = files::read_private(&self.key)?;
        let key = key.ok_or_else(|| StateError::Missing(self.key_path()))?;
        let text = String::from_utf8(key);
        let text = text.map_err(|_| self.unusable(ImportError::Key(KeyError::Damaged)))?;
        Ok(Secret::new(text))
    }

    fn unusable(&self, source: ImportError) -> StateError {
        StateError::Import { path: self.chain_path(), source }
    }
}
