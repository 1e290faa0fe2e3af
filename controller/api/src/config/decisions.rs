//! `decisions`: where the set of decision policies is from, and how it decides.

use std::path::PathBuf;

use jiff::SignedDuration;
use sark_core::secret::SecretRef;
use serde::{Deserialize, Serialize};

use crate::Wanted;

/// `decisions`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DecisionsConfig {
    /// Where the set is from. Without, it is what was activated by the API.
    pub source: Option<SourceConfig>,
    /// Keys that bundles are signed with; with one, nothing unsigned is taken, from nowhere.
    pub keys: Vec<BundleKeyConfig>,
    /// A `set.yaml` for sets that have none, such as bundles made for OPA.
    pub settings: Option<PathBuf>,
    /// How far a set of the source goes by itself.
    pub stage: Wanted,
    /// Of a hundred sources, how many a canary of the source decides on, 1 to 99.
    pub percent: u8,
    /// What a canary may do.
    pub canary: BandConfig,
    /// Threads that decide, 1 to 64.
    pub threads: u8,
    /// Questions that wait for one, 1 to 100000.
    pub queue: usize,
    /// From a question to the answer that the set names for errors, 10ms to 10s.
    pub patience: SignedDuration,
}

/// `decisions.source`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceConfig {
    /// A directory with `set.yaml`, read at the start and on SIGHUP.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// An OPA bundle (tar.gz), read at the start and on SIGHUP.
    #[serde(default)]
    pub bundle: Option<PathBuf>,
    /// An OPA bundle, asked for again and again.
    #[serde(default)]
    pub url: Option<String>,
    /// How often, 5s to 24h.
    #[serde(default = "a_minute")]
    pub interval: SignedDuration,
    /// Sent as bearer token.
    #[serde(default)]
    pub token: Option<SecretRef>,
    /// PEM file of authorities that are trusted beside the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The server is one's own: plain `http` and private addresses are allowed.
    #[serde(default)]
    pub private: bool,
}

fn a_minute() -> SignedDuration {
    SignedDuration::from_mins(1)
}

/// One of `decisions.keys`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleKeyConfig {
    /// A public key in PEM, or a secret of HS256, by reference: `file:/path` or `env:NAME`.
    pub key: SecretRef,
    /// Its id, if bundles name one.
    #[serde(default)]
    pub id: Option<String>,
    /// The scope that signatures must have.
    #[serde(default)]
    pub scope: Option<String>,
}

/// `decisions.canary`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BandConfig {
    /// Its share of denials may differ so far from the active set's, 0 to 1.
    pub denied: f64,
    /// Its share of errors may be so high, 0 to 1.
    pub failed: f64,
    /// Decisions of each that are looked at together, 10 to 1000000.
    pub after: u64,
}

impl Default for DecisionsConfig {
    fn default() -> Self {
        Self {
            source: None,
            keys: Vec::new(),
            settings: None,
            stage: Wanted::Active,
            percent: 10,
            canary: BandConfig::default(),
            threads: 2,
            queue: 1024,
            patience: SignedDuration::from_millis(500),
        }
    }
}

impl Default for BandConfig {
    fn default() -> Self {
        Self { denied: 0.05, failed: 0.01, after: 200 }
    }
}

impl DecisionsConfig {
    /// Tells each mistake: key, what is wrong, what to do.
    pub(super) fn check(&self, wrong: &mut impl FnMut(&str, String, &str)) {
        let out = "out of range";
        if let Some(source) = &self.source {
            source.check(wrong);
            if source.directory.is_some() && !self.keys.is_empty() {
                let why = "a directory is not signed, and decisions.keys asks for signed bundles";
                wrong(
                    "decisions.source.directory",
                    why.into(),
                    "use a bundle, or take the keys out",
                );
            }
        }
        for (n, key) in self.keys.iter().enumerate() {
            if key.key == SecretRef::Invalid {
                let help = "write file:/path or env:NAME, not the key itself";
                wrong(&format!("decisions.keys[{n}].key"), "not a reference".into(), help);
            }
        }
        if !(1..=99).contains(&self.percent) {
            wrong("decisions.percent", out.into(), "1 to 99");
        }
        let BandConfig { denied, failed, after } = self.canary;
        for (key, share) in [("denied", denied), ("failed", failed)] {
            if !(0.0..=1.0).contains(&share) {
                wrong(&format!("decisions.canary.{key}"), out.into(), "0 to 1: 0.05 is 5 %");
            }
        }
        if !(10..=1_000_000).contains(&after) {
            wrong("decisions.canary.after", out.into(), "10 to 1000000");
        }
        if !(1..=64).contains(&self.threads) {
            wrong("decisions.threads", out.into(), "1 to 64; one for each core is enough");
        }
        if !(1..=100_000).contains(&self.queue) {
            wrong("decisions.queue", out.into(), "1 to 100000");
        }
        let patience = SignedDuration::from_millis(10)..=SignedDuration::from_secs(10);
        if !patience.contains(&self.patience) {
            wrong("decisions.patience", out.into(), "10ms to 10s");
        }
    }
}

impl SourceConfig {
    fn check(&self, wrong: &mut impl FnMut(&str, String, &str)) {
        let Self { directory, bundle, url, interval, token, ca_file, private } = self;
        let named = [directory.is_some(), bundle.is_some(), url.is_some()];
        if named.iter().filter(|named| **named).count() != 1 {
            let why = "it is one of directory, bundle and url";
            wrong("decisions.source", why.into(), "directory: /etc/sark/decisions");
        }
        if let Some(url) = url {
            let is_fine = url.starts_with("https://") || (*private && url.starts_with("http://"));
            if !is_fine {
                let help = "use https, or private: true on one's own net";
                wrong("decisions.source.url", "not an https address".into(), help);
            }
        } else if token.is_some() || ca_file.is_some() || *private {
            let why = "token, caFile and private are of a url";
            wrong("decisions.source", why.into(), "name the url, or leave them out");
        }
        let bounds = SignedDuration::from_secs(5)..=SignedDuration::from_hours(24);
        if !bounds.contains(interval) {
            wrong("decisions.source.interval", "out of range".into(), "5s to 24h");
        }
        if *token == Some(SecretRef::Invalid) {
            let help = "write file:/path or env:NAME, not the token itself";
            wrong("decisions.source.token", "not a reference to a secret".into(), help);
        }
    }
}
