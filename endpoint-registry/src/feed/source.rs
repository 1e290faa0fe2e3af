//! Fetching a feed: the trait, what comes back, and why nothing does.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Feed;

#[cfg(feature = "test-util")]
mod fake;
#[cfg(feature = "test-util")]
pub use fake::FakeSource;

/// Fetches one copy of a feed.
#[async_trait]
pub trait Source: Send + Sync {
    /// Asks for the feed, with what the last copy came with, so that an unchanged one need not be
    /// sent again. Bounded in time and octets by the feed's transport and limits.
    async fn fetch(&self, feed: &Feed, have: Option<&Validators>) -> Result<Fetched, FetchError>;
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// What was had before is still what there is.
    Unchanged,
    /// A copy.
    Copy {
        /// In the order of the feed's location.
        parts: Vec<FetchedPart>,
        /// For the next time.
        validators: Validators,
    },
}

/// One document of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPart {
    /// Its address or file name; no credentials.
    pub name: String,
    /// Decompressed.
    pub octets: Vec<u8>,
}

/// What the publisher said of a copy, to be told it at the next question. One for each part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Validators(pub Vec<Validator>);

/// See [`Validators`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Validator {
    /// The part's name.
    pub name: String,
    /// `ETag`; of a file, its size and time.
    pub tag: Option<String>,
    /// `Last-Modified`, as it was sent.
    pub modified: Option<String>,
}

/// Why there is no copy. None of them withdraws anything.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nobody answers, or the connection broke.
    #[error("{at} cannot be reached")]
    Unreachable {
        /// Its address.
        at: String,
        /// Cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server's certificate is not trusted, or its TLS is not.
    #[error("{at} does not prove that it is who it says")]
    Tls {
        /// Its address.
        at: String,
        /// Cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An HTTP status that is no success.
    #[error("{at} answered with HTTP status {status}")]
    Status {
        /// Its address.
        at: String,
        /// The status.
        status: u16,
    },
    /// It sends elsewhere, where we do not go.
    #[error("{at} redirects {why}")]
    Redirect {
        /// Its address.
        at: String,
        /// Where.
        why: String,
    },
    /// It leads to an address that a public feed has no business at.
    #[error("{at} leads to {address}, which is not a public address")]
    Private {
        /// Its address.
        at: String,
        /// What the name led to.
        address: std::net::IpAddr,
    },
    /// More octets than the feed's limit.
    #[error("{at} sends more than {limit} octets")]
    TooLarge {
        /// Its address.
        at: String,
        /// The limit.
        limit: u64,
    },
    /// Its pages lead on and on.
    #[error("{at} does not end: {why}")]
    Endless {
        /// Its address.
        at: String,
        /// How it shows.
        why: String,
    },
    /// Not done in time.
    #[error("{at} was not done within {seconds} s")]
    TooSlow {
        /// Its address.
        at: String,
        /// The limit.
        seconds: u64,
    },
    /// It ended before all was there.
    #[error("{at} ended early: {why}")]
    Truncated {
        /// Its address.
        at: String,
        /// How it shows.
        why: String,
    },
    /// What came is no gzip, or broken.
    #[error("what {at} sent cannot be decompressed")]
    Decompress {
        /// Its address.
        at: String,
        /// Cause.
        source: std::io::Error,
    },
    /// "Not modified", which was not the question.
    #[error("{at} says that nothing changed, and was asked for all of it")]
    NothingYet {
        /// Its address.
        at: String,
    },
    /// The copy is not the one that is pinned, or its signature is wrong.
    #[error("the copy of {at} is not trusted: {why}")]
    Untrusted {
        /// Its address.
        at: String,
        /// What does not match.
        why: String,
    },
    /// A file cannot be read.
    #[error("cannot read {at}")]
    File {
        /// Its path.
        at: String,
        /// Cause.
        source: std::io::Error,
    },
    /// The feed's settings cannot be used: proxy, authority file, headers. Holds no secret.
    #[error("the feed cannot be asked: {why}")]
    Settings {
        /// Which, and why.
        why: String,
    },
}

impl FetchError {
    /// Stable word for alerts and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Tls { .. } => "tls",
            Self::Status { .. } => "status",
            Self::Redirect { .. } => "redirect",
            Self::Private { .. } => "private-address",
            Self::TooLarge { .. } => "too-large",
            Self::Endless { .. } => "endless",
            Self::TooSlow { .. } => "too-slow",
            Self::Truncated { .. } => "truncated",
            Self::Decompress { .. } => "decompress",
            Self::NothingYet { .. } => "nothing-yet",
            Self::Untrusted { .. } => "untrusted",
            Self::File { .. } => "file",
            Self::Settings { .. } => "settings",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => {
                "see whether the publisher is up and the way to it is open (`transport.proxy`)"
            }
            Self::Tls { .. } => {
                "if the server is your own, name its authority in `transport.caFile`; if not, do not \
                 trust it"
            }
            Self::Status { .. } | Self::NothingYet { .. } => {
                "see whether the publisher moved or refuses us; it is asked again by itself"
            }
            Self::Redirect { .. } => "if the publisher moved, write its new address in the feed",
            Self::Private { .. } => {
                "a server of your own needs `transport.private: true`; otherwise somebody sends you \
                 where you should not go"
            }
            Self::TooLarge { .. } => {
                "a feed that grew needs a higher `limits.mostOctets`; one that did so suddenly is broken"
            }
            Self::TooSlow { .. } => {
                "it is asked again by itself; `transport.timeout` allows more time"
            }
            Self::Truncated { .. } | Self::Decompress { .. } | Self::Endless { .. } => {
                "it is asked again by itself; if it stays so, the publisher or a proxy is broken"
            }
            Self::Untrusted { .. } => {
                "ask the publisher; if the change is meant, pin the new copy in `trust`"
            }
            Self::File { .. } => "check that the file is there and that sarkd may read it",
            Self::Settings { .. } => "correct the feed's `transport`",
        }
    }
}
