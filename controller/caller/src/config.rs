//! The section `sarkd` of a configuration.

use std::path::PathBuf;

use sark_core::secret::SecretRef;
use sark_program::secret;
use serde::Deserialize;

use crate::caller::{Caller, Place};
use crate::trust::{RootsError, connector};

/// `sarkd`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SarkdConfig {
    /// Its Unix socket, on the same machine.
    pub socket: PathBuf,
    /// Its HTTPS address instead, `host:port`.
    pub https: Option<String>,
    /// A token with the scope of who calls; over HTTPS there has to be one.
    pub token: Option<SecretRef>,
    /// Who vouches for its certificate, beside the system's authorities: PEM files.
    pub roots: Vec<PathBuf>,
}

impl Default for SarkdConfig {
    fn default() -> Self {
        let socket = PathBuf::from("/run/sark/sarkd.sock");
        Self { socket, https: None, token: None, roots: Vec::new() }
    }
}

/// Why nobody can be called.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// The token.
    #[error("{key}.token cannot be read")]
    Token {
        /// The section.
        key: String,
        /// Cause; never the token.
        source: secret::SecretError,
    },
    /// Whom we believe.
    #[error(transparent)]
    Roots(#[from] RootsError),
}

impl SarkdConfig {
    /// What is wrong with it; `key` is where it is in the configuration.
    #[must_use]
    pub fn check(&self, key: &str) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.https.is_some() && self.token.is_none() {
            mistakes.push(format!("{key}.https takes a token: {key}.token, such as file:/etc/…"));
        }
        if self.token == Some(SecretRef::Invalid) {
            mistakes.push(format!("{key}.token: write file:/path or env:NAME, not the secret"));
        }
        mistakes
    }

    /// Who calls there. Reads the token and the roots.
    pub fn caller(&self, key: &str) -> Result<Caller, CallerError> {
        let failed = |source| CallerError::Token { key: key.to_owned(), source };
        let token = self.token.as_ref().map(secret::read).transpose().map_err(failed)?;
        let place = match &self.https {
            None => Place::Socket(self.socket.clone()),
            Some(authority) => {
                let connector = connector(&self.roots)?;
                Place::Https { authority: authority.clone(), connector }
            }
        };
        Ok(Caller::new(place, token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_takes_a_token_and_a_token_is_a_reference() {
        let at = |token: Option<&str>| SarkdConfig {
            https: Some("sark.example:8443".to_owned()),
            token: token.map(SecretRef::parse),
            ..SarkdConfig::default()
        };
        assert_eq!(SarkdConfig::default().check("sarkd"), Vec::<String>::new());
        assert_eq!(at(Some("file:/etc/token")).check("sarkd"), Vec::<String>::new());
        let said = at(None).check("report.sarkd");
        assert!(said[0].starts_with("report.sarkd.https takes a token"), "{said:?}");
        let said = at(Some("s3cret")).check("sarkd");
        assert!(said[0].contains("not the secret") && !said[0].contains("s3cret"), "{said:?}");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, "\n").unwrap();
        let config = at(Some(&format!("file:{}", path.display())));
        let error = config.caller("report.sarkd").unwrap_err();
        assert_eq!(sark_core::chain(&error), "report.sarkd.token cannot be read: it is empty");
    }
}
