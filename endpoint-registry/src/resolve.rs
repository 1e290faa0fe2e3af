//! Asking for the addresses of a name: the trait, what comes back, and why nothing does.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;

use crate::ageing::{Answered, Observed, Vantage};

#[cfg(feature = "test-util")]
mod fake;
mod seen;
mod server;
mod settings;

#[cfg(feature = "test-util")]
pub use fake::Fake;
pub use seen::Seen;
pub use server::{Server, ServerError};
pub use settings::{Settings, SettingsMistake};

/// One resolver: the system's, or one that the operator named.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// Unique among the resolvers, for explanations: `system`, `site`.
    fn id(&self) -> &Arc<str>;

    /// Whether the site's clients use this resolver too, so that its answers count as theirs.
    fn serves_clients(&self) -> bool {
        false
    }

    /// All that the name leads to: A, AAAA, HTTPS, over CNAME chains and aliases. The name is lower
    /// case, A-labels, without wildcard. A name that does not exist is an answer without addresses.
    async fn resolve(&self, name: &str) -> Result<Answer, ResolveError>;
}

/// What a resolver said of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who said it: [`Resolve::id`].
    pub resolver: Arc<str>,
    /// Sorted, each address once: of A and AAAA records and of hints. The TTL, in seconds, is the
    /// least along the chain.
    pub addresses: Vec<Answered>,
    /// Names that CNAME and alias records led to, in order.
    pub chain: Vec<String>,
    /// Of HTTPS records in service form, by priority.
    pub hints: Vec<Hint>,
    /// `true` if a validating resolver says that all of it is secure, `false` if it says that some
    /// is not signed, `None` if the resolver is not known to validate.
    pub dnssec: Option<bool>,
}

/// What an HTTPS record (RFC 9460) says of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The lower, the sooner it is tried.
    pub priority: u16,
    /// Where the service is; the owner itself if the record says `.`.
    pub target: String,
    /// `ipv4hint` and `ipv6hint`: clients may connect there without asking for A and AAAA.
    pub addresses: Vec<IpAddr>,
    /// Another port than the usual.
    pub port: Option<u16>,
    /// The client hello may be encrypted, the name in it hidden.
    pub ech: bool,
}

impl Answer {
    /// As an event for [`Ageing`](crate::ageing::Ageing).
    #[must_use]
    pub fn observed(&self, name: &str, serves_clients: bool, at: jiff::Timestamp) -> Observed {
        let who = Arc::clone(&self.resolver);
        let vantage = if serves_clients { Vantage::Site(who) } else { Vantage::Poller(who) };
        Observed {
            name: name.to_owned(),
            addresses: self.addresses.clone(),
            chain: self.chain.clone(),
            vantage,
            dnssec: self.dnssec,
            at,
        }
    }
}

/// Why a resolver did not answer. None of them says that a name has no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The text cannot be asked for.
    #[error("{name:?} is not a name to ask for")]
    Name {
        /// The text.
        name: String,
    },
    /// No answer in time.
    #[error("{resolver} did not answer for {name} within {seconds} s")]
    Timeout {
        /// Id.
        resolver: Arc<str>,
        /// The name.
        name: String,
        /// The limit.
        seconds: u64,
    },
    /// It answered that it cannot: SERVFAIL, REFUSED. A validating resolver answers SERVFAIL for
    /// forged data too.
    #[error("{resolver} answered {code} for {name}")]
    Answered {
        /// Id.
        resolver: Arc<str>,
        /// The name.
        name: String,
        /// As the protocol names it.
        code: String,
    },
    /// No connection, or one without trust: TLS, a certificate.
    #[error("{resolver} cannot be asked for {name}: {why}")]
    Connection {
        /// Id.
        resolver: Arc<str>,
        /// The name.
        name: String,
        /// In the library's words.
        why: String,
    },
    /// A chain of names without end.
    #[error("{name} leads from name to name, more than {most} times")]
    Chain {
        /// The name.
        name: String,
        /// The limit.
        most: usize,
    },
}

impl ResolveError {
    /// Stable word for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "resolve-name",
            Self::Timeout { .. } => "resolve-timeout",
            Self::Answered { .. } => "resolve-refused",
            Self::Connection { .. } => "resolve-connection",
            Self::Chain { .. } => "resolve-chain",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Name { .. } => {
                "write a whole host name without wildcard, such as api.example.com"
            }
            Self::Timeout { .. } => {
                "see whether the resolver runs and the way to it is open; \
                 what was learned before stays meanwhile"
            }
            Self::Answered { .. } => {
                "ask the resolver itself, such as with dig: it refuses us, cannot reach the \
                 name's servers, or holds their answer for forged"
            }
            Self::Connection { .. } => {
                "check the resolver's address, the name after #, and the authority that signed its \
                 certificate (caFile)"
            }
            Self::Chain { .. } => "the name's owner has to mend its CNAME or alias records",
        }
    }
}
