//! The gate before a feed's copy: whether it is believed.
//!
//! [`judge`] compares a copy with the one in use and with what the feed may say. What it does not
//! believe is kept for a person; the copy in use stays. Pure and deterministic: the same copies give
//! the same verdict.
//!
//! What a person has accepted is in the copy in use, and is not doubted again: of single entries only
//! new ones are looked at, except for what no registry can hold.

mod entries;
mod near;
mod prices;
mod reason;
mod space;
mod special;

use ipnet::IpNet;

pub use reason::{Doubt, Examples};

use crate::feed::{Content, Feed, Limits, Parsed, Subject};
use crate::sorted::{Side, walk};
use entries::Entries;

/// Whether a copy is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be used.
    Accept {
        /// Against the copy in use.
        change: Change,
        /// What is odd and holds nothing up.
        warnings: Vec<Doubt>,
    },
    /// A person has to look at it.
    Hold {
        /// Against the copy in use.
        change: Change,
        /// Why; never empty.
        reasons: Vec<Doubt>,
    },
}

/// What a copy changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// How much is new.
    pub added: u64,
    /// How much is gone.
    pub removed: u64,
    /// The first hundred that are new.
    pub added_sample: Vec<String>,
    /// The first hundred that are gone.
    pub removed_sample: Vec<String>,
}

/// See [`Change`].
const SAMPLE: usize = 100;

impl Verdict {
    /// Whether it may be used.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accept { .. })
    }

    /// What it changes.
    #[must_use]
    pub fn change(&self) -> &Change {
        match self {
            Self::Accept { change, .. } | Self::Hold { change, .. } => change,
        }
    }
}

/// Judges a copy against the one in use (`None` for the first, which the rule of change does not
/// bind). `protected` are prefixes that no rule may touch, with their names.
#[must_use]
pub fn judge(
    feed: &Feed,
    current: Option<&Parsed>,
    proposed: &Parsed,
    protected: &[(String, IpNet)],
) -> Verdict {
    let limits = &feed.limits;
    let (mut reasons, mut warnings) = (Vec::new(), Vec::new());
    let count = proposed.content.count();
    let before = current.map_or(0, |copy| copy.content.count());
    size(limits, before, count, proposed.skipped_count, &mut reasons);
    let change = match (&proposed.content, current.map(|copy| &copy.content)) {
        (Content::Entries(entries), old) => {
            let old = match old {
                Some(Content::Entries(old)) => old.as_slice(),
                _ => &[],
            };
            let entries = Entries::new(feed, old, entries);
            entries.look(protected, &mut reasons, &mut warnings);
            entries.change()
        }
        (Content::Asns(new), old) => {
            let mut old: Vec<_> = match old {
                Some(Content::Asns(old)) => old.iter().collect(),
                _ => Vec::new(),
            };
            let mut new: Vec<_> = new.iter().collect();
            old.sort_unstable();
            new.sort_unstable();
            let text = |range: &&crate::feed::AsnRange| {
                format!("{}-{} AS{}", range.first, range.last, range.asn)
            };
            changed(&old, &new, text)
        }
        (Content::Suffixes(new), old) => {
            let old: &str = match old {
                Some(Content::Suffixes(old)) => old,
                _ => "",
            };
            changed(&rules(old), &rules(new), |rule| (*rule).to_owned())
        }
        (Content::Prices(new), old) => {
            let old = match old {
                Some(Content::Prices(old)) => Some(&**old),
                _ => None,
            };
            prices::look(&feed.format, old, new, &mut reasons, &mut warnings)
        }
    };
    if current.is_some() {
        share(limits, before, count, &change, &mut reasons);
    }
    match reasons.is_empty() {
        true => Verdict::Accept { change, warnings },
        false => Verdict::Hold { change, reasons },
    }
}

/// Too much, too little, or more rubbish than content.
fn size(limits: &Limits, before: u64, count: u64, skipped: u64, reasons: &mut Vec<Doubt>) {
    if count == 0 && (before > 0 || limits.least_entries > 0) {
        reasons.push(Doubt::Empty { before });
    } else if count < limits.least_entries {
        reasons.push(Doubt::Few { count, least: limits.least_entries });
    }
    if count > limits.most_entries {
        reasons.push(Doubt::Many { count, most: limits.most_entries });
    }
    if skipped > count.max(limits.change.entries) {
        reasons.push(Doubt::Skipped { skipped, count });
    }
}

/// The rule of change.
fn share(limits: &Limits, before: u64, count: u64, change: &Change, reasons: &mut Vec<Doubt>) {
    let allowed = limits.change;
    if allowed.percent >= 100 {
        return;
    }
    let moved = change.added.saturating_add(change.removed);
    let share = before.saturating_mul(allowed.percent.into()) / 100;
    if moved > share.max(allowed.entries) {
        reasons.push(Doubt::Change {
            added: change.added,
            removed: change.removed,
            before,
            percent: allowed.percent,
        });
    }
    // Small lists may change by a few entries, but not become another list.
    if before >= 2 && count > 0 && change.removed >= before {
        reasons.push(Doubt::Moved { before });
    }
}

/// Rules of the public suffix list, sorted.
fn rules(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    let mut rules: Vec<&str> =
        lines.filter(|line| !line.is_empty() && !line.starts_with("//")).collect();
    rules.sort_unstable();
    rules
}

/// Of two sorted lists.
fn changed<T: Ord>(old: &[T], new: &[T], text: impl Fn(&T) -> String) -> Change {
    let mut change = Change::default();
    let note = |sample: &mut Vec<String>, item: &T| {
        if sample.len() < SAMPLE {
            sample.push(text(item));
        }
    };
    walk(old, new, |side, item| match side {
        Side::Old => {
            change.removed += 1;
            note(&mut change.removed_sample, item);
        }
        Side::New => {
            change.added += 1;
            note(&mut change.added_sample, item);
        }
    });
    change
}

/// Of a subject, if it is a prefix.
fn prefix_of(subject: &Subject) -> Option<IpNet> {
    match subject {
        Subject::Prefix(prefix) => Some(*prefix),
        Subject::Name(_) => None,
    }
}
