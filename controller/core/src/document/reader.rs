//! Tree → value, with the type as the schema and our own words for what does not fit.

use std::fmt;

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::diagnostic::{listed, nearest};
use super::spanned::MARKER;
use super::tree::{Kind, Node, Scalar};

/// What does not fit, and the node to leave out.
pub(super) struct Reported {
    pub message: String,
    pub help: Option<String>,
    pub place: (u32, u32),
}

/// Reads `root`; every node that does not fit is reported and taken out, until the rest fits.
pub(super) fn repair<T: DeserializeOwned>(
    root: &mut Node,
    limit: usize,
    mut report: impl FnMut(Reported),
) -> Option<T> {
    let mut removed: Vec<(u32, String)> = Vec::new();
    let mut reported = 0;
    loop {
        let mistake = match T::deserialize(Reader { node: root }) {
            Ok(value) => return Some(value),
            Err(mistake) => mistake,
        };
        let node = mistake.node.unwrap_or(root.id);
        // What is missing because it was taken out above has been reported there.
        let known = mistake.missing.is_some_and(|key| {
            removed.iter().any(|(of, name)| *of == node && (name == key || key == ANY))
        });
        if !known {
            let (message, help) = (mistake.message, mistake.help);
            report(Reported {
                message,
                help,
                place: mistake.place.unwrap_or((root.line, root.column)),
            });
            reported += 1;
        }
        if let (Some(meant), Some(of)) = (mistake.meant, holder(root, node)) {
            removed.push((of, meant));
        }
        if reported >= limit || node == root.id || !remove(root, node, &mut removed) {
            return None;
        }
    }
}

/// Stands for whichever key of a mapping that needs exactly one.
const ANY: &str = "";

/// The mapping or list that holds the node `id`.
fn holder(at: &Node, id: u32) -> Option<u32> {
    match &at.kind {
        Kind::Null | Kind::Scalar(..) => None,
        Kind::Sequence(items) if items.iter().any(|item| item.id == id) => Some(at.id),
        Kind::Sequence(items) => items.iter().find_map(|item| holder(item, id)),
        Kind::Mapping(entries)
            if entries.iter().any(|(key, value)| key.id == id || value.id == id) =>
        {
            Some(at.id)
        }
        Kind::Mapping(entries) => entries.iter().find_map(|(_, value)| holder(value, id)),
    }
}

/// Takes out the entry or item that holds the node `id`.
fn remove(at: &mut Node, id: u32, removed: &mut Vec<(u32, String)>) -> bool {
    match &mut at.kind {
        Kind::Null | Kind::Scalar(..) => false,
        Kind::Sequence(items) => match items.iter().position(|item| item.id == id) {
            Some(index) => {
                items.remove(index);
                true
            }
            None => items.iter_mut().any(|item| remove(item, id, removed)),
        },
        Kind::Mapping(entries) => {
            match entries.iter().position(|(key, value)| key.id == id || value.id == id) {
                Some(index) => {
                    let (key, _) = entries.remove(index);
                    if let Kind::Scalar(key, _) = key.kind {
                        removed.push((at.id, key));
                    }
                    true
                }
                None => entries.iter_mut().any(|(_, value)| remove(value, id, removed)),
            }
        }
    }
}

/// An error on its way up: the nearest node that holds it fills in the place.
#[derive(Debug)]
pub(super) struct Mistake {
    message: String,
    help: Option<String>,
    /// The key that is not there.
    missing: Option<&'static str>,
    /// The key that was probably meant by an unknown one.
    meant: Option<String>,
    node: Option<u32>,
    place: Option<(u32, u32)>,
}

impl Mistake {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
            missing: None,
            meant: None,
            node: None,
            place: None,
        }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// In `node`; shown at `shown`.
    fn within(self, node: &Node, shown: &Node) -> Self {
        Self {
            node: self.node.or(Some(node.id)),
            place: self.place.or(Some((shown.line, shown.column))),
            ..self
        }
    }

    fn unknown(what: &str, word: &str, known: &[&str]) -> Self {
        let mistake = Self::new(format!("unknown {what} `{word}`"));
        match nearest(word, known.iter().copied()) {
            Some(near) => Self { meant: Some(near.to_owned()), ..mistake }
                .help(format!("did you mean `{near}`?")),
            None if known.is_empty() => mistake.help("no key is known here"),
            None => mistake.help(format!("known here: {}", listed(known.iter().copied()))),
        }
    }
}

impl std::error::Error for Mistake {}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl de::Error for Mistake {
    /// A type's own complaint; what follows [`HELP`](super::HELP) is the help.
    fn custom<M: fmt::Display>(message: M) -> Self {
        let message = message.to_string();
        if message.starts_with("data did not match any variant") {
            return Self::new("this form of value is not known here");
        }
        match message.split_once(super::HELP) {
            Some((message, help)) => Self::new(message).help(help),
            None => Self::new(message),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Map => "a mapping".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
            Unexpected::Str(text) => format!("`{text}`"),
            Unexpected::Bool(value) => format!("`{value}`"),
            Unexpected::Unsigned(value) => format!("`{value}`"),
            Unexpected::Signed(value) => format!("`{value}`"),
            Unexpected::Float(value) => format!("`{value}`"),
            _ => "something else".to_owned(),
        };
        Self::new(format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::unknown("word", word, known)
    }

    fn unknown_field(word: &str, known: &'static [&'static str]) -> Self {
        Self::unknown("key", word, known)
    }

    fn missing_field(key: &'static str) -> Self {
        Self { missing: Some(key), ..Self::new(format!("missing key `{key}`")) }
    }
}

#[derive(Clone, Copy)]
struct Reader<'t> {
    node: &'t Node,
}

impl<'t> Reader<'t> {
    fn expected(&self, what: &str) -> Mistake {
        let found = match &self.node.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Scalar(text, _) if text.chars().count() > 60 => "a long text".to_owned(),
            Kind::Scalar(text, _) => format!("`{text}`"),
            Kind::Sequence(_) => "a list".to_owned(),
            Kind::Mapping(_) => "a mapping".to_owned(),
        };
        Mistake::new(format!("expected {what}, found {found}"))
    }

    fn text(&self) -> Result<&'t str, Mistake> {
        match &self.node.kind {
            Kind::Scalar(text, _) => Ok(text),
            Kind::Null | Kind::Sequence(_) | Kind::Mapping(_) => Err(self.expected("text")),
        }
    }

    /// A whole number, written in plain decimal.
    fn integer(&self, least: i128, most: i128) -> Result<i128, Mistake> {
        let wanted = format!("a whole number from {least} to {most}");
        let Kind::Scalar(text, scalar) = &self.node.kind else {
            return Err(self.expected(&wanted));
        };
        let digits = text.strip_prefix('-').unwrap_or(text);
        let decimal = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
        if decimal && digits.len() > 1 && digits.starts_with('0') {
            let value = digits.trim_start_matches('0');
            return Err(self.expected(&wanted).help(format!(
                "write it without leading zeros, `{}`",
                if value.is_empty() { "0" } else { value }
            )));
        }
        let quoted = decimal && matches!(scalar, Scalar::Text) && digits.len() < 19;
        match text.parse::<i128>() {
            Ok(_) if quoted => Err(self.expected(&wanted).help("write the number without quotes")),
            Ok(value) if decimal && (least..=most).contains(&value) => Ok(value),
            _ => Err(self.expected(&wanted)),
        }
    }

    fn entries(&self, fields: &[&str]) -> Result<Entries<'t>, Mistake> {
        match &self.node.kind {
            Kind::Mapping(entries) => Ok(Entries { entries: entries.iter(), current: None }),
            _ if fields.is_empty() => Err(self.expected("a mapping")),
            _ => Err(self
                .expected("a mapping of keys and values")
                .help(format!("known here: {}", listed(fields.iter().copied())))),
        }
    }
}

macro_rules! integers {
    ($($method:ident, $visit:ident, $type:ty;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
            let value = self.integer(<$type>::MIN.into(), <$type>::MAX.into())?;
            // `integer` has checked the range.
            visitor.$visit(<$type>::try_from(value).unwrap_or_default())
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Scalar(text, Scalar::Text) => visitor.visit_str(text),
            Kind::Scalar(_, Scalar::Bool(value)) => visitor.visit_bool(*value),
            Kind::Scalar(_, Scalar::Unsigned(value)) => visitor.visit_u64(*value),
            Kind::Scalar(_, Scalar::Signed(value)) => visitor.visit_i64(*value),
            Kind::Scalar(_, Scalar::Float(value)) => visitor.visit_f64(*value),
            Kind::Sequence(items) => visitor.visit_seq(Items { items: items.iter() }),
            Kind::Mapping(_) => visitor.visit_map(self.entries(&[])?),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.kind {
            Kind::Scalar(text, Scalar::Bool(_)) if text == "true" => visitor.visit_bool(true),
            Kind::Scalar(text, Scalar::Bool(_)) if text == "false" => visitor.visit_bool(false),
            _ => Err(self.expected("`true` or `false`")),
        }
    }

    integers! {
        deserialize_i8, visit_i8, i8;
        deserialize_i16, visit_i16, i16;
        deserialize_i32, visit_i32, i32;
        deserialize_i64, visit_i64, i64;
        deserialize_u8, visit_u8, u8;
        deserialize_u16, visit_u16, u16;
        deserialize_u32, visit_u32, u32;
        deserialize_u64, visit_u64, u64;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.node.kind {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a whole number where a fraction may stand"
            )]
            Kind::Scalar(_, Scalar::Unsigned(value)) => visitor.visit_f64(value as f64),
            #[expect(
                clippy::cast_precision_loss,
                reason = "a whole number where a fraction may stand"
            )]
            Kind::Scalar(_, Scalar::Signed(value)) => visitor.visit_f64(value as f64),
            Kind::Scalar(_, Scalar::Float(value)) => visitor.visit_f64(value),
            _ => Err(self.expected("a number")),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.node.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Mapping(entries) if entries.is_empty() => visitor.visit_unit(),
            _ => Err(self.expected("nothing")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        if name == MARKER {
            visitor.visit_seq(Placed { node: self.node, next: 0 })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.kind {
            Kind::Sequence(items) => visitor.visit_seq(Items { items: items.iter() }),
            Kind::Scalar(text, _) => Err(self.expected("a list").help(format!("write `[{text}]`"))),
            Kind::Null | Kind::Mapping(_) => Err(self.expected("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_map(self.entries(&[])?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        visitor.visit_map(self.entries(fields)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let choice = match &self.node.kind {
            Kind::Scalar(word, _) => Choice { word, at: self.node, content: None },
            Kind::Mapping(entries) => match entries.as_slice() {
                [(key, value)] => {
                    Choice { word: Reader { node: key }.text()?, at: key, content: Some(value) }
                }
                several => {
                    let all = listed(variants.iter().copied());
                    let mistake = Mistake::new(format!("expected exactly one of {all}"));
                    let missing = several.is_empty().then_some(ANY);
                    return Err(Mistake { missing, ..mistake });
                }
            },
            Kind::Null | Kind::Sequence(_) => {
                return Err(self.expected(&format!("one of {}", listed(variants.iter().copied()))));
            }
        };
        if variants.contains(&choice.word) {
            return visitor.visit_enum(choice);
        }
        let what = if choice.content.is_some() { "key" } else { "word" };
        Err(Mistake::unknown(what, choice.word, variants).within(self.node, choice.at))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_unit()
    }
}

/// Line, column, value: what `Spanned` asks for.
struct Placed<'t> {
    node: &'t Node,
    next: u8,
}

impl<'de> SeqAccess<'de> for Placed<'_> {
    type Error = Mistake;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mistake> {
        self.next += 1;
        let number = |value: u32| -> U32Deserializer<Mistake> { value.into_deserializer() };
        match self.next {
            1 => seed.deserialize(number(self.node.line)).map(Some),
            2 => seed.deserialize(number(self.node.column)).map(Some),
            3 => seed.deserialize(Reader { node: self.node }).map(Some),
            _ => Ok(None),
        }
    }
}

struct Items<'t> {
    items: std::slice::Iter<'t, Node>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Mistake;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mistake> {
        let Some(node) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader { node }).map(Some).map_err(|mistake| mistake.within(node, node))
    }
}

struct Entries<'t> {
    entries: std::slice::Iter<'t, (Node, Node)>,
    current: Option<&'t (Node, Node)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Mistake;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mistake> {
        self.current = self.entries.next();
        let Some((key, _)) = self.current else { return Ok(None) };
        seed.deserialize(Reader { node: key }).map(Some).map_err(|mistake| mistake.within(key, key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mistake> {
        let Some((key, value)) = self.current else {
            return Err(Mistake::new("a value without a key"));
        };
        seed.deserialize(Reader { node: value }).map_err(|mistake| {
            // An absent key shows at the key above it; anything else at the value.
            let empty = matches!(value.kind, Kind::Null);
            let shown = if mistake.missing.is_some() || empty { key } else { value };
            mistake.within(value, shown)
        })
    }
}

/// A bare word, or one key with its content.
struct Choice<'t> {
    word: &'t str,
    at: &'t Node,
    content: Option<&'t Node>,
}

impl<'de, 't> EnumAccess<'de> for Choice<'t> {
    type Error = Mistake;
    type Variant = Content<'t>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Content<'t>), Mistake> {
        let word: StrDeserializer<'_, Mistake> = self.word.into_deserializer();
        let chosen = seed.deserialize(word).map_err(|mistake| mistake.within(self.at, self.at))?;
        Ok((chosen, Content { word: self.word, at: self.at, node: self.content }))
    }
}

struct Content<'t> {
    word: &'t str,
    at: &'t Node,
    node: Option<&'t Node>,
}

impl<'t> Content<'t> {
    fn node(&self) -> Result<Reader<'t>, Mistake> {
        let absent =
            || Mistake::new(format!("`{}` needs a value: `{{ {}: … }}`", self.word, self.word));
        self.node.map(|node| Reader { node }).ok_or_else(absent)
    }

    fn placed<T>(&self, result: Result<T, Mistake>) -> Result<T, Mistake> {
        result.map_err(|mistake| {
            let node = self.node.unwrap_or(self.at);
            let shown = if mistake.missing.is_some() { self.at } else { node };
            mistake.within(node, shown)
        })
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Mistake;

    fn unit_variant(self) -> Result<(), Mistake> {
        match self.node {
            None => Ok(()),
            Some(node) => self.placed(de::Deserialize::deserialize(Reader { node })),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Mistake> {
        let reader = self.node()?;
        self.placed(seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mistake> {
        let reader = self.node()?;
        self.placed(reader.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let reader = self.node()?;
        self.placed(reader.deserialize_struct("", fields, visitor))
    }
}
