//! What a registry version is the hash of: the id and the content hash of each endpoint.

use std::fmt::Write as _;

use sark_core::ContentHash;

use crate::Endpoint;

/// One line per endpoint: its id, a blank, the hash of its content; sorted by id, which is unique.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    lines: Vec<(String, ContentHash)>,
}

/// What differs between two manifests, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Only in the later.
    pub added: Vec<&'a str>,
    /// Only in the earlier.
    pub removed: Vec<&'a str>,
    /// In both, with other content.
    pub changed: Vec<&'a str>,
}

/// An endpoint as it is hashed and stored: JSON, fields in the order of the type, lists as they are
/// (sorted, after [`Endpoint::normalize`]).
#[must_use]
pub fn object_of(endpoint: &Endpoint) -> String {
    // Serializing has no failing part: no map keys but strings, no I/O. Should it fail, the debug
    // form is as unique.
    serde_json::to_string(endpoint).unwrap_or_else(|_| format!("{endpoint:?}"))
}

impl Manifest {
    /// Of endpoints in the form of a snapshot: normalized, sorted by id.
    #[must_use]
    pub fn of(endpoints: &[Endpoint]) -> Self {
        // One buffer for all: a list of many prefixes takes megabytes.
        let mut buffer = Vec::new();
        let mut line = |endpoint: &Endpoint| {
            buffer.clear();
            let hash = match serde_json::to_writer(&mut buffer, endpoint) {
                Ok(()) => ContentHash::of(&buffer),
                Err(_) => ContentHash::of(object_of(endpoint).as_bytes()),
            };
            (endpoint.id.clone(), hash)
        };
        Self { lines: endpoints.iter().map(&mut line).collect() }
    }

    /// Of ids and hashes.
    #[must_use]
    pub fn from_lines(mut lines: Vec<(String, ContentHash)>) -> Self {
        lines.sort();
        Self { lines }
    }

    /// Ids and hashes, by id.
    #[must_use]
    pub fn lines(&self) -> &[(String, ContentHash)] {
        &self.lines
    }

    /// The hash of one endpoint's content.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&ContentHash> {
        let place = self.lines.binary_search_by(|(line, _)| line.as_str().cmp(id)).ok()?;
        self.lines.get(place).map(|(_, hash)| hash)
    }

    /// The version of a snapshot with this content.
    #[must_use]
    pub fn version(&self) -> ContentHash {
        let mut text = String::with_capacity(self.lines.len() * 96);
        for (id, hash) in &self.lines {
            let _ = writeln!(text, "{id} {hash}");
        }
        ContentHash::of(text.as_bytes())
    }

    /// What has to change in this one to make it `later`.
    #[must_use]
    pub fn difference<'a>(&'a self, later: &'a Self) -> Difference<'a> {
        let mut difference = Difference::default();
        for (id, hash) in &later.lines {
            match self.get(id) {
                None => difference.added.push(id),
                Some(earlier) if earlier != hash => difference.changed.push(id),
                Some(_) => {}
            }
        }
        let gone = self.lines.iter().filter(|(id, _)| later.get(id).is_none());
        difference.removed.extend(gone.map(|(id, _)| id.as_str()));
        difference
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Snapshot, seed};

    #[test]
    fn a_snapshot_is_named_by_its_manifest() {
        let snapshot = Snapshot::build(seed());
        let manifest = snapshot.manifest();
        assert_eq!(manifest.version(), *snapshot.version());
        assert_eq!(manifest, Manifest::of(snapshot.endpoints()));
        let mut lines = manifest.lines().to_vec();
        lines.reverse();
        assert_eq!(Manifest::from_lines(lines), manifest);
        let first = &snapshot.endpoints()[0];
        let hash = ContentHash::of(object_of(first).as_bytes());
        assert_eq!(manifest.get(&first.id), Some(&hash));
        assert_eq!(manifest.get("no/such"), None);
    }

    #[test]
    fn the_difference_is_told_by_id() {
        let before = seed();
        let mut after = before.clone();
        after[0].confidence ^= 1;
        let gone = after.remove(3).id;
        after[4].id = "zzz/new".into();
        let renamed = before[5].id.clone();
        let (before, after) =
            (Snapshot::build(before).manifest(), Snapshot::build(after).manifest());
        let difference = before.difference(&after);
        assert_eq!(difference.added, ["zzz/new"]);
        assert_eq!(difference.removed, [gone, renamed]);
        assert_eq!(difference.changed, [after.lines()[0].0.as_str()]);
        assert_eq!(before.difference(&before), Difference::default());
    }
}
