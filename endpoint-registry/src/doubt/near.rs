//! Texts that differ by one character, found without comparing each with each.

use std::collections::HashMap;

/// Texts by what is left of them without one character: two that differ by one change, insertion or
/// deletion have such a rest in common, or one is a rest of the other.
#[derive(Debug, Default)]
pub(super) struct Near<'a> {
    rests: HashMap<String, Vec<&'a str>>,
}

/// Texts kept of one rest. Lists of a poisoner share few; lists of numbered hosts share many.
const MOST: usize = 16;

impl<'a> Near<'a> {
    pub fn new(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut near = Self::default();
        for text in texts {
            for rest in rests(text).chain([text.to_owned()]) {
                let known = near.rests.entry(rest).or_default();
                if known.len() < MOST && known.last() != Some(&text) {
                    known.push(text);
                }
            }
        }
        near
    }

    /// One that differs from `text` by one character.
    pub fn of(&self, text: &str) -> Option<&'a str> {
        let candidates = rests(text).chain([text.to_owned()]);
        let mut found = candidates.filter_map(|rest| self.rests.get(&rest)).flatten();
        found.find(|known| strsim::levenshtein(known, text) == 1).copied()
    }
}

fn rests(text: &str) -> impl Iterator<Item = String> + '_ {
    text.char_indices().map(|(at, character)| {
        let (before, after) = text.split_at(at);
        format!("{before}{}", after.get(character.len_utf8()..).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_character_apart() {
        let near = Near::new(["160.79.104.0/23", "example.com"]);
        for (text, found) in [
            ("160.79.105.0/23", Some("160.79.104.0/23")),
            ("160.79.14.0/23", Some("160.79.104.0/23")),
            ("160.79.1104.0/23", Some("160.79.104.0/23")),
            ("160.79.104.0/23", None),
            ("160.79.115.0/23", None),
            ("exarnple.com", None),
            ("exampie.com", Some("example.com")),
            ("", None),
        ] {
            assert_eq!(near.of(text), found, "{text}");
        }
    }
}
