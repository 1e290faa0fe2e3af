//! NLRI → text.

use std::fmt::{Display, Formatter, Result};

use crate::component::Content;
use crate::item::Item;
use crate::{BitmaskItem, Component, Nlri, NumericItem, NumericOp};

/// Keywords and values in type order: `dst 192.0.2.0/24 proto =6 dport =443|>=8000&<=8100`.
///
/// The text says what the rule matches; widths of values are not in it, nor the value of an
/// operator that ignores it (`true`, `false`).
impl Display for Nlri {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (index, component) in self.components().iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{component}")?;
        }
        Ok(())
    }
}

impl Display for Component {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} ", self.component_type())?;
        match self.content() {
            Content::Prefix(prefix) => write!(f, "{prefix}"),
            Content::Numeric(items) => print(items, f),
            Content::Bitmask(items) => print(items, f),
        }
    }
}

fn print<I: Item + Display>(items: &[I], f: &mut Formatter<'_>) -> Result {
    for (index, item) in items.iter().enumerate() {
        match (index, item.and_bit()) {
            (0, _) => {}
            (_, true) => f.write_str("&")?,
            (_, false) => f.write_str("|")?,
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

/// `=80`, `!=80`, `<80`, `<=80`, `>80`, `>=80`, `true`, `false`; without the AND bit.
impl Display for NumericItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let operator = match self.op {
            NumericOp::True => return f.write_str("true"),
            NumericOp::False => return f.write_str("false"),
            NumericOp::Equal => "=",
            NumericOp::NotEqual => "!=",
            NumericOp::Less => "<",
            NumericOp::LessOrEqual => "<=",
            NumericOp::Greater => ">",
            NumericOp::GreaterOrEqual => ">=",
        };
        write!(f, "{operator}{}", self.value)
    }
}

/// `V` any bit of V, `=V` all bits of V, `!` in front inverts; without the AND bit.
impl Display for BitmaskItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let not = if self.not { "!" } else { "" };
        let all = if self.all { "=" } else { "" };
        write!(f, "{not}{all}{}", self.value)
    }
}
