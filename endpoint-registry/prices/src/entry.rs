//! One entry of a list, from the text of its JSON.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::decimal::{self, DecimalError};
use crate::{Field, Model, Picodollars, Price, Range};

/// Longest name of a model.
pub(crate) const NAME: usize = 256;
/// Longest other word.
const WORD: usize = 64;
/// Most prices of an entry, and of a range.
const PRICES: usize = 512;
/// Most ranges.
const RANGES: usize = 64;

/// What an entry is.
pub(crate) enum Entry {
    Model(Model),
    /// Another name for this one.
    Alias(Arc<str>),
}

/// What was met on the way.
#[derive(Debug, Default)]
pub(crate) struct Met {
    /// Fields about money that are not understood, and so not used.
    pub(crate) unused: Vec<String>,
    /// Prices that were rounded.
    pub(crate) rounded: u64,
}

/// Reads an entry; the error is the reason why it cannot be used. One price that cannot be read is
/// enough: what would be left is another offer than the list's.
pub(crate) fn read(name: &Arc<str>, raw: &str, met: &mut Met) -> Result<Entry, String> {
    let fields = fields(raw)?;
    let mut model = Model {
        name: Arc::clone(name),
        provider: None,
        mode: None,
        max_input: None,
        max_output: None,
        deprecated: None,
        prices: Box::default(),
        ranges: Box::default(),
    };
    let (mut prices, mut alias) = (Vec::new(), None);
    for (key, value) in &fields.0 {
        let text = value.get();
        match &**key {
            "litellm_provider" => model.provider = word(text),
            "mode" => model.mode = word(text),
            "deprecation_date" => model.deprecated = word(text),
            "max_input_tokens" => model.max_input = decimal::whole(text),
            "max_output_tokens" => model.max_output = decimal::whole(text),
            "alias_of" => alias = plain::<String>(text),
            "search_context_cost_per_query" if text != "null" => {
                for (size, value) in &self::fields(text).map_err(|why| format!("{key}: {why}"))?.0 {
                    price(&format!("{key}.{size}"), value.get(), &mut prices, met)?;
                }
            }
            "tiered_pricing" if text != "null" => model.ranges = ranges(text, met)?,
            _ => price(key, text, &mut prices, met)?,
        }
    }
    model.prices = sorted(prices)?;
    match alias {
        Some(other) if model.is_unpriced() && other.len() <= NAME => Ok(Entry::Alias(other.into())),
        _ => Ok(Entry::Model(model)),
    }
}

/// Takes the field if it is a price; if it is about money all the same, it is noted.
fn price(
    key: &str,
    text: &str,
    prices: &mut Vec<(bool, Price)>,
    met: &mut Met,
) -> Result<(), String> {
    let Some(field) = Field::parse(key) else {
        if ["cost", "pric", "multiplier", "provider_specific"].iter().any(|it| key.contains(it)) {
            met.unused.push(key.chars().take(WORD).collect());
        }
        return Ok(());
    };
    if text == "null" {
        return Ok(());
    }
    // Some lists quote their numbers.
    let number = if text.starts_with('"') {
        plain::<String>(text).map_or(Cow::Borrowed(text), Cow::Owned)
    } else {
        Cow::Borrowed(text)
    };
    let read = decimal::parse(&number).and_then(|read| match Picodollars(read.pico) {
        amount if amount <= Picodollars::MOST_PRICE => Ok((amount, read.exact)),
        _ => Err(DecimalError::TooLarge),
    });
    let (amount, exact) = read.map_err(|why| format!("{key}: {} {why}", few(text)))?;
    met.rounded += u64::from(!exact);
    if prices.len() >= PRICES {
        return Err(format!("it has more than {PRICES} prices"));
    }
    // A name that is not the usual one of its field yields to it.
    let is_usual = field.to_string() == key;
    prices.push((is_usual, Price { field, amount }));
    Ok(())
}

/// By field, each once.
fn sorted(mut prices: Vec<(bool, Price)>) -> Result<Box<[Price]>, String> {
    prices.sort_by(|(a_usual, a), (b_usual, b)| {
        a.field.cmp(&b.field).then_with(|| b_usual.cmp(a_usual))
    });
    let mut kept: Vec<(bool, Price)> = Vec::with_capacity(prices.len());
    for (is_usual, price) in prices {
        match kept.last() {
            Some((last_usual, last)) if last.field == price.field => {
                if *last_usual == is_usual {
                    return Err(format!("{} is there twice", price.field));
                }
            }
            _ => kept.push((is_usual, price)),
        }
    }
    Ok(kept.into_iter().map(|(_, price)| price).collect())
}

/// Lists by something else than the length of the prompt are not understood.
fn ranges(text: &str, met: &mut Met) -> Result<Box<[Range]>, String> {
    let wrong = |why: &str| format!("tiered_pricing: {why}");
    let items: Vec<Fields<'_>> =
        serde_json::from_str(text).map_err(|_| wrong("it is no list of objects"))?;
    if items.len() > RANGES {
        return Err(wrong("it has too many items"));
    }
    let is_range = |item: &Fields<'_>| item.0.iter().any(|(key, _)| key == "range");
    if !items.iter().any(is_range) {
        met.unused.push("tiered_pricing".to_owned());
        return Ok(Box::default());
    }
    let mut ranges = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let wrong = |why: &str| wrong(&format!("item {at}: {why}"));
        let (mut prices, mut bounds) = (Vec::new(), None);
        for (key, value) in &item.0 {
            match &**key {
                "range" => bounds = limits(value.get()),
                _ => price(key, value.get(), &mut prices, met).map_err(|why| wrong(&why))?,
            }
        }
        let (above, most) =
            bounds.ok_or_else(|| wrong("its range is not two numbers of tokens"))?;
        let prices = sorted(prices).map_err(|why| wrong(&why))?;
        ranges.push(Range { above, most, prices });
    }
    ranges.sort_by_key(|range| range.above);
    let apart = |pair: &[Range]| pair[0].most.is_some_and(|most| most <= pair[1].above);
    if ranges.windows(2).all(apart) {
        Ok(ranges.into())
    } else {
        Err(wrong("its ranges lie over one another"))
    }
}

/// `[0, 256000.0]`; a missing end is none.
fn limits(text: &str) -> Option<(u64, Option<u64>)> {
    let bounds: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let (above, most) = match bounds.as_slice() {
        [above, most] if most.get() != "null" => (above, Some(decimal::whole(most.get())?)),
        [above, _] => (above, None),
        _ => return None,
    };
    let above = decimal::whole(above.get())?;
    most.is_none_or(|most| most > above).then_some((above, most))
}

/// An object's fields as they are written; what is in them is not looked into.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// Text that is borrowed where it can be.
#[derive(Deserialize)]
pub(crate) struct Key<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
                    fields.push((key, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

fn fields(raw: &str) -> Result<Fields<'_>, String> {
    serde_json::from_str(raw).map_err(|_| format!("it is no object, but {}", few(raw)))
}

fn plain<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Words that say something about the model; what is no word is not there.
fn word(text: &str) -> Option<Arc<str>> {
    let word = plain::<String>(text)?;
    (!word.is_empty() && word.len() <= WORD).then(|| word.into())
}

/// The first characters, on one line.
pub(crate) fn few(text: &str) -> String {
    const FEW: usize = 24;
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    let mut start: String = text.chars().take(FEW).map(plain).collect();
    if text.chars().nth(FEW).is_some() {
        start.push('…');
    }
    start
}
