//! `https://publicsuffix.org/list/public_suffix_list.dat`, form in "Format" of its site: rules up to
//! the first white space, `*` for a label, `!` for an exception, `//` for comments, and two sections
//! between marks. One wrong rule refuses the list: the text itself is what others read.
//! Published: `VERSION`.

use std::{str, sync::Arc};

use sark_registry::feed::{Content, Parsed};

use crate::{ParseError, Part, collect::Collect, json, text};

const SECTIONS: [&str; 2] = ["ICANN DOMAINS", "PRIVATE DOMAINS"];

pub(crate) fn parse(parts: &[Part<'_>], mut out: Collect) -> Result<Parsed, ParseError> {
    let [part] = parts else {
        let found = format!("{} files", parts.len());
        return Err(json::unexpected(&out, "the feed", "one file", &found));
    };
    out.begin(part.name);
    let octets = text::open(part)?;
    let list = str::from_utf8(octets).map_err(|error| {
        json::unexpected(&out, &format!("octet {}", error.valid_up_to()), "UTF-8", "other octets")
    })?;
    let (mut begun, mut ended, mut rules) = ([false; 2], [false; 2], 0);
    for (at, line) in list.lines().enumerate() {
        let place = || format!("line {}", at + 1);
        if let Some(comment) = line.trim().strip_prefix("//") {
            let comment = comment.trim();
            for (at, section) in SECTIONS.into_iter().enumerate() {
                begun[at] |= mark(comment, "BEGIN", section);
                ended[at] |= begun[at] && mark(comment, "END", section);
            }
            if let Some(version) = comment.strip_prefix("VERSION:") {
                out.published(version.trim());
            }
            continue;
        }
        let Some(rule) = line.split_whitespace().next() else { continue };
        if !is_rule(rule) {
            return Err(json::unexpected(&out, &place(), "a rule", &text::few(rule)));
        }
        rules += 1;
        if rules > out.most() {
            return Err(out.too_many());
        }
    }
    let [icann, private] = begun;
    if !icann {
        let expected = "the mark ===BEGIN ICANN DOMAINS===";
        return Err(json::unexpected(&out, "the file", expected, "a list without it"));
    }
    if !ended[0] || (private && !ended[1]) {
        return Err(ParseError::Truncated {
            part: out.part(),
            place: format!("line {}", list.lines().count()),
            expected: "the mark that ends a section".to_owned(),
        });
    }
    out.parsed(Content::Suffixes(Arc::from(list)))
}

fn mark(comment: &str, verb: &str, section: &str) -> bool {
    let inner = comment.strip_prefix("===").and_then(|rest| rest.strip_suffix("==="));
    inner.and_then(|inner| inner.strip_prefix(verb)).is_some_and(|name| name.trim() == section)
}

/// Labels of a name, one of which may be `*`; Unicode as the list has it.
fn is_rule(rule: &str) -> bool {
    let name = rule.strip_prefix('!').unwrap_or(rule);
    let label = |label: &str| {
        let fine = |c: char| c.is_alphanumeric() || c == '-' || c == '_' || !c.is_ascii();
        label == "*" || (!label.is_empty() && label.chars().all(fine))
    };
    name.len() <= 253 && name != "*" && name.split('.').all(label)
}
