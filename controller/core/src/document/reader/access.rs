//! What is inside lists, mappings and choices.

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::Reader;
use super::mistake::Mistake;
use crate::document::tree::{Kind, Node};

/// Line, column, value: what `Spanned` asks for.
pub(super) struct Placed<'t> {
    pub(super) node: &'t Node,
    pub(super) next: u8,
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

pub(super) struct Items<'t> {
    pub(super) items: std::slice::Iter<'t, Node>,
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

pub(super) struct Entries<'t> {
    pub(super) entries: std::slice::Iter<'t, (Node, Node)>,
    pub(super) current: Option<&'t (Node, Node)>,
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
pub(super) struct Choice<'t> {
    pub(super) word: &'t str,
    pub(super) at: &'t Node,
    pub(super) content: Option<&'t Node>,
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

pub(super) struct Content<'t> {
    pub(super) word: &'t str,
    pub(super) at: &'t Node,
    pub(super) node: Option<&'t Node>,
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
