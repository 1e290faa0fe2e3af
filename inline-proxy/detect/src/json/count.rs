//! Counts, leniently.

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{skip_map, skip_seq};

/// A whole number from 0, however it is written: `100`, `100.0`, `"100"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u64>);

impl<'de> serde::Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl<'de> Visitor<'de> for Number {
            type Value = Count;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number")
            }

            fn visit_u64<E: Error>(self, count: u64) -> Result<Count, E> {
                Ok(Count(Some(count)))
            }

            fn visit_i64<E: Error>(self, count: i64) -> Result<Count, E> {
                // Ollama's -1 and -2 are no bound.
                Ok(Count(count.try_into().ok()))
            }

            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a cast of floats saturates"
            )]
            fn visit_f64<E: Error>(self, count: f64) -> Result<Count, E> {
                Ok(Count((count >= 0.0).then_some(count as u64)))
            }

            fn visit_str<E: Error>(self, count: &str) -> Result<Count, E> {
                Ok(Count(count.trim().parse().ok()))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_unit<E: Error>(self) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Count, A::Error> {
                skip_seq(seq)?;
                Ok(Count(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Count, A::Error> {
                skip_map(map)?;
                Ok(Count(None))
            }
        }
        deserializer.deserialize_any(Number)
    }
}
