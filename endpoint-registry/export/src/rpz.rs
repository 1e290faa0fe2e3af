//! A response policy zone.
//!
//! Names that must not be touched and are under a wildcard pass through. A name that is in a zone
//! hides the wildcard above it from itself, from what is below it, and from the empty names between
//! the two (RFC 4592 section 3.3.1): these are listed again.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use sark_registry::NamePattern;

use crate::forms::{names, wildcard_note};
use crate::spared::{LeftOut, Spared};
use crate::{Chosen, Exported, forms::left_out as note};

const ORIGIN: &str = "rpz.sark.invalid";

pub(crate) fn rpz(chosen: &Chosen<'_>, now: Timestamp) -> Exported {
    let version = chosen.version();
    let mut left_out = LeftOut::default();
    let (exact, below, others) = names(chosen, &mut left_out);
    let serial = now.as_second().rem_euclid(1 << 32);
    let mut text = format!(
        "; SARK registry {version}\n$ORIGIN {ORIGIN}.\n$TTL 60\n\
         @ SOA localhost. root.localhost. {serial} 3600 600 86400 60\n@ NS localhost.\n"
    );
    let (mut spared, mut again) = (BTreeSet::new(), BTreeSet::new());
    for pattern in &below {
        for name in chosen.spared.below(pattern) {
            if name.as_str().trim_start_matches("*.").contains('*') {
                left_out.blocked += 1;
            } else {
                spared.insert(name.as_str());
                again.extend(hidden(name, pattern, chosen.spared));
            }
        }
    }
    let blocked: BTreeSet<&str> = exact.iter().chain(&below).map(|name| name.as_str()).collect();
    let lines = exact.iter().chain(&below).map(|name| (name.as_str(), "."));
    let again = again.iter().map(String::as_str).filter(|name| !blocked.contains(name));
    let lines = lines.chain(again.map(|name| (name, ".")));
    let lines = lines.chain(spared.into_iter().map(|name| (name, "rpz-passthru.")));
    let mut long = 0;
    for (name, target) in lines {
        // RFC 1035 section 2.3.4, with the zone's own labels.
        if name.len() + 1 + ORIGIN.len() > 253 {
            long += 1;
        } else {
            let _ = writeln!(text, "{name} CNAME {target}");
        }
    }
    let mut notes = wildcard_note(others);
    notes.extend(note(long, "name", "names", &format!("too long below {ORIGIN}")));
    notes.extend(left_out.notes());
    Exported { text, notes }
}

/// What the wildcard does not reach any more once `spared` is in the zone.
fn hidden(spared: &NamePattern, pattern: &NamePattern, all: &Spared) -> Vec<String> {
    let top = pattern.as_str().trim_start_matches("*.");
    let mut at = spared.as_str().trim_start_matches("*.");
    let mut names = Vec::new();
    while at != top {
        names.extend([at.to_owned(), format!("*.{at}")]);
        let Some((_, above)) = at.split_once('.') else { break };
        at = above;
    }
    let blocked = |name: &String| name.parse().is_ok_and(|name| !all.covers(&name));
    names.retain(blocked);
    names
}
