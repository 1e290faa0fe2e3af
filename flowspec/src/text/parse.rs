//! Text → NLRI.
//!
//! ```text
//! rule      = component *( space component )
//! component = ("dst" / "src") space prefix
//!           / numeric-keyword space numeric *( ("|" / "&") numeric )
//!           / bitmask-keyword space bitmask *( ("|" / "&") bitmask )
//! prefix    = address "/" length [ "-" offset ]              ; offset: IPv6 only
//! numeric   = ("=" / "!=" / "<" / "<=" / ">" / ">=") number / "true" / "false"
//! bitmask   = [ "!" ] [ "=" ] number                         ; "=": all bits, without: any bit
//! ```
//!
//! `&` binds tighter than `|`. Keywords are in lower case, and there is no space inside a
//! component's value. Reading is wider than printing in three ways only: components may come in
//! any order, spaces may be many, and a number may be hexadecimal (`0x12`). Values get their
//! canonical width, so what was decoded with longer widths prints and reads the same text, but
//! not the same octets.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv4Net;

use super::{Cursor, TextError, unexpected};
use crate::component::Shape;
use crate::item::Item;
use crate::{
    Afi, BitmaskItem, Component, ComponentType, Nlri, NlriError, NumericItem, NumericOp,
    PrefixMatch,
};

impl Nlri {
    /// Reads the text that `Display` prints, such as
    /// `dst 192.0.2.0/24 proto =6 dport =443|>=8000&<=8100`. Values must lie within their fields,
    /// as for [`Nlri::new`]; they get their canonical width.
    pub fn parse(afi: Afi, text: &str) -> Result<Self, TextError> {
        let mut cursor = Cursor::new(text);
        let mut components: Vec<Component> = Vec::new();
        loop {
            let (word, place) = cursor.word();
            if word.is_empty() && !components.is_empty() {
                return Self::new(afi, components).map_err(TextError::Rule);
            }
            let kind = ComponentType::ALL
                .into_iter()
                .find(|kind| kind.keyword() == word)
                .ok_or_else(|| unexpected(place.start, keywords(afi), word))?;
            if !kind.in_family(afi) {
                let source = NlriError::WrongFamily { kind, afi };
                return Err(TextError::Component { at: place.start, source });
            }
            if components.iter().any(|component| component.component_type() == kind) {
                return Err(TextError::Repeated { at: place.start, kind });
            }
            cursor.skip_space();
            let at = cursor.at();
            let component = match kind.shape() {
                Shape::Prefix(make) => make(prefix(afi, &mut cursor)?),
                Shape::Numeric(make) => make(list(kind, &mut cursor, numeric)?),
                Shape::Bitmask(make) => make(list(kind, &mut cursor, bitmask)?),
            };
            // The same checks as for the whole, here so that the error knows its place.
            match Self::new(afi, vec![component.clone()]) {
                Err(source) if !matches!(source, NlriError::TooLong { .. }) => {
                    return Err(TextError::Component { at, source });
                }
                _ => components.push(component),
            }
        }
    }
}

fn keywords(afi: Afi) -> String {
    let all = ComponentType::ALL.into_iter().filter(|kind| kind.in_family(afi));
    let words: Vec<&str> = all.map(ComponentType::keyword).collect();
    format!("one of {}", words.join(" "))
}

/// Items joined by `|` and `&`, up to white space.
fn list<I: Item>(
    kind: ComponentType,
    cursor: &mut Cursor<'_>,
    item: fn(&mut Cursor<'_>, ComponentType) -> Result<I, TextError>,
) -> Result<Vec<I>, TextError> {
    let mut items: Vec<I> = vec![item(cursor, kind)?];
    loop {
        let and = cursor.eat("&");
        if !and && !cursor.eat("|") {
            return if cursor.is_at_end() || cursor.rest().starts_with(is_space) {
                Ok(items)
            } else {
                Err(cursor.expected("`|`, `&` or a space"))
            };
        }
        let mut next = item(cursor, kind)?;
        next.set_and(and);
        items.push(next);
    }
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace()
}

fn numeric(cursor: &mut Cursor<'_>, kind: ComponentType) -> Result<NumericItem, TextError> {
    const OPERATORS: [(&str, NumericOp); 6] = [
        ("=", NumericOp::Equal),
        ("!=", NumericOp::NotEqual),
        ("<=", NumericOp::LessOrEqual),
        (">=", NumericOp::GreaterOrEqual),
        ("<", NumericOp::Less),
        (">", NumericOp::Greater),
    ];
    for (word, op) in [("true", NumericOp::True), ("false", NumericOp::False)] {
        if cursor.eat(word) {
            return Ok(NumericItem { width: kind.canonical_width(0), ..NumericItem::new(op, 0) });
        }
    }
    let Some((_, op)) = OPERATORS.into_iter().find(|(word, _)| cursor.eat(word)) else {
        return Err(cursor.expected("a comparison such as =6, !=6, <6, <=6, >6 or >=6"));
    };
    let value = cursor.number()?;
    Ok(NumericItem { width: kind.canonical_width(value), ..NumericItem::new(op, value) })
}

fn bitmask(cursor: &mut Cursor<'_>, _: ComponentType) -> Result<BitmaskItem, TextError> {
    if !cursor.rest().starts_with(|c: char| c == '!' || c == '=' || c.is_ascii_digit()) {
        return Err(cursor.expected("bits such as 2 (any of them) or =18 (all), `!` to invert"));
    }
    let not = cursor.eat("!");
    let all = cursor.eat("=");
    let value = cursor.number()?;
    Ok(BitmaskItem { not, all, ..BitmaskItem::any(value) })
}

fn prefix(afi: Afi, cursor: &mut Cursor<'_>) -> Result<PrefixMatch, TextError> {
    let (word, place) = cursor.word();
    let expected = match afi {
        Afi::Ipv4 => "an IPv4 prefix such as 192.0.2.0/24",
        Afi::Ipv6 => "an IPv6 prefix such as 2001:db8::/32, or with offset ::1234:0/112-96",
    };
    let error = || unexpected(place.start, expected, word);
    let (address, bits) = word.split_once('/').ok_or_else(error)?;
    match afi {
        Afi::Ipv4 => {
            let address: Ipv4Addr = address.parse().map_err(|_| error())?;
            let length = bit_number(bits).ok_or_else(error)?;
            Ipv4Net::new(address, length).map(PrefixMatch::V4).map_err(|_| error())
        }
        Afi::Ipv6 => {
            let pattern: Ipv6Addr = address.parse().map_err(|_| error())?;
            let (length, offset) = match bits.split_once('-') {
                Some((length, offset)) => (length, bit_number(offset).ok_or_else(error)?),
                None => (bits, 0),
            };
            let length = bit_number(length).ok_or_else(error)?;
            Ok(PrefixMatch::V6 { pattern, length, offset })
        }
    }
}

/// Digits only: `str::parse` alone would take a plus sign.
fn bit_number(text: &str) -> Option<u8> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
