//! feed → [registry] → policy → plan → NLRI → GoBGP → router
//!
//! What model calls cost. [`parse`] reads a public price list in LiteLLM's shape into a
//! [`PriceList`], immutable and named by the hash of its octets; [`PriceList::lookup`] finds a
//! provider's model and says how; [`PriceList::cost`] is the itemised cost of a [`Usage`].
//! [`Reported`] makes a usage of what a provider counted in its own way. [`compare`] says what
//! another list changes, [`oddities`] what looks wrong in one.
//!
//! Nothing is ever free because it is not known: a model that is not in the list, an entry that
//! cannot be read and a unit without a price are listed as unpriced. A price that stands in for one
//! that the list does not have is named together with it.
//!
//! Money is a whole number of picodollars ([`Picodollars`]). It is rounded in one place, where a
//! price is read: half to even, to a whole picodollar of one unit. Amounts are that price times a
//! count, and sums of those: exact.
//!
//! No I/O, no clock, no floats.

mod compare;
mod cost;
mod decimal;
mod entry;
mod field;
mod list;
mod lookup;
mod model;
mod money;
mod names;
mod odd;
mod provider;
mod read;
mod reported;
mod unit;

pub use compare::{Changed, Comparison, PriceChange, compare};
pub use cost::{Call, Cost, Line, Unpriced, Why};
pub use field::{Field, Source};
pub use list::{Notes, PriceList};
pub use lookup::{Found, How, Unfound};
pub use model::{Model, Price, Range};
pub use money::{Picodollars, PicodollarsError};
pub use odd::{Oddity, oddities};
pub use read::{Limits, ParseError, parse};
pub use reported::{CountError, Counting, Reported};
pub use unit::{Unit, Usage};
