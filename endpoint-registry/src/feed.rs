//! What others publish: where a feed is and what it may say ([`Feed`]), and what it said
//! ([`Content`]), before anybody believes it.

mod content;
mod form;
mod read;
mod shipped;
mod source;
mod spec;
mod url;

pub use content::{AsnRange, Content, Entry, Label, Parsed, Skipped, Subject};
pub use read::parse;
pub use shipped::{feeds, load};
#[cfg(feature = "test-util")]
pub use source::FakeSource;
pub use source::{FetchError, Fetched, FetchedPart, Source, Validator, Validators};
pub use spec::{
    Change, Columns, CsvForm, Feed, Format, JsonForm, Limits, Location, Output, PRICE_LIST,
    PriceDoubt, Selector, Transport, Trust,
};
pub use url::{check as check_url, check_proxy, is_header};
