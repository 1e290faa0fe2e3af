//! Money.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decimal;

/// US dollars in 10⁻¹²; printed as dollars, with as many places as it has: `0.00000125`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Picodollars(pub u128);

/// A text that is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no amount in dollars such as `0.0025`, to 12 places at most")]
pub struct PicodollarsError(String);

const DOLLAR: u128 = 10_u128.pow(12);

impl Picodollars {
    /// The most that one unit may cost: 10 000 dollars. A list that says more has a mistake.
    pub const MOST_PRICE: Self = Self(10_000 * DOLLAR);

    /// For so many units. Exact: a price of at most [`MOST_PRICE`](Self::MOST_PRICE) times any count
    /// leaves room for a thousand such amounts.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count as u128))
    }

    /// What a million units cost.
    #[must_use]
    pub const fn per_million(self) -> Self {
        self.times(1_000_000)
    }
}

impl Sum for Picodollars {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.fold(0, |sum, amount| sum.saturating_add(amount.0)))
    }
}

impl fmt::Display for Picodollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, rest) = (self.0 / DOLLAR, self.0 % DOLLAR);
        if rest == 0 {
            return write!(f, "{dollars}");
        }
        let places = format!("{rest:012}");
        write!(f, "{dollars}.{}", places.trim_end_matches('0'))
    }
}

impl FromStr for Picodollars {
    type Err = PicodollarsError;

    fn from_str(text: &str) -> Result<Self, PicodollarsError> {
        match decimal::parse(text) {
            Ok(read) if read.exact => Ok(Self(read.pico)),
            _ => Err(PicodollarsError(text.chars().take(40).collect())),
        }
    }
}

impl Serialize for Picodollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Picodollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_dollars() {
        for (pico, text) in [
            (0, "0"),
            (1, "0.000000000001"),
            (1_250_000, "0.00000125"),
            (2_500_000_000_000, "2.5"),
            (10_000 * DOLLAR, "10000"),
        ] {
            assert_eq!(Picodollars(pico).to_string(), text);
            assert_eq!(text.parse(), Ok(Picodollars(pico)));
        }
        assert!("1e-13".parse::<Picodollars>().is_err());
        assert!("0.0000000000015".parse::<Picodollars>().is_err(), "never rounded on the way back");
    }
}
