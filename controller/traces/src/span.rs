//! What one span says.

use std::borrow::Cow;

use crate::{SpanId, TraceId};

/// The most octets of a text; a longer one is cut.
pub const MOST_TEXT: usize = 256;
/// And of texts in a list.
const MOST_TEXTS: usize = 16;

/// What a span has to do with others (`SpanKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Within the program.
    Internal,
    /// Somebody asked.
    Server,
    /// Somebody is asked.
    Client,
}

/// What an attribute says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text of at most [`MOST_TEXT`] octets.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
    /// Several texts.
    Texts(Vec<Cow<'static, str>>),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(cut(text)))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        let texts = texts.into_iter().take(MOST_TEXTS);
        Self::Texts(texts.map(|text| Cow::Owned(cut(text))).collect())
    }
}

/// At the end of a character, and no more memory than that.
pub(crate) fn cut(mut text: String) -> String {
    if text.len() > MOST_TEXT {
        text.truncate(text.floor_char_boundary(MOST_TEXT));
        text.shrink_to_fit();
    }
    text
}

/// Names and what they say, each once. Names are the program's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    pairs: Vec<(&'static str, Value)>,
    /// Whether the span is an error.
    pub(crate) has_failed: bool,
}

impl Attributes {
    /// This name says this from now on.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        match self.pairs.iter_mut().find(|(before, _)| *before == name) {
            Some((_, before)) => *before = value,
            None => self.pairs.push((name, value)),
        }
        self
    }

    /// The same, if there is something to say.
    pub fn maybe(&mut self, name: &'static str, value: Option<impl Into<Value>>) -> &mut Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// It did not do what it was for: `error.type`, and the span's status. The first word stays.
    pub fn failed(&mut self, why: impl Into<Value>) -> &mut Self {
        if std::mem::replace(&mut self.has_failed, true) {
            return self;
        }
        self.set("error.type", why)
    }

    /// All of them, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &(&'static str, Value)> {
        self.pairs.iter()
    }
}

/// One that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Whose.
    pub trace: TraceId,
    /// Its id.
    pub id: SpanId,
    /// Within which, if it is not the first.
    pub parent: Option<SpanId>,
    /// Whether that one is another program's.
    pub is_remote: bool,
    /// Whether whoever continues the trace should keep it.
    pub is_sampled: bool,
    /// What it is called.
    pub name: Cow<'static, str>,
    /// See the type.
    pub kind: Kind,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Not before `start`.
    pub end: u64,
    /// What it says.
    pub attributes: Attributes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        let text = "ö".repeat(MOST_TEXT);
        let Value::Text(kept) = Value::from(text) else { unreachable!() };
        assert_eq!(kept.len(), MOST_TEXT);
        let Value::Text(kept) = Value::from(format!("a{}", "ö".repeat(MOST_TEXT))) else {
            unreachable!()
        };
        assert_eq!(kept.len(), MOST_TEXT - 1);
        let Value::Texts(kept) = Value::from(vec!["x".to_owned(); 100]) else { unreachable!() };
        assert_eq!(kept.len(), MOST_TEXTS);
    }

    #[test]
    fn a_name_says_one_thing_and_the_first_failure_stays() {
        let mut attributes = Attributes::default();
        attributes.set("a", 1_u64).set("a", 2_u64).maybe("b", None::<u64>);
        attributes.failed("first").failed("second");
        let all: Vec<_> = attributes.iter().cloned().collect();
        assert_eq!(all, [("a", Value::Number(2)), ("error.type", Value::from("first"))]);
    }
}
