//! JSON of requests, read so that no other parser can read it otherwise.
//!
//! Parsers disagree about a key that is there twice, and Go's take `MODEL` for `model`. Whoever
//! decides on one of them and sends the other on has decided nothing, so each [`Object`] names the keys
//! that it reads, and refuses a second one or one in other letters. What it does not name is skipped.

mod count;

use std::borrow::Cow;
use std::fmt;

use memchr::memchr2;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

pub(crate) use count::Count;

/// An object of which some keys are read.
pub(crate) trait Object<'de> {
    /// At most 64.
    const KEYS: &'static [&'static str];

    /// Takes the value of one of them from the map.
    fn entry<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Refuses, in words that quote nothing of the document.
pub(crate) fn refuse<E: Error>(why: impl fmt::Display) -> E {
    E::custom(format_args!("{MARK}{why}"))
}

/// Messages of ours begin with it; serde's own may quote a value.
pub(crate) const MARK: char = '\u{1}';

/// What is no array, object or text says nothing here.
macro_rules! nothing_in_scalars {
    () => {
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}
pub(crate) use nothing_in_scalars;

pub(crate) fn skip_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

pub(crate) fn skip_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads an object into it; anything else is skipped. True if it was an object.
pub(crate) struct Fields<'a, T>(pub(crate) &'a mut T);

impl<'de, T: Object<'de>> DeserializeSeed<'de> for Fields<'_, T> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Object<'de>> Visitor<'de> for Fields<'_, T> {
    type Value = bool;

    nothing_in_scalars!();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<bool, A::Error> {
        skip_seq(seq)?;
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        fields(self.0, map)?;
        Ok(true)
    }
}

/// Reads the rest of an object into it.
pub(crate) fn fields<'de, T: Object<'de>, A: MapAccess<'de>>(
    object: &mut T,
    mut map: A,
) -> Result<(), A::Error> {
    let mut met = 0_u64;
    while let Some(Word(key)) = map.next_key::<Word<'de>>()? {
        let known = T::KEYS.iter().enumerate().find(|(_, known)| **known == key);
        let Some((at, known)) = known else {
            if let Some(known) = T::KEYS.iter().find(|known| folds(&key, known)) {
                return Err(refuse(format_args!("`{known}` is written in other letters")));
            }
            map.next_value::<IgnoredAny>()?;
            continue;
        };
        let bit = 1 << (at % 64);
        if met & bit != 0 {
            return Err(refuse(format_args!("`{known}` is there twice")));
        }
        met |= bit;
        object.entry(known, &mut map)?;
    }
    Ok(())
}

/// As Go's encoding/json compares keys: in any case, with the long s and the sign for kelvin.
fn folds(key: &str, known: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    // Most differ in the first letter.
    let mut firsts = key.chars().next().zip(known.chars().next()).into_iter();
    firsts.all(|(first, other)| fold(first) == fold(other))
        && key.chars().map(fold).eq(known.chars().map(fold))
}

/// A text, borrowed if it can be.
#[derive(Debug, Default)]
pub(crate) struct Word<'a>(pub(crate) Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Word<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Word<'de>;

            nothing_in_scalars!();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Word<'de>, E> {
                Ok(Word(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Word<'de>, E> {
                Ok(Word(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Word<'de>, A::Error> {
                skip_seq(seq)?;
                Ok(Word::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Word<'de>, A::Error> {
                skip_map(map)?;
                Ok(Word::default())
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// Each element of an array, by `with`; what stands there instead of an array is an element too if it
/// is an object.
pub(crate) struct Each<F>(pub(crate) F);

/// Reads one value.
pub(crate) trait One<'de> {
    /// Takes it from where it stands.
    fn one<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error>;
}

impl<'de, F: One<'de>> DeserializeSeed<'de> for Each<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: One<'de>> Visitor<'de> for Each<F> {
    type Value = ();

    nothing_in_scalars!();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Next(&mut self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        self.0.one(serde::de::value::MapAccessDeserializer::new(map))
    }
}

struct Next<'a, F>(&'a mut F);

impl<'de, F: One<'de>> DeserializeSeed<'de> for Next<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.one(deserializer)
    }
}

/// Where brackets are open deeper than this, if they are.
pub(crate) fn too_deep(octets: &[u8], most: u32) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_u32);
    while let Some(octet) = octets.get(at) {
        at += 1;
        match octet {
            b'{' | b'[' => {
                depth += 1;
                if depth > most {
                    return Some(at - 1);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => at += string(octets.get(at..).unwrap_or_default()),
            _ => {}
        }
    }
    None
}

/// How many of these octets belong to a string, its last quote included.
fn string(octets: &[u8]) -> usize {
    let mut at = 0;
    while let Some(length) = memchr2(b'"', b'\\', octets.get(at..).unwrap_or_default()) {
        at += length;
        match octets.get(at) {
            Some(b'"') => return at + 1,
            _ => at += 2,
        }
    }
    octets.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_another_parser_takes_for_it() {
        for (key, is_it) in
            [("Model", true), ("MODEL", true), ("models", false), ("mode", false), ("mödel", false)]
        {
            assert_eq!(folds(key, "model"), is_it, "{key}");
        }
        assert!(folds("\u{17f}tream", "stream") && folds("tool\u{17f}", "tools"));
        assert!(folds("to\u{212a}en", "token"));
        assert!(folds("maxoutputtokens", "maxOutputTokens"));
    }

    #[test]
    fn depth_is_of_brackets_outside_of_strings() {
        assert_eq!(too_deep(br#"{"a":["[[[[{{{{"]}"#, 2), None);
        assert_eq!(too_deep(br#"{"a":["\"[[",[1]]}"#, 2), Some(13));
        assert_eq!(too_deep(br#"[[]],[[]]"#, 2), None);
        assert_eq!(too_deep("[".repeat(1000).as_bytes(), 96), Some(96));
        assert_eq!(too_deep(br#"["\"#, 9), None);
    }
}
