//! Why there is no resolver.

use std::path::PathBuf;

use sark_registry::resolve::SettingsMistake;

/// Why there is no resolver of such settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Wrong on any machine.
    #[error("resolver {name}: {mistake}")]
    Mistake {
        /// Of the resolver.
        name: String,
        /// What is wrong.
        mistake: SettingsMistake,
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
