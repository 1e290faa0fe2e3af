//! The names of prices in a list: `{unit}[_above_{N}k_tokens][_above_{H}hr][_{tier}]`.

use std::fmt;
use std::sync::Arc;

use crate::Unit;

/// What one price is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field {
    /// One of these costs it.
    pub unit: Unit,
    /// Only if the prompt is longer than so many tokens; then for the whole request.
    pub above: u64,
    /// Only in this service tier, such as `batches`; without, in the standard one.
    pub tier: Option<Arc<str>>,
}

/// Longest word for a tier.
const TIER: usize = 32;

impl Field {
    /// Of a unit, in the standard tier, whatever the prompt.
    #[must_use]
    pub const fn of(unit: Unit) -> Self {
        Self { unit, above: 0, tier: None }
    }

    /// `None` if the name is of another grammar.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        // An older name of the same.
        let name = if name == CACHE_HIT { Unit::CacheRead.field() } else { name };
        let fits = |unit: &Unit| {
            let rest = name.strip_prefix(unit.field());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        // Some names begin with another's. Those of cache writes are told apart below.
        let unit = Unit::all().filter(fits).max_by_key(|unit| unit.field().len())?;
        let mut field = Self::of(unit);
        let mut rest = name.strip_prefix(unit.field())?;
        while let Some(condition) = rest.strip_prefix("_above_") {
            let digits = condition.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = condition.split_at_checked(digits)?;
            let number: u64 = number.parse().ok().filter(|number| *number <= MOST_TOKENS)?;
            rest = if let Some(rest) = after.strip_prefix("k_tokens") {
                field.set_above(number * 1000)?;
                rest
            } else if let Some(rest) = after.strip_prefix("_tokens") {
                field.set_above(number)?;
                rest
            } else if let Some(rest) = after.strip_prefix("hr") {
                field.unit = match (field.unit, number) {
                    (Unit::CacheWrite, 1) => Unit::CacheWrite1h,
                    (Unit::CacheWrite, 12) => Unit::CacheWrite12h,
                    _ => return None,
                };
                rest
            } else {
                return None;
            };
        }
        if rest.is_empty() {
            return Some(field);
        }
        let tier = rest.strip_prefix('_')?;
        let is_word = !tier.is_empty() && tier.bytes().all(|byte| byte.is_ascii_lowercase());
        field.tier = (is_word && tier.len() <= TIER).then(|| Arc::from(tier));
        field.tier.is_some().then_some(field)
    }

    fn set_above(&mut self, tokens: u64) -> Option<()> {
        let first = self.above == 0 && tokens > 0;
        self.above = tokens;
        first.then_some(())
    }
}

const CACHE_HIT: &str = "input_cost_per_token_cache_hit";
/// A billion; in thousands, a trillion.
const MOST_TOKENS: u64 = 1_000_000_000;

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.unit.field())?;
        match (self.above, self.above % 1000) {
            (0, _) => {}
            (above, 0) => write!(f, "_above_{}k_tokens", above / 1000)?,
            (above, _) => write!(f, "_above_{above}_tokens")?,
        }
        self.tier.as_ref().map_or(Ok(()), |tier| write!(f, "_{tier}"))
    }
}

/// Where in an entry a price stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// Its name.
    pub field: Field,
    /// In this item of `tiered_pricing`, counted from 0.
    pub range: Option<usize>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(range) = self.range {
            write!(f, "tiered_pricing[{range}].")?;
        }
        self.field.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        let field =
            |unit, above, tier: Option<&str>| Field { unit, above, tier: tier.map(Into::into) };
        for (name, expected) in [
            ("input_cost_per_token", field(Unit::Input, 0, None)),
            ("input_cost_per_token_batches", field(Unit::Input, 0, Some("batches"))),
            (
                "output_cost_per_token_above_272k_tokens_priority",
                field(Unit::Output, 272_000, Some("priority")),
            ),
            ("input_cost_per_token_above_1500_tokens", field(Unit::Input, 1500, None)),
            ("input_cost_per_image", field(Unit::InputImage, 0, None)),
            ("input_cost_per_image_token_flex", field(Unit::InputImageToken, 0, Some("flex"))),
            ("cache_creation_input_token_cost_above_1hr", field(Unit::CacheWrite1h, 0, None)),
            (
                "cache_creation_input_token_cost_above_12hr_above_272k_tokens_ultrafast",
                field(Unit::CacheWrite12h, 272_000, Some("ultrafast")),
            ),
            (
                "search_context_cost_per_query.search_context_size_low",
                field(Unit::SearchLow, 0, None),
            ),
        ] {
            let read = Field::parse(name).unwrap();
            assert_eq!(read, expected, "{name}");
            assert_eq!(read.to_string(), name);
        }
        assert_eq!(Field::parse(CACHE_HIT), Some(Field::of(Unit::CacheRead)));
        let turned = "cache_creation_input_token_cost_above_200k_tokens_above_1hr";
        assert_eq!(Field::parse(turned), Some(field(Unit::CacheWrite1h, 200_000, None)));
    }

    #[test]
    fn other_names_are_not_understood() {
        for name in [
            "",
            "input_cost",
            "input_cost_per_tokens",
            "input_cost_per_token_",
            "input_cost_per_token__batches",
            "input_cost_per_token_two_words",
            "input_cost_per_token_above_",
            "input_cost_per_token_above_k_tokens",
            "input_cost_per_token_above_0k_tokens",
            "input_cost_per_token_above_200k",
            "input_cost_per_token_above_1k_tokens_above_2k_tokens",
            "input_cost_per_token_above_1hr",
            "input_cost_per_token_above_99999999999999999999k_tokens",
            "input_cost_per_video_per_second_above_8s_interval",
            "cache_creation_input_token_cost_above_2hr",
            "output_cost_per_image_2K",
            "output_cost_per_second_1080p",
            "input_dbu_cost_per_token",
            "search_context_cost_per_query",
        ] {
            assert_eq!(Field::parse(name), None, "{name}");
        }
    }
}
