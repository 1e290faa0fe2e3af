//! What looks wrong in a list, for whoever answers for it. None of it keeps the list from being
//! used.

use crate::{Field, Model, Picodollars, PriceList, Unit};

/// One kind of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oddity {
    /// Stable: `unreadable`, `dear`.
    pub code: &'static str,
    /// What it is.
    pub what: &'static str,
    /// How often.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<String>,
}

/// Examples of each kind.
const EXAMPLES: usize = 10;

/// A dollar for a thousand tokens: no model costs so much, but its price for a million does.
const DEAR: Picodollars = Picodollars(1_000_000_000);

impl Oddity {
    const fn new(code: &'static str, what: &'static str) -> Self {
        Self { code, what, count: 0, examples: Vec::new() }
    }

    fn note(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

/// All kinds that there are any of.
#[must_use]
pub fn oddities(list: &PriceList) -> Vec<Oddity> {
    let mut unreadable =
        Oddity::new("unreadable", "entries that cannot be read: their models have no price");
    for (name, reason) in list.unreadable() {
        unreadable.note(|| format!("{name}: {reason}"));
    }
    let mut unused = Oddity::new("unused", "fields about money that are not understood");
    for (field, count) in &list.notes().unused {
        unused.note(|| format!("{field} ({count})"));
    }
    let mut unpriced = Oddity::new("unpriced", "entries without a price");
    let mut free = Oddity::new("free", "entries whose every price is 0");
    let mut dear =
        Oddity::new("dear", "prices over a dollar for a thousand tokens: are they for a million?");
    let mut cache = Oddity::new("cache", "entries whose tokens cost more from the cache than anew");
    let mut tier = Oddity::new(
        "tier",
        "prices of batches or flex above the standard one, or of priority below it",
    );
    let mut long = Oddity::new("long", "prices of long prompts below those of short ones");
    for (name, model) in list.models().filter(|(name, model)| *name == &*model.name) {
        if model.is_unpriced() {
            unpriced.note(|| name.to_owned());
        } else if model.all_prices().all(|(_, price)| price.amount.0 == 0) {
            free.note(|| name.to_owned());
        }
        let is_dear = |price: &&crate::Price| price.field.unit.is_token() && price.amount >= DEAR;
        if let Some(price) = model.all_prices().map(|(_, price)| price).find(is_dear) {
            dear.note(|| format!("{name}: {} {}", price.field, price.amount));
        }
        if let (Some(read), Some(anew)) = (plain(model, Unit::CacheRead), plain(model, Unit::Input))
            && read > anew
        {
            cache.note(|| format!("{name}: {read} and {anew}"));
        }
        for price in &model.prices {
            let Field { unit, above, tier: its_tier } = &price.field;
            let standard = Field { unit: *unit, above: *above, tier: None };
            let short = Field { unit: *unit, above: 0, tier: its_tier.clone() };
            let of = |field: &Field| {
                format!("{name}: {} {}", price.field, price.amount)
                    + &match model.price(field) {
                        Some(other) => format!(", {field} {other}"),
                        None => String::new(),
                    }
            };
            let is_odd = |amount: Picodollars| match its_tier.as_deref() {
                Some("batches" | "flex") => price.amount > amount,
                Some("priority") => price.amount < amount,
                _ => false,
            };
            if model.price(&standard).is_some_and(is_odd) {
                tier.note(|| of(&standard));
            }
            if *above > 0 && model.price(&short).is_some_and(|amount| price.amount < amount) {
                long.note(|| of(&short));
            }
        }
    }
    let mut rounded = Oddity::new("rounded", "prices rounded to a picodollar");
    rounded.count = list.notes().rounded;
    let all = [unreadable, unused, unpriced, free, dear, cache, tier, long, rounded];
    all.into_iter().filter(|oddity| oddity.count > 0).collect()
}

fn plain(model: &Model, unit: Unit) -> Option<Picodollars> {
    model.price(&Field::of(unit))
}
