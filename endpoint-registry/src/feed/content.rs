//! What a feed said.

use std::net::IpAddr;
use std::{fmt, sync::Arc};

use ipnet::IpNet;
use sark_prices::PriceList;
use serde::{Deserialize, Serialize};

use super::{Feed, Output};
use crate::{NamePattern, PortRange};

/// One copy of a feed, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it says.
    pub content: Content,
    /// The publisher's own word for the version: `syncToken`, `creationTime`, a serial.
    pub published: Option<String>,
    /// What was in it and cannot be used, each with the reason; the first hundred.
    pub skipped: Vec<Skipped>,
    /// How many were skipped.
    pub skipped_count: u64,
}

/// Something in a feed that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Line, or path in the document, such as `prefixes[3]`.
    pub place: String,
    /// What is wrong with it; quotes at most a few characters of it.
    pub reason: String,
}

/// The kinds of feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Names and prefixes.
    Entries(Vec<Entry>),
    /// Which autonomous system announces an address; sorted, without overlap.
    Asns(Vec<AsnRange>),
    /// The public suffix list, as its own text: checked to be one.
    Suffixes(Arc<str>),
    /// What models cost.
    Prices(Arc<PriceList>),
}

/// One name or prefix, with what the feed says of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// The name or prefix.
    pub subject: Subject,
    /// What an [`Output`](super::Output) can select by; sorted by key.
    pub labels: Vec<Label>,
    /// Ports, sorted; empty if the feed does not say.
    pub ports: Vec<PortRange>,
}

/// See [`Entry`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// Host bits zero.
    Prefix(IpNet),
    /// A name; `domain:` of a list (the name and everything below it) is two entries.
    Name(NamePattern),
}

/// A word of the feed about an entry. Keys are the parser's, fixed for each format and documented
/// there; values the feed's. Values are shared among entries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// `service`, `region`, `role`, `flag`.
    pub key: &'static str,
    /// As the feed writes it.
    pub value: Arc<str>,
}

/// Addresses that one autonomous system announces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AsnRange {
    /// First address.
    pub first: IpAddr,
    /// Last address, of the same family.
    pub last: IpAddr,
    /// Its number; never 0.
    pub asn: u32,
    /// Its name.
    pub name: Arc<str>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(prefix) => prefix.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl Content {
    /// How much it says: entries, ranges, rules of the suffix list, models.
    #[must_use]
    pub fn count(&self) -> u64 {
        let count = match self {
            Self::Entries(entries) => entries.len(),
            Self::Asns(ranges) => ranges.len(),
            Self::Suffixes(text) => {
                let rule = |line: &&str| !line.trim().is_empty() && !line.starts_with("//");
                text.lines().filter(rule).count()
            }
            Self::Prices(list) => list.len(),
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

impl Feed {
    /// The first output that takes this entry.
    #[must_use]
    pub fn output_of(&self, entry: &Entry) -> Option<&Output> {
        self.outputs.iter().find(|output| output.selects(entry))
    }
}

impl Output {
    /// Whether an entry has, for each selector, a label of that key with one of its values.
    #[must_use]
    pub fn selects(&self, entry: &Entry) -> bool {
        self.select.iter().all(|selector| {
            let mut labels = entry.labels.iter();
            labels.any(|label| {
                label.key == selector.label && selector.any.iter().any(|any| **any == *label.value)
            })
        })
    }
}
