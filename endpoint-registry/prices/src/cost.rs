//! What a call costs, item by item.

use serde::{Deserialize, Serialize};

use crate::{
    Field, Found, How, Model, Picodollars, Price, PriceList, Source, Unfound, Unit, Usage,
};

/// What was called, and how much was used.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// As for [`PriceList::lookup`].
    pub provider: Option<&'a str>,
    /// As the provider names it.
    pub model: &'a str,
    /// Service tier: `batches`, `priority`, `flex`, or another word of the list. The standard one
    /// has none of them; `default`, `auto` and `standard` mean it too.
    pub tier: Option<&'a str>,
    /// See the type.
    pub usage: &'a Usage,
}

/// What it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// The list's name of the entry.
    pub entry: Option<String>,
    /// How it was found.
    pub how: Option<How>,
    /// What has a price, in the order of units.
    pub lines: Vec<Line>,
    /// What was used and has none.
    pub unpriced: Vec<Unpriced>,
    /// Of all lines; exact.
    pub total: Picodollars,
}

/// One unit's part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What was used.
    pub unit: Unit,
    /// How much.
    pub count: u64,
    /// Of one.
    pub price: Picodollars,
    /// Where in the entry the price stands.
    pub source: Source,
    /// The price that it stands in for, which the list does not have.
    pub instead_of: Option<Field>,
    /// `count` times `price`.
    pub amount: Picodollars,
}

/// Something that was used and has no price: unknown, not free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpriced {
    /// What was used.
    pub unit: Unit,
    /// How much.
    pub count: u64,
    /// See the type.
    pub why: Why,
}

/// Why something has no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The list has no such model.
    UnknownModel,
    /// Its entry cannot be read.
    UnreadableEntry,
    /// Its entry says nothing of this unit.
    NoPrice,
    /// Its prices go by the length of the prompt, and not as far as this one's.
    OutOfRange,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UnknownModel => "the price list has no such model",
            Self::UnreadableEntry => "the model's entry cannot be read",
            Self::NoPrice => "the model's entry has no price for it",
            Self::OutOfRange => "the entry's prices do not go as far as a prompt of this length",
        })
    }
}

impl Cost {
    /// Nothing that was used is left out of the total.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.unpriced.is_empty()
    }
}

impl PriceList {
    /// The cost of a call. A price for prompts above some length holds for the whole request.
    #[must_use]
    pub fn cost(&self, call: &Call<'_>) -> Cost {
        let Found { name, model, how } = match self.lookup(call.provider, call.model) {
            Ok(found) => found,
            Err(unfound) => {
                let why = match unfound {
                    Unfound::Unknown => Why::UnknownModel,
                    Unfound::Unreadable { .. } => Why::UnreadableEntry,
                };
                let unpriced =
                    call.usage.counts().map(|(unit, count)| Unpriced { unit, count, why });
                return Cost {
                    entry: None,
                    how: None,
                    lines: Vec::new(),
                    unpriced: unpriced.collect(),
                    total: Picodollars::default(),
                };
            }
        };
        let offer = Offer::of(model, call.tier, call.usage.prompt());
        let (mut lines, mut unpriced) = (Vec::new(), Vec::new());
        for (unit, count) in call.usage.counts() {
            match offer.price(unit) {
                Ok((price, source, instead_of)) => {
                    let amount = price.times(count);
                    lines.push(Line { unit, count, price, source, instead_of, amount });
                }
                Err(why) => unpriced.push(Unpriced { unit, count, why }),
            }
        }
        let total = lines.iter().map(|line| line.amount).sum();
        Cost { entry: Some(name.to_owned()), how: Some(how), lines, unpriced, total }
    }
}

/// A model's prices for one request.
struct Offer<'a> {
    model: &'a Model,
    tier: Option<&'a str>,
    prompt: u64,
    /// The item of `tiered_pricing` that the prompt is in.
    range: Option<usize>,
    /// The highest threshold of the model's that the prompt is above.
    above: u64,
}

impl<'a> Offer<'a> {
    fn of(model: &'a Model, tier: Option<&'a str>, prompt: u64) -> Self {
        let tier = match tier {
            Some("default" | "auto" | "standard" | "") | None => None,
            // What the providers' own fields call it.
            Some("batch") => Some("batches"),
            Some(other) => Some(other),
        };
        let range = model.ranges.iter().position(|range| range.has(prompt));
        let fits = |field: &&Field| {
            field.unit.is_text()
                && field.above < prompt
                && (field.tier.is_none() || field.tier.as_deref() == tier)
        };
        let above = model.prices.iter().map(|price| &price.field).filter(fits);
        let above = above.map(|field| field.above).max().unwrap_or(0);
        Self { model, tier, prompt, range, above }
    }

    /// Of one of these; where it stands; and what it stands in for.
    fn price(&self, unit: Unit) -> Result<(Picodollars, Source, Option<Field>), Why> {
        let units = || std::iter::once(unit).chain(unit.instead().iter().copied());
        let by_length = |unit| self.model.ranges.iter().any(|range| has(&range.prices, unit));
        if self.range.is_none() && units().any(by_length) {
            return Err(Why::OutOfRange);
        }
        // Other than text may have one price for prompts of any length; what is no token, one for
        // all tiers.
        let expects_above = unit.is_text() && self.range.is_none();
        let above = if expects_above { self.above } else { 0 };
        let wanted = Field { unit, above, tier: self.tier.map(Into::into) };
        let tiers = [self.tier, None];
        let tiers = if self.tier.is_some() { &tiers[..] } else { &tiers[1..] };
        for stand_in in units() {
            for tier in tiers {
                let Some((source, amount)) = self.find(stand_in, *tier) else { continue };
                let mut wanted = wanted.clone();
                if !expects_above {
                    wanted.above = source.field.above;
                }
                if !unit.is_token() {
                    wanted.tier = source.field.tier.clone();
                }
                if unit == Unit::Reasoning {
                    // Where reasoning has no price of its own it is output like any other.
                    wanted.unit = stand_in;
                }
                let instead_of = (source.field != wanted).then_some(wanted);
                return Ok((amount, source, instead_of));
            }
        }
        Err(Why::NoPrice)
    }

    /// The most specific price of this unit in this tier: in the prompt's range, else above the
    /// highest threshold.
    fn find(&self, unit: Unit, tier: Option<&str>) -> Option<(Source, Picodollars)> {
        let fits = |price: &&Price| {
            let Field { unit: its, above, tier: its_tier } = &price.field;
            *its == unit && its_tier.as_deref() == tier && (*above == 0 || *above < self.prompt)
        };
        let best =
            |prices: &'a [Price]| prices.iter().filter(fits).max_by_key(|price| price.field.above);
        let in_range = self.range.and_then(|at| Some((at, self.model.ranges.get(at)?)));
        let in_range = in_range.and_then(|(at, range)| Some((Some(at), best(&range.prices)?)));
        let (range, price) = in_range.or_else(|| Some((None, best(&self.model.prices)?)))?;
        Some((Source { field: price.field.clone(), range }, price.amount))
    }
}

fn has(prices: &[Price], unit: Unit) -> bool {
    prices.iter().any(|price| price.field.unit == unit)
}
