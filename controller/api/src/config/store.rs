//! `store`: which database, and how several `sarkd` share one.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use sark_core::secret::SecretRef;
use serde::{Deserialize, Serialize};

/// `store`. Without either of the two, a SQLite file in the state directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StoreConfig {
    /// One file, for one `sarkd`.
    pub sqlite: Option<SqliteConfig>,
    /// A server, for one `sarkd` or several.
    pub postgres: Option<PostgresConfig>,
}

/// `store.sqlite`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SqliteConfig {
    /// The file, on a local disk; relative to the state directory. By default `sark.db`.
    pub path: Option<PathBuf>,
}

/// `store.postgres`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PostgresConfig {
    /// All of the below but `caFile` in one, by reference: `file:/path` or `env:NAME` of
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    pub url: Option<SecretRef>,
    /// Name or address, or the directory of its Unix socket (`/run/postgresql`).
    pub host: Option<String>,
    /// TCP port; names the socket too.
    pub port: u16,
    /// The database, which exists and is UTF-8.
    pub database: String,
    /// The user, who owns the database.
    pub user: String,
    /// The password by reference: `file:/path` or `env:NAME`. On a Unix socket none, as a rule.
    pub password: Option<SecretRef>,
    /// `verify` or `off`; not used on a Unix socket.
    pub tls: PostgresTls,
    /// PEM file with the authorities that may vouch for the server, in place of the system's;
    /// relative to the configuration's directory.
    pub ca_file: Option<PathBuf>,
    /// What other `sarkd` call this one: distinct, the host's name by default.
    pub name: Option<String>,
    /// How long a leader that is not heard of stays leader, 5 s to 5 min.
    pub lease: SignedDuration,
}

/// See [`PostgresConfig`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostgresTls {
    /// TLS, and the server proves its name.
    #[default]
    Verify,
    /// In the clear: on this machine, or inside a tunnel.
    Off,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            url: None,
            host: None,
            port: 5432,
            database: "sark".to_owned(),
            user: "sark".to_owned(),
            password: None,
            tls: PostgresTls::Verify,
            ca_file: None,
            name: None,
            lease: SignedDuration::from_secs(15),
        }
    }
}

impl StoreConfig {
    /// The SQLite file.
    #[must_use]
    pub fn sqlite_file(&self, state: &Path) -> PathBuf {
        let named = self.sqlite.as_ref().and_then(|sqlite| sqlite.path.as_deref());
        state.join(named.unwrap_or(Path::new("sark.db")))
    }

    /// Tells each mistake: key, what is wrong, what to do.
    pub(super) fn check(&self, wrong: &mut impl FnMut(&str, String, &str)) {
        if self.sqlite.is_some() && self.postgres.is_some() {
            wrong("store", "it is in two places".into(), "sqlite or postgres: remove one");
        }
        let Some(postgres) = &self.postgres else { return };
        match (&postgres.url, &postgres.host) {
            (None, None) => wrong(
                "store.postgres",
                "it has no host".into(),
                "host: NAME, or host: /run/postgresql for its Unix socket, or url: file:/path",
            ),
            (Some(_), Some(_)) => {
                wrong("store.postgres.host", "there is a url too".into(), "remove one of the two");
            }
            (Some(_), None) if postgres.password.is_some() => {
                wrong("store.postgres.password", "there is a url".into(), "put it into the url");
            }
            _ => {}
        }
        for (key, reference) in [("url", &postgres.url), ("password", &postgres.password)] {
            if *reference == Some(SecretRef::Invalid) {
                wrong(
                    &format!("store.postgres.{key}"),
                    "it is not a reference".into(),
                    "file:/path or env:NAME; the secret itself does not belong here",
                );
            }
        }
        for (key, text) in [
            ("host", postgres.host.as_deref()),
            ("database", Some(postgres.database.as_str())),
            ("user", Some(postgres.user.as_str())),
            ("name", postgres.name.as_deref()),
        ] {
            let fits =
                |text: &str| (1..=255).contains(&text.len()) && !text.chars().any(char::is_control);
            if !text.is_none_or(fits) {
                wrong(
                    &format!("store.postgres.{key}"),
                    "it is empty or too long, or has control characters".into(),
                    "1 to 255 characters",
                );
            }
        }
        let lease = SignedDuration::from_secs(5)..=SignedDuration::from_mins(5);
        if !lease.contains(&postgres.lease) {
            wrong("store.postgres.lease", "out of range".into(), "5s to 5m");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    fn mistakes(store: &str) -> Vec<String> {
        let text = format!("bgp: {{ asn: 64512, routerId: 192.0.2.1 }}\nstore: {store}\n");
        let found = load("c.yaml", &text, [], &[]).err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_place_and_no_secret_in_it() {
        for good in [
            "{}",
            "{ sqlite: { path: /srv/sark.db } }",
            "{ postgres: { host: /run/postgresql } }",
            "{ postgres: { host: db.example, password: \"file:/run/secrets/db\", lease: 30s } }",
            "{ postgres: { url: \"env:SARK_DB_URL\", tls: off } }",
        ] {
            assert_eq!(mistakes(good), [""; 0], "{good}");
        }
        for (bad, said) in [
            ("{ sqlite: {}, postgres: { host: h } }", "it is in two places"),
            ("{ postgres: {} }", "it has no host"),
            ("{ postgres: { host: h, url: \"env:U\" } }", "there is a url too"),
            ("{ postgres: { url: \"postgres://sark:hunter2@h/sark\" } }", "not a reference"),
            ("{ postgres: { host: h, password: hunter2 } }", "not a reference"),
            ("{ postgres: { host: h, lease: 1s } }", "5s to 5m"),
            ("{ postgres: { host: h, user: \"\" } }", "empty"),
            ("{ postgres: { hots: h } }", "hots"),
        ] {
            let found = mistakes(bad).join("\n");
            assert!(found.contains(said), "{bad}: {found}");
            assert!(!found.contains("hunter2"), "{bad}: {found}");
        }
    }

    #[test]
    fn a_file_is_seen_from_the_state_directory() {
        let state = Path::new("/var/lib/sark");
        let named = |path: Option<&str>| StoreConfig {
            sqlite: Some(SqliteConfig { path: path.map(PathBuf::from) }),
            postgres: None,
        };
        for (store, file) in [
            (StoreConfig::default(), "/var/lib/sark/sark.db"),
            (named(None), "/var/lib/sark/sark.db"),
            (named(Some("a.db")), "/var/lib/sark/a.db"),
            (named(Some("/srv/a.db")), "/srv/a.db"),
        ] {
            assert_eq!(store.sqlite_file(state), Path::new(file));
        }
    }
}
