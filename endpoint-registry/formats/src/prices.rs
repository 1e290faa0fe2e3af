//! A public list of what models cost, in LiteLLM's shape: [`sark_prices`] says which. One file.
//! Entries that cannot be read are skipped, and their models have no price.

use std::sync::Arc;

use sark_prices::{Limits, ParseError as Refused};
use sark_registry::feed::{Content, Parsed};

use crate::{ParseError, Part, collect::Collect, json, text};

pub(crate) fn parse(parts: &[Part<'_>], mut out: Collect) -> Result<Parsed, ParseError> {
    let [part] = parts else {
        let found = format!("{} files", parts.len());
        return Err(json::unexpected(&out, "the feed", "one file", &found));
    };
    out.begin(part.name);
    // Of HTML, of what is compressed, and of nothing it is said better than by a parser of JSON.
    text::open(part)?;
    let limits = Limits { octets: part.octets.len(), entries: out.most() };
    let list = sark_prices::parse(part.octets, &limits).map_err(|refused| match refused {
        Refused::TooMany { .. } => out.too_many(),
        Refused::Truncated { line, column } => ParseError::Truncated {
            part: out.part(),
            place: format!("line {line} column {column}"),
            expected: "the rest of a JSON document".to_owned(),
        },
        Refused::Useless { count, name, reason } => ParseError::Useless {
            count: u64::try_from(count).unwrap_or(u64::MAX),
            place: name,
            reason: text::brief(&reason),
        },
        other => {
            let found = format!("({})", text::brief(&other.to_string()));
            json::unexpected(&out, "the file", "a price list", &found)
        }
    })?;
    for (name, reason) in list.unreadable() {
        out.skip(|| name.to_owned(), reason);
    }
    out.parsed(Content::Prices(Arc::new(list)))
}
