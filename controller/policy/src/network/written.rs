//! Scalars as people write them: a word, what it means, and what to write instead.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use sark_core::document::{HELP, Spanned};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

/// Why a text is not what its field takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub message: String,
    pub help: Option<String>,
}

impl Wrong {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    fn into_error<E: Error>(self) -> E {
        match self.help {
            Some(help) => E::custom(format_args!("{}{HELP}{help}", self.message)),
            None => E::custom(self.message),
        }
    }
}

/// A form of scalar: how it is read, and what editors are told about it.
pub(crate) trait Form {
    /// What it means.
    type Value;

    /// Reads it; quotes are gone already.
    fn read(text: &str) -> Result<Self::Value, Wrong>;

    /// Its JSON Schema.
    fn schema() -> Schema;
}

/// A scalar of a form.
pub(crate) struct Written<F: Form>(pub F::Value);

impl<F: Form<Value: fmt::Debug>> fmt::Debug for Written<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, F: Form> Deserialize<'de> for Written<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        F::read(text.trim()).map(Self).map_err(Wrong::into_error)
    }
}

impl<F: Form> JsonSchema for Written<F> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Written".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        F::schema()
    }
}

/// A field that may be left out but, if its key is there, must have a value: a key left empty by
/// accident is not taken for "any".
#[derive(Debug)]
pub(crate) struct Field<T>(pub Option<Spanned<T>>);

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Field<T> {
    /// Line of the value, 0 if it is not there.
    pub fn line(&self) -> u32 {
        self.0.as_ref().map_or(0, |value| value.line)
    }

    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// One value, or a list of them.
#[derive(Debug)]
pub(crate) struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of values")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(text.into_deserializer()).map(|one| OneOrMany(vec![one]))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(items)).map(OneOrMany)
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OneOrMany".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

/// `{}`: the key says it all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer).map(|()| Self)
    }
}

impl JsonSchema for Nothing {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Nothing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["object", "null"], "maxProperties": 0 })
    }
}

/// A mapping with the keys of `T`, or one of the words `T` can be said with.
#[derive(Debug)]
pub(crate) struct WordOr<T>(pub T);

/// What a bare word stands for.
pub(crate) trait FromWord: Sized {
    /// Words that need nothing more.
    const WORDS: &'static [&'static str];
    /// Keys that cannot be words, for the message.
    const KEYS: &'static [&'static str];

    /// `word` is one of `WORDS`.
    fn from_word(word: &str) -> Self;
}

impl<'de, T: Deserialize<'de> + FromWord> Deserialize<'de> for WordOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrVisitor(PhantomData))
    }
}

struct WordOrVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + FromWord> Visitor<'de> for WordOrVisitor<T> {
    type Value = WordOr<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a word ({}) or a mapping", T::WORDS.join(", "))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        if T::WORDS.contains(&word) {
            Ok(WordOr(T::from_word(word)))
        } else if T::KEYS.contains(&word) {
            Err(Wrong::new(format!("`{word}` needs a value"))
                .help(format!("write `{{ {word}: {{ … }} }}`"))
                .into_error())
        } else {
            Err(E::unknown_variant(word, T::WORDS))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(WordOr)
    }
}

impl<T: JsonSchema + FromWord> JsonSchema for WordOr<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WordOr".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mapping = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [{ "enum": T::WORDS }, mapping] })
    }
}
