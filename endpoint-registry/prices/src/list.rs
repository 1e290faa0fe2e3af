//! A price list, as it is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use sark_core::ContentHash;

use crate::entry::Met;
use crate::{Limits, Model, parse};

/// Prices of one moment. Never changes; another list is another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceList {
    pub(crate) hash: ContentHash,
    /// By name; what cannot be read is there with the reason, so that nothing else is taken for it.
    pub(crate) entries: BTreeMap<Arc<str>, Result<Arc<Model>, Arc<str>>>,
    pub(crate) readable: usize,
    /// What stands before the first `/` of names: in canonical form, and as it is written. Sorted.
    pub(crate) prefixes: Vec<(String, Arc<str>)>,
    pub(crate) notes: Notes,
}

/// What is odd in a list and hinders nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// Fields about money that are not understood, and how many entries have each; the first
    /// hundred.
    pub unused: BTreeMap<String, u64>,
    /// Prices that were rounded to a picodollar.
    pub rounded: u64,
    /// Entries without any price.
    pub unpriced: u64,
}

const MOST_UNUSED: usize = 100;

impl Notes {
    pub(crate) fn met(&mut self, met: &Met, is_unpriced: bool) {
        self.rounded += met.rounded;
        self.unpriced += u64::from(is_unpriced);
        for field in &met.unused {
            if self.unused.len() < MOST_UNUSED || self.unused.contains_key(field) {
                *self.unused.entry(field.clone()).or_default() += 1;
            }
        }
    }
}

impl Default for PriceList {
    /// Without a list everything is unpriced.
    fn default() -> Self {
        parse(b"{}", &Limits::default()).expect("an empty object is a list without entries")
    }
}

impl PriceList {
    /// Of the octets that it was read from.
    #[must_use]
    pub fn hash(&self) -> &ContentHash {
        &self.hash
    }

    /// Entries that can be used.
    #[must_use]
    pub fn len(&self) -> usize {
        self.readable
    }

    /// Everything is unpriced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.readable == 0
    }

    /// By name. A name that stands for another model has that one's entry.
    pub fn models(&self) -> impl Iterator<Item = (&str, &Model)> {
        let entries = self.entries.iter();
        entries.filter_map(|(name, entry)| Some((&**name, &**entry.as_ref().ok()?)))
    }

    /// What cannot be read, by name, with the reason.
    pub fn unreadable(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.entries.iter();
        entries.filter_map(|(name, entry)| Some((&**name, &**entry.as_ref().err()?)))
    }

    /// See the type.
    #[must_use]
    pub fn notes(&self) -> &Notes {
        &self.notes
    }
}
