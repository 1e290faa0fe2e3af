//! OPA bundles: a tar.gz of policies and data → the files of a set.
//!
//! ```text
//!   octets ─ gzip, bounded ─▶ tar ─ paths checked ─▶ files ─ signature, roots ─▶ Bundle
//! ```
//!
//! OPA: <https://www.openpolicyagent.org/docs/management-bundles>. What OPA would pass over and what a
//! bundle has no use for (links, devices, odd paths, two files of one name) is refused.

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use super::files::SetFile;

mod canonical;
mod key;
mod manifest;
mod signatures;
mod tar;
#[cfg(test)]
mod tests;

pub use key::{BundleKey, KeyError, SignatureError};

/// An opened bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// What its maker calls this state of it; empty if nothing.
    pub revision: String,
    /// Paths in `data` that are its own; one empty path is all of it.
    pub roots: Vec<String>,
    /// Policies, data and settings, in order of their paths.
    pub files: Vec<SetFile>,
    /// Id or algorithm of the key that its signature was checked with; absent if it was not checked.
    pub signed_by: Option<String>,
}

/// How much is read of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BundleLimits {
    /// Octets as they come.
    pub packed: usize,
    /// Octets of the archive in it.
    pub unpacked: usize,
    /// Files and directories.
    pub entries: usize,
    /// Directories above a file.
    pub depth: usize,
}

impl Default for BundleLimits {
    fn default() -> Self {
        Self { packed: 16 << 20, unpacked: 32 << 20, entries: 4_000, depth: 16 }
    }
}

/// Octets of a path.
const LONGEST_PATH: usize = 512;

/// Why a bundle is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum BundleError {
    #[error("the bundle has {octets} octets, more than {limit}")]
    Packed { octets: usize, limit: usize },
    #[error("the bundle unpacks to more than {0} octets")]
    Unpacked(usize),
    #[error("the bundle has more than {0} files and directories")]
    TooMany(usize),
    #[error("the bundle is no gzip: {0}; OPA bundles are made by `opa build` or `tar czf`")]
    Gzip(String),
    #[error("the archive in the bundle cannot be read: {0}")]
    Archive(String),
    #[error("{path:?} is {kind}; a bundle has files and directories")]
    NotAFile { path: String, kind: &'static str },
    #[error("{path:?} is no path in a bundle: {why}")]
    Path { path: String, why: &'static str },
    #[error("{0:?} is in the bundle twice")]
    Twice(String),
    #[error("{path} cannot be read: {why}")]
    Unreadable { path: String, why: String },
    #[error("the roots {0:?} and {1:?} of .manifest overlap")]
    Overlap(String, String),
    #[error("{path} has something at {place:?}, which is outside the roots of .manifest: {roots}")]
    Outside { path: String, place: String, roots: String },
    #[error("the bundle is compiled to WebAssembly; build it without `-t wasm`")]
    Wasm,
    #[error("the bundle changes another (patch.json); whole bundles are read, not changes")]
    Delta,
    #[error("the bundle has no .signatures.json, and a key is configured; sign it by `opa sign`")]
    Unsigned,
    #[error("the signature of the bundle does not hold: {0}")]
    Signature(String),
}

impl Bundle {
    /// Reads and checks it. With keys it must be signed by one of them; without, a signature is not
    /// looked at.
    pub fn open(
        octets: &[u8],
        keys: &[BundleKey],
        limits: &BundleLimits,
    ) -> Result<Self, BundleError> {
        if octets.len() > limits.packed {
            return Err(BundleError::Packed { octets: octets.len(), limit: limits.packed });
        }
        let archive = unpack(octets, limits.unpacked)?;
        let mut files = files(&archive, limits)?;
        let document = take(&mut files, ".signatures.json");
        let signed_by = match (document, keys) {
            (_, []) => None,
            (None, _) => return Err(BundleError::Unsigned),
            (Some(document), keys) => Some(signatures::check(&document.octets, &files, keys)?),
        };
        let manifest = match take(&mut files, ".manifest") {
            Some(file) => manifest::Manifest::read(&file.octets)?,
            None => manifest::Manifest::default(),
        };
        let roots = manifest.roots()?;
        for file in &files {
            match name_of(&file.path) {
                "policy.wasm" => return Err(BundleError::Wasm),
                "patch.json" if file.path == "patch.json" => return Err(BundleError::Delta),
                "data.yml" => {
                    let why = "it would not be read: call it data.yaml";
                    return Err(BundleError::Path { path: file.path.clone(), why });
                }
                _ => manifest::permitted(file, &roots)?,
            }
        }
        files.retain(|file| {
            let name = name_of(&file.path);
            name.ends_with(".rego")
                || matches!(name, "data.json" | "data.yaml")
                || file.path == super::files::SETTINGS
        });
        Ok(Self { revision: manifest.revision, roots, files, signed_by })
    }
}

/// The last part of a path.
fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn take(files: &mut Vec<SetFile>, path: &str) -> Option<SetFile> {
    let place = files.iter().position(|file| file.path == path)?;
    Some(files.remove(place))
}

/// A bomb costs no more than an honest bundle.
fn unpack(octets: &[u8], limit: usize) -> Result<Vec<u8>, BundleError> {
    let mut unpacked = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(octets).take(most).read_to_end(&mut unpacked);
    read.map_err(|error| BundleError::Gzip(error.to_string()))?;
    if unpacked.len() > limit { Err(BundleError::Unpacked(limit)) } else { Ok(unpacked) }
}

/// All files, in order of their paths.
fn files(archive: &[u8], limits: &BundleLimits) -> Result<Vec<SetFile>, BundleError> {
    let mut files = Vec::new();
    for member in tar::members(archive, limits.entries)? {
        let path = clean(&member.path, limits.depth)
            .map_err(|why| BundleError::Path { path: member.path.clone(), why })?;
        files.push(SetFile { path, octets: member.octets.to_vec() });
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = files.iter().find(|file| !seen.insert(file.path.as_str())) {
        return Err(BundleError::Twice(twice.path.clone()));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Without the `/` that OPA and the `./` that tar write before it.
fn clean(path: &str, depth: usize) -> Result<String, &'static str> {
    if path.len() > LONGEST_PATH {
        return Err("it is too long");
    }
    let path = path.strip_prefix("./").or_else(|| path.strip_prefix('/')).unwrap_or(path);
    if path.chars().any(|c| c.is_control() || c == '\\') {
        return Err("it has a character that does not belong there");
    }
    for part in path.split('/') {
        match part {
            "" => return Err("it has an empty part"),
            "." | ".." => return Err("it leads elsewhere"),
            _ => {}
        }
    }
    if path.split('/').count() > depth + 1 {
        return Err("it is too deep");
    }
    Ok(path.to_owned())
}
