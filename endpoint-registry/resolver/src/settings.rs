//! What the operator says of a resolver.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Server;

/// One resolver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Unique among the resolvers, for explanations: `site`.
    pub name: String,
    /// Where it is and how it is spoken to.
    pub server: Server,
    /// The site's clients use it too, so that its answers count as theirs.
    #[serde(default)]
    pub clients: bool,
    /// It validates DNSSEC and the way to it is safe: its AD bit (RFC 4035 section 3.2.3) is
    /// believed.
    #[serde(default)]
    pub validates: bool,
    /// PEM file of authorities that may sign its certificate, besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Seconds for all that one name needs, 1 to 60.
    #[serde(default = "five")]
    pub timeout_seconds: u64,
}

fn five() -> u64 {
    5
}

/// Why there is no resolver of such settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Explanations would name nobody.
    #[error("a resolver needs a name")]
    Name,
    /// Without end, or none.
    #[error("resolver {name}: timeoutSeconds is {seconds}, and has to be 1 to 60")]
    Timeout {
        /// Of the resolver.
        name: String,
        /// As written.
        seconds: u64,
    },
    /// The system's list of name servers cannot be used.
    #[error("resolver {name}: /etc/resolv.conf cannot be used: {why}")]
    System {
        /// Of the resolver.
        name: String,
        /// In the library's words.
        why: String,
    },
    /// The authorities cannot be used.
    #[error("resolver {name}: {path} cannot be used: {why}")]
    Authorities {
        /// Of the resolver.
        name: String,
        /// As written.
        path: PathBuf,
        /// In the library's words.
        why: String,
    },
    /// TLS cannot be set up.
    #[error("resolver {name}: TLS cannot be set up: {why}")]
    Tls {
        /// Of the resolver.
        name: String,
        /// In the library's words.
        why: String,
    },
}
