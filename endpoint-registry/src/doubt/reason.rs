//! Why a copy is not believed, in words, and what to do.

use std::fmt;

/// Why a copy is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Doubt {
    DefaultRoute(Examples),
    Special(Examples),
    Private(Examples),
    Wide { found: Examples, widest_ipv4: u8, widest_ipv6: u8 },
    Protected(Examples),
    Role(Examples),
    Empty { before: u64 },
    Few { count: u64, least: u64 },
    Many { count: u64, most: u64 },
    Skipped { skipped: u64, count: u64 },
    Change { added: u64, removed: u64, before: u64, percent: u8 },
    Moved { before: u64 },
    Altered { found: Examples, removed: u64 },
    Lookalike(Examples),
    Grown { family: &'static str, before: String, after: String },
    NotSelected { count: u64, of: u64 },
    Output { endpoint: String },
    Lost { lost: u64, before: u64, percent: u8 },
    Jump { found: Examples, before: u64, factor: u32, percent: u8 },
}

/// How many, and some of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examples {
    /// How many.
    pub count: u64,
    /// The first five, each with what is wrong with it.
    pub some: Vec<String>,
}

impl Examples {
    const MOST: usize = 5;

    pub(super) fn note(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.some.len() < Self::MOST {
            self.some.push(example());
        }
    }
}

impl Doubt {
    /// Stable: for programs, metrics and alerts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DefaultRoute(_) => "default-route",
            Self::Special(_) => "special-range",
            Self::Private(_) => "private-range",
            Self::Wide { .. } => "too-wide",
            Self::Protected(_) => "protected",
            Self::Role(_) => "role",
            Self::Empty { .. } => "empty",
            Self::Few { .. } => "too-few",
            Self::Many { .. } => "too-many",
            Self::Skipped { .. } => "unusable",
            Self::Change { .. } => "change-share",
            Self::Moved { .. } => "another-list",
            Self::Altered { .. } => "altered",
            Self::Lookalike(_) => "look-alike",
            Self::Grown { .. } => "grown",
            Self::NotSelected { .. } => "not-selected",
            Self::Output { .. } => "empty-output",
            Self::Lost { .. } => "models-lost",
            Self::Jump { .. } => "price-jump",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::DefaultRoute(_) | Self::Special(_) => {
                "reject it: no publisher means this; tell them"
            }
            Self::Private(_) => {
                "reject it; if the feed is your own, set `privateRanges: true` under its limits"
            }
            Self::Wide { .. } => {
                "compare with the publisher's page; if it is meant, set `widestIpv4` or \
                 `widestIpv6` under its limits, or accept this copy"
            }
            Self::Protected(_) => {
                "reject it, or narrow what is protected; rules never touch it either way"
            }
            Self::Role(_) => {
                "select entries of one role for each output: what connects out is no destination"
            }
            Self::Empty { .. } | Self::Few { .. } => {
                "ask the publisher; if it is meant, set `leastEntries` under its limits. The copy in \
                 use stays"
            }
            Self::Many { .. } => "look whether it is the right list; then raise `mostEntries`",
            Self::Skipped { .. } => "look whether its format changed; the copy in use stays",
            Self::Change { .. } | Self::Moved { .. } => {
                "look at what changed, compare with the publisher's page, then accept or reject"
            }
            Self::Altered { .. } => {
                "compare digit by digit with the publisher's page: copies of such lists are forged so"
            }
            Self::Lookalike(_) => {
                "look at each name: who registered it? Accept only if it is meant"
            }
            Self::Grown { .. } => {
                "compare with the publisher's page; then accept, or narrow `widestIpv4` and \
                 `widestIpv6`"
            }
            Self::NotSelected { .. } => "add an output for them, if they are wanted",
            Self::Output { .. } => "look at the output's `select`: is it still the feed's word?",
            Self::Lost { .. } => {
                "what is gone is unpriced from then on: compare with the publisher's page, then \
                 accept or reject"
            }
            Self::Jump { .. } => {
                "compare with the provider's own page (a price for a million tokens is often \
                 mistaken for that of one), then accept or reject"
            }
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultRoute(found) => write!(f, "it holds a default route: {found}"),
            Self::Special(found) => {
                write!(f, "it holds addresses that nobody can be reached at: {found}")
            }
            Self::Private(found) => {
                write!(f, "it holds private or documentation addresses: {found}")
            }
            Self::Wide { found, widest_ipv4, widest_ipv6 } => write!(
                f,
                "it holds prefixes wider than /{widest_ipv4} (IPv4) or /{widest_ipv6} (IPv6): {found}"
            ),
            Self::Protected(found) => write!(f, "it holds what is protected here: {found}"),
            Self::Role(found) => {
                write!(f, "entries are not what the feed may say they are: {found}")
            }
            Self::Empty { before: 0 } => f.write_str("it is empty"),
            Self::Empty { before } => write!(f, "it is empty, and the copy in use has {before}"),
            Self::Few { count, least } => write!(f, "it has {count} entries, fewer than {least}"),
            Self::Many { count, most } => write!(f, "it has {count} entries, more than {most}"),
            Self::Skipped { skipped, count } => {
                write!(f, "{skipped} entries of it cannot be used, and {count} can")
            }
            Self::Change { added, removed, before, percent } => write!(
                f,
                "{added} entries came and {removed} went, of {before}: more than {percent} % at once"
            ),
            Self::Moved { before } => {
                write!(f, "none of the {before} entries of the copy in use is left: another list")
            }
            Self::Altered { found, removed } => write!(
                f,
                "{} of the {removed} prefixes that went came back with one digit altered: {}",
                found.count,
                found.some.join(", ")
            ),
            Self::Lookalike(found) => {
                write!(f, "new names look like names that were there: {found}")
            }
            Self::Grown { family, before, after } => {
                write!(f, "it covers {after} {family} addresses, and the copy in use {before}")
            }
            Self::NotSelected { count, of } => {
                write!(f, "no output selects {count} of its {of} entries")
            }
            Self::Output { endpoint } => write!(f, "nothing of it is for {endpoint}"),
            Self::Lost { lost, before, percent } => write!(
                f,
                "{lost} of {before} models are gone or cannot be read: more than {percent} % at once"
            ),
            Self::Jump { found, before, factor, percent } => write!(
                f,
                "prices of {} of {before} models are more than {factor} times what they were, or \
                 less than that part, or gone ({percent} % of models may change so at once): {found}",
                found.count
            ),
        }
    }
}

impl fmt::Display for Examples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.some.join(", "))?;
        let shown = u64::try_from(self.some.len()).unwrap_or(u64::MAX);
        match self.count.saturating_sub(shown) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
