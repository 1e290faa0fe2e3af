//! Tree → value, with the type as the schema and our own words for what does not fit.

use serde::de::{DeserializeOwned, Deserializer, Visitor};

use self::access::{Choice, Entries, Items, Placed};
use self::mistake::Mistake;
use super::diagnostic::listed;
use super::spanned::MARKER;
use super::tree::{Kind, Node, Scalar};

mod access;
mod mistake;

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
            _ => Err(self.expected("nothing or `{}`")),
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
