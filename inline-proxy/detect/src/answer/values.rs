//! Values of answers, leniently: what is of another type than it should be says nothing.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::json::{Word, nothing_in_scalars, skip_map};

/// Octets of text: of a text, a list of texts, or of parts with a `text`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Length(pub(super) u64);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Length;

            nothing_in_scalars!();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Length, E> {
                Ok(Length(text.len() as u64))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Length, A::Error> {
                let mut sum = 0;
                while let Some(Length(length)) = seq.next_element()? {
                    sum += length;
                }
                Ok(Length(sum))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Length, A::Error> {
                let mut sum = 0;
                while let Some(Word(key)) = map.next_key()? {
                    match &*key {
                        "text" | "thinking" | "refusal" => sum += map.next_value::<Length>()?.0,
                        _ => _ = map.next_value::<IgnoredAny>()?,
                    }
                }
                Ok(Length(sum))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// A word of a provider's, cut if it is longer than any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Name(String);

/// The longest.
const NAME: usize = 256;

impl Name {
    pub(super) fn some(self) -> Option<String> {
        (!self.0.is_empty()).then_some(self.0)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Word(word) = Word::deserialize(deserializer)?;
        Ok(Self(cut(&word).to_owned()))
    }
}

/// As much of it as a word may have.
pub(super) fn cut(word: &str) -> &str {
    word.get(..word.floor_char_boundary(NAME)).unwrap_or(word)
}

/// An error: its kind, by the names that providers give it. A text says nothing but that there is one.
#[derive(Debug, Clone, Default)]
pub(super) struct Fault(pub(super) Option<String>);

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kind;
        impl<'de> Visitor<'de> for Kind {
            type Value = Fault;

            nothing_in_scalars!();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an error")
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Fault, E> {
                Ok(Fault(Some("error".to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Fault, A::Error> {
                crate::json::skip_seq(seq)?;
                Ok(Fault(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fault, A::Error> {
                let mut kinds = [None, None, None];
                while let Some(Word(key)) = map.next_key()? {
                    let at = ["status", "type", "code"].iter().position(|name| *name == key);
                    match at.and_then(|at| kinds.get_mut(at)) {
                        Some(kind) => *kind = map.next_value::<Code>()?.0,
                        None => _ = map.next_value::<IgnoredAny>()?,
                    }
                }
                let kind = kinds.into_iter().flatten().next();
                Ok(Fault(Some(kind.unwrap_or_else(|| "error".to_owned()))))
            }
        }
        deserializer.deserialize_any(Kind)
    }
}

/// A word or a number.
#[derive(Default)]
struct Code(Option<String>);

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Code;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a number")
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Code, E> {
                Ok(Code(None))
            }

            fn visit_unit<E: Error>(self) -> Result<Code, E> {
                Ok(Code(None))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Code, E> {
                Ok(Code(None))
            }

            fn visit_i64<E: Error>(self, code: i64) -> Result<Code, E> {
                Ok(Code(Some(code.to_string())))
            }

            fn visit_u64<E: Error>(self, code: u64) -> Result<Code, E> {
                Ok(Code(Some(code.to_string())))
            }

            fn visit_str<E: Error>(self, code: &str) -> Result<Code, E> {
                Ok(Code((!code.is_empty()).then(|| cut(code).to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Code, A::Error> {
                crate::json::skip_seq(seq)?;
                Ok(Code(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Code, A::Error> {
                skip_map(map)?;
                Ok(Code(None))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
