//! What another list changes.

use std::collections::BTreeMap;

use crate::{Model, Picodollars, PriceList, Source, Unit};

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
    /// What holds in the list that has none: the price of a shorter prompt, of the standard tier, or
    /// of what the tokens count as then.
    pub instead: Option<Picodollars>,
}

impl PriceChange {
    /// More than this many times as much, or as little; to or from nothing. A price that comes or goes
    /// changes what was paid in its place; if nothing is, its loss jumps, and its coming does not.
    #[must_use]
    pub fn is_jump(&self, factor: u32) -> bool {
        let (from, to) = (self.from.or(self.instead), self.to.or(self.instead));
        let (Some(from), Some(to)) = (from, to) else { return to.is_none() };
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
            let instead = from.is_none().then(|| instead(old, &source)).flatten();
            changes.push(PriceChange { source, from, to: Some(to), instead });
        }
    }
    for (source, from) in before {
        let instead = instead(new, &source);
        changes.push(PriceChange { source, from: Some(from), to: None, instead });
    }
    changes.sort_by(|a, b| a.source.cmp(&b.source));
    changes
}

/// What a model costs where it has no such price: that of the longest of the shorter prompts in the
/// same tier, else in the standard one, else that of the unit that stands in; whatever the item of
/// `tiered_pricing`.
fn instead(model: &Model, source: &Source) -> Option<Picodollars> {
    let field = &source.field;
    let of = |unit: Unit, tier: Option<&str>| {
        let prices = model.all_prices().map(|(_, price)| price).filter(|price| {
            let its = &price.field;
            its.unit == unit && its.tier.as_deref() == tier && its.above <= field.above
        });
        prices.max_by_key(|price| price.field.above).map(|price| price.amount)
    };
    let mut units = std::iter::once(&field.unit).chain(field.unit.instead());
    units.find_map(|&unit| of(unit, field.tier.as_deref()).or_else(|| of(unit, None)))
}
