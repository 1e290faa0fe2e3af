//! Which entry of a list is a provider's model.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::entry::NAME;
use crate::names::{PLACES, bare, beginnings, placeless, undated};
use crate::provider::Provider;
use crate::{Model, PriceList};

/// The entry of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// The list's name.
    pub name: &'a str,
    /// What it says. Its own name is another if this one stands for it.
    pub model: &'a Model,
    /// See the type.
    pub how: How,
}

/// How an entry was found, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// By its name.
    Exact,
    /// With the provider in front of it: `groq/…`.
    Provider,
    /// With another place in front of it, or none: `us.…`, `azure/eu/…`. Prices differ a little
    /// between places.
    Place,
    /// Without the date at its end.
    Undated,
    /// By the longest beginning that the list has. It may be the price of another model.
    Beginning,
}

/// Why there is no price for a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfound {
    /// The list has no entry for it.
    #[error("the price list has no such model")]
    Unknown,
    /// It has one that cannot be used. Nothing else is taken for it.
    #[error("the entry {name} cannot be read: {reason}")]
    Unreadable {
        /// The list's name.
        name: String,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "by its name",
            Self::Provider => "with the provider in front",
            Self::Place => "for another place",
            Self::Undated => "without its date",
            Self::Beginning => "by the longest beginning; it may be another model's",
        })
    }
}

/// Most beginnings of one provider's names: lists have a few, and each is tried with each shorter
/// name.
const PREFIXES: usize = 32;

impl PriceList {
    /// Looks a model up, of a provider by the registry's slug or the list's own word. Without a
    /// provider only names without one in front are found; with one, only that provider's entries,
    /// because the same model costs something else elsewhere.
    ///
    /// Tried in this order: the name, with the provider in front, with another place in front or
    /// none; these again without the date; these again for each shorter beginning.
    pub fn lookup(&self, provider: Option<&str>, model: &str) -> Result<Found<'_>, Unfound> {
        let model = bare(model.trim());
        if model.is_empty() || model.len() > NAME {
            return Err(Unfound::Unknown);
        }
        let provider = provider.map(Provider::of);
        let search = Search { list: self, prefixes: self.prefixes_of(provider.as_ref()), provider };
        let dateless = undated(model);
        let mut names = std::iter::once((model, How::Exact))
            .chain(dateless.map(|name| (name, How::Undated)))
            .chain(beginnings(model).map(|name| (name, How::Beginning)));
        names.find_map(|(name, how)| search.written(name, how)).unwrap_or(Err(Unfound::Unknown))
    }

    /// Whether an entry is a provider's.
    #[must_use]
    pub fn belongs(&self, provider: &str, name: &str) -> bool {
        let model = self.entries.get(name).and_then(|entry| entry.as_ref().ok());
        model.is_some_and(|model| is_of(&Provider::of(provider), name, model))
    }

    /// What this provider's names begin with, as they are written, in order of its preference.
    fn prefixes_of(&self, provider: Option<&Provider>) -> Vec<&str> {
        let Some(provider) = provider else { return Vec::new() };
        let mut found = Vec::new();
        for word in &provider.words {
            let start = self.prefixes.partition_point(|(prefix, _)| prefix < word);
            let same = self.prefixes.iter().skip(start).take_while(|(p, _)| p.starts_with(word));
            let same = same.filter(|(prefix, _)| provider.has(prefix)).map(|(_, own)| &**own);
            found.extend(same.take(PREFIXES.saturating_sub(found.len())));
        }
        found
    }
}

struct Search<'a> {
    list: &'a PriceList,
    provider: Option<Provider>,
    prefixes: Vec<&'a str>,
}

impl<'a> Search<'a> {
    /// A name in all the ways in which a list may write it.
    fn written(&self, name: &str, how: How) -> Option<Result<Found<'a>, Unfound>> {
        self.at_home(name, how).or_else(|| self.elsewhere(name, how))
    }

    fn at_home(&self, name: &str, how: How) -> Option<Result<Found<'a>, Unfound>> {
        self.entry(name, how).or_else(|| {
            let mut prefixes = self.prefixes.iter();
            prefixes.find_map(|own| self.entry(&format!("{own}/{name}"), how.max(How::Provider)))
        })
    }

    fn elsewhere(&self, name: &str, how: How) -> Option<Result<Found<'a>, Unfound>> {
        // Without a provider there is nobody who has places.
        self.provider.as_ref()?;
        let how = how.max(How::Place);
        let plain = placeless(name);
        plain.and_then(|plain| self.at_home(plain, how)).or_else(|| {
            let plain = plain.unwrap_or(name);
            PLACES.into_iter().find_map(|place| {
                self.at_home(&format!("{place}.{plain}"), how)
                    .or_else(|| self.at_home(&format!("{place}/{plain}"), how))
            })
        })
    }

    /// The provider's entry of exactly this name.
    fn entry(&self, name: &str, how: How) -> Option<Result<Found<'a>, Unfound>> {
        let (name, entry) = self.list.entries.get_key_value(name)?;
        let model = match entry {
            Ok(model) => model,
            Err(reason) => {
                let (name, reason) = (name.to_string(), reason.to_string());
                return Some(Err(Unfound::Unreadable { name, reason }));
            }
        };
        let is_own = self.provider.as_ref().is_none_or(|provider| is_of(provider, name, model));
        is_own.then_some(Ok(Found { name, model, how }))
    }
}

/// By who is paid, or by what its name begins with.
fn is_of(provider: &Provider, name: &str, model: &Model) -> bool {
    let prefix = name.split_once('/').map(|(prefix, _)| prefix);
    prefix.into_iter().chain(model.provider.as_deref()).any(|word| provider.has(word))
}
