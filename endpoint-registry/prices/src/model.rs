//! What a list says of one model.

use std::sync::Arc;

use crate::{Field, Picodollars};

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The list's key for it, such as `gemini/gemini-pro`.
    pub name: Arc<str>,
    /// Who is paid, in the list's words: `litellm_provider`.
    pub provider: Option<Arc<str>>,
    /// `chat`, `embedding`, `image_generation`.
    pub mode: Option<Arc<str>>,
    /// Most tokens of a prompt.
    pub max_input: Option<u64>,
    /// Most tokens of an answer.
    pub max_output: Option<u64>,
    /// The day it goes, as the list writes it.
    pub deprecated: Option<Arc<str>>,
    /// Sorted by field, each once.
    pub prices: Box<[Price]>,
    /// Prices by the length of the prompt, for the whole request; in order, without overlap.
    pub ranges: Box<[Range]>,
}

/// One price.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price {
    /// For what.
    pub field: Field,
    /// Of one.
    pub amount: Picodollars,
}

/// An item of `tiered_pricing`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// For prompts of more tokens than this; the first range has those of none too.
    pub above: u64,
    /// And at most this; without, of any length.
    pub most: Option<u64>,
    /// As [`Model::prices`].
    pub prices: Box<[Price]>,
}

impl Model {
    /// The price of this field, outside of ranges.
    #[must_use]
    pub fn price(&self, field: &Field) -> Option<Picodollars> {
        let at = self.prices.binary_search_by(|price| price.field.cmp(field)).ok()?;
        self.prices.get(at).map(|price| price.amount)
    }

    /// All its prices, those of ranges too.
    pub fn all_prices(&self) -> impl Iterator<Item = (Option<usize>, &Price)> {
        let plain = self.prices.iter().map(|price| (None, price));
        let ranges = self.ranges.iter().enumerate();
        plain.chain(ranges.flat_map(|(at, range)| range.prices.iter().map(move |p| (Some(at), p))))
    }

    /// Nothing about it has a price.
    #[must_use]
    pub fn is_unpriced(&self) -> bool {
        self.all_prices().next().is_none()
    }
}

impl Range {
    /// Whether a prompt of so many tokens is in it.
    pub(crate) fn has(&self, prompt: u64) -> bool {
        let begun = prompt > self.above || (prompt == 0 && self.above == 0);
        begun && self.most.is_none_or(|most| prompt <= most)
    }
}
