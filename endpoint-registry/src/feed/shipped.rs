//! The feeds that ship.

use std::collections::BTreeMap;

use sark_core::document::Diagnostic;

use super::{Feed, parse};

const FILE: (&str, &str) = ("seed/feeds.yaml", include_str!("../../seed/feeds.yaml"));

/// All feeds that ship, by name.
#[must_use]
pub fn feeds() -> Vec<Feed> {
    // The file is part of the program, and a test reads it.
    load([]).expect("the feeds that ship can be read")
}

/// The feeds that ship with files (name and text) laid over them, by name: a later feed of the same
/// name replaces an earlier one whole. Fails with every mistake in them.
pub fn load<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<Feed>, Vec<Diagnostic>> {
    let (mut feeds, mut mistakes) = (BTreeMap::new(), Vec::new());
    for (file, text) in std::iter::once(FILE).chain(files) {
        match parse(file, text) {
            Ok(read) => feeds.extend(read.into_iter().map(|feed| (feed.name.clone(), feed))),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { Ok(feeds.into_values().collect()) } else { Err(mistakes) }
}
