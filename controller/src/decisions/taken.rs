//! Files or a bundle → a set that is checked, compiled, and can be stored.

use std::sync::Arc;

use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::document::Diagnostic;
use sark_core::storage::{PolicyFile, StoredSet};
use sark_policy::decision::{
    Bundle, BundleError, BundleKey, BundleLimits, DecisionSet, Limits, SETTINGS, SetFile,
};

/// How sets are read.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// With one, only bundles that it signed are taken.
    pub keys: Vec<BundleKey>,
    /// `set.yaml` for sets that have none.
    pub settings: Option<String>,
}

/// A set on its way into use.
#[derive(Debug)]
pub struct Taken {
    /// Checked and compiled.
    pub set: Arc<DecisionSet>,
    files: Vec<PolicyFile>,
    origin: String,
    revision: Option<String>,
    signed_by: Option<String>,
}

/// Why files are no set that is taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// Mistakes in them.
    #[error("the decision set is wrong")]
    Mistakes(Vec<Diagnostic>),
    /// No bundle, or not signed as it must be.
    #[error("the bundle is refused: {0}")]
    Bundle(#[from] BundleError),
    /// Not what was taken under this version.
    #[error("what is stored as the decision set {0} is another")]
    Changed(ContentHash),
    /// A key is configured.
    #[error("only signed bundles are taken: decisions.keys says so")]
    Unsigned,
}

/// What a set is read from.
#[derive(Debug, Clone)]
pub enum Material {
    /// Its files.
    Files(Vec<SetFile>),
    /// An OPA bundle.
    Bundle(Vec<u8>),
}

impl Keys {
    /// Whether only what is signed is taken.
    #[must_use]
    pub fn are_needed(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Reads, checks and compiles it, which takes as long as it is large.
    pub fn take(&self, material: Material, origin: &str) -> Result<Taken, TakeError> {
        let mut taken = match material {
            Material::Files(_) if !self.keys.is_empty() => return Err(TakeError::Unsigned),
            Material::Files(files) => load(self.settled(files))?,
            Material::Bundle(octets) => {
                let bundle = Bundle::open(&octets, &self.keys, &BundleLimits::default())?;
                let revision = Some(bundle.revision).filter(|revision| !revision.is_empty());
                let signed_by = bundle.signed_by;
                Taken { revision, signed_by, ..load(self.settled(bundle.files))? }
            }
        };
        origin.clone_into(&mut taken.origin);
        Ok(taken)
    }

    fn settled(&self, mut files: Vec<SetFile>) -> Vec<SetFile> {
        if let Some(settings) = &self.settings
            && files.iter().all(|file| file.path != SETTINGS)
        {
            let octets = settings.clone().into_bytes();
            files.push(SetFile { path: SETTINGS.to_owned(), octets });
        }
        files
    }
}

/// A set that was stored. It was checked when it was taken; a newer SARK may see it otherwise.
pub(super) fn again(stored: StoredSet) -> Result<Taken, TakeError> {
    let StoredSet { version, files, origin, revision, signed_by, .. } = stored;
    let file = |PolicyFile { name, text }| SetFile { path: name, octets: text.into_bytes() };
    let files = files.into_iter().map(file).collect();
    let taken = Taken { origin, revision, signed_by, ..load(files)? };
    if *taken.set.version() == version { Ok(taken) } else { Err(TakeError::Changed(version)) }
}

fn load(files: Vec<SetFile>) -> Result<Taken, TakeError> {
    let set = DecisionSet::load(&files, None, &Limits::default()).map_err(TakeError::Mistakes)?;
    // They are UTF-8, or the set would not have been loaded: what is not is none of its files.
    let file = |file: SetFile| {
        let text = String::from_utf8(file.octets).ok()?;
        Some(PolicyFile { name: file.path, text })
    };
    let files = files.into_iter().filter_map(file).collect();
    let (origin, revision, signed_by) = Default::default();
    Ok(Taken { set: Arc::new(set), files, origin, revision, signed_by })
}

impl Taken {
    pub(super) fn stored(&self, at: Timestamp, by: &str) -> StoredSet {
        StoredSet {
            version: self.set.version().clone(),
            name: self.set.settings().name.clone(),
            origin: self.origin.clone(),
            revision: self.revision.clone(),
            signed_by: self.signed_by.clone(),
            policies: u32::try_from(self.set.policies().len()).unwrap_or(u32::MAX),
            at,
            actor: by.to_owned(),
            files: self.files.clone(),
        }
    }
}
