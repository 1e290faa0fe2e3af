//! What another list changes.

use std::collections::BTreeMap;

use crate::{Model, Picodollars, PriceList, Source};

/// How a list differs from the one before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Entries of the list before that can be used.
    pub before: usize,
    /// Names that are new, sorted.
    pub added: Vec<String>,
    /// Names that are gone, or cannot be read any more, sorted.
    pub removed: Vec<String>,
    /// Models of both lists with other prices, by name.
    pub changed: Vec<Changed>,
}

/// A model with other prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The list's name.
    pub name: String,
    /// In the order of fields.
    pub prices: Vec<PriceChange>,
}

/// Another price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceChange {
    /// Which.
    pub source: Source,
    /// Before; `None` if there was none.
    pub from: Option<Picodollars>,
    /// After; `None` if there is none.
    pub to: Option<Picodollars>,
    /// There is no price left for the unit.
    pub is_lost: bool,
}

impl PriceChange {
    /// More than this many times as much, or as little; to or from nothing; or no price any more.
    #[must_use]
    pub fn is_jump(&self, factor: u32) -> bool {
        let (Some(from), Some(to)) = (self.from, self.to) else { return self.is_lost };
        let (least, most) = (from.min(to), from.max(to));
        most.0 > least.0.saturating_mul(factor.into())
    }
}

impl Changed {
    /// The first of its prices that jumps.
    #[must_use]
    pub fn jump(&self, factor: u32) -> Option<&PriceChange> {
        self.prices.iter().find(|price| price.is_jump(factor))
    }
}

impl std::fmt::Display for PriceChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |price: Option<Picodollars>| price.map_or("none".to_owned(), |p| p.to_string());
        write!(f, "{} {} → {}", self.source, text(self.from), text(self.to))
    }
}

/// Compares prices, and nothing else that a list says.
#[must_use]
pub fn compare(old: &PriceList, new: &PriceList) -> Comparison {
    let mut comparison = Comparison { before: old.len(), ..Comparison::default() };
    let mut left: BTreeMap<&str, &Model> = old.models().collect();
    for (name, model) in new.models() {
        let Some(before) = left.remove(name) else {
            comparison.added.push(name.to_owned());
            continue;
        };
        let prices = changes(before, model);
        if !prices.is_empty() {
            comparison.changed.push(Changed { name: name.to_owned(), prices });
        }
    }
    comparison.removed = left.into_keys().map(str::to_owned).collect();
    comparison
}

fn changes(old: &Model, new: &Model) -> Vec<PriceChange> {
    if old.prices == new.prices && old.ranges == new.ranges {
        return Vec::new();
    }
    let of = |model: &Model| -> BTreeMap<Source, Picodollars> {
        let source = |(range, price): (_, &crate::Price)| {
            (Source { field: price.field.clone(), range }, price.amount)
        };
        model.all_prices().map(source).collect()
    };
    let (mut before, after) = (of(old), of(new));
    let mut changes = Vec::new();
    for (source, to) in after {
        let from = before.remove(&source);
        if from != Some(to) {
            changes.push(PriceChange { source, from, to: Some(to), is_lost: false });
        }
    }
    for (source, from) in before {
        let unit = source.field.unit;
        let is_lost = !new.all_prices().any(|(_, price)| price.field.unit == unit);
        changes.push(PriceChange { source, from: Some(from), to: None, is_lost });
    }
    changes.sort_by(|a, b| a.source.cmp(&b.source));
    changes
}
