//! What the operator says of a resolver.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Server;

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

/// What is wrong with settings, whatever the machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsMistake {
    /// Explanations would name nobody.
    #[error("a resolver needs a name")]
    Name,
    /// Without end, or none.
    #[error("timeoutSeconds is {0}, and has to be 1 to 60")]
    Timeout(u64),
    /// No certificate would be checked with it.
    #[error("caFile belongs to tls:// and https:// only")]
    Authorities,
}

impl Settings {
    /// The system's name servers. They count as the clients' own: on most networks a server asks whom
    /// its neighbours ask.
    #[must_use]
    pub fn system() -> Self {
        Self {
            name: "system".to_owned(),
            server: Server::System,
            clients: true,
            validates: false,
            ca_file: None,
            timeout_seconds: five(),
        }
    }

    /// What types cannot say.
    pub fn check(&self) -> Result<(), SettingsMistake> {
        let is_encrypted = matches!(self.server, Server::Tls { .. } | Server::Https { .. });
        if self.name.is_empty() {
            return Err(SettingsMistake::Name);
        }
        if !(1..=60).contains(&self.timeout_seconds) {
            return Err(SettingsMistake::Timeout(self.timeout_seconds));
        }
        if self.ca_file.is_some() && !is_encrypted {
            return Err(SettingsMistake::Authorities);
        }
        Ok(())
    }
}
