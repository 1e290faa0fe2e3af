//! `audit`: how the trail is vouched for, how long it is kept, and what holds records up.

use std::path::PathBuf;

use jiff::SignedDuration;
use sark_core::secret::SecretRef;
use serde::{Deserialize, Serialize};

/// `audit`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AuditConfig {
    /// Signed checkpoints.
    pub checkpoints: CheckpointsConfig,
    /// Where checkpoints are copied to, out of reach of whoever can write to the database.
    pub anchors: AnchorsConfig,
    /// How long records are kept. By default for ever.
    pub retention: RetentionConfig,
    /// Where records of decisions wait for the store.
    pub spool: SpoolConfig,
    /// Key for what a policy's `keep` obligation names: 32 octets in base64. Without it nothing is
    /// kept.
    pub seal: Option<SecretRef>,
}

/// `audit.checkpoints`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CheckpointsConfig {
    /// Whose trail it is, in every checkpoint and in the key; no space, no plus sign.
    pub origin: String,
    /// After so many records, 1 to 1000000.
    pub records: u64,
    /// And after this time if there is a new record, 1s to 24h.
    pub interval: SignedDuration,
    /// The signing key; by default `audit.key` in the state directory, made at the first start.
    pub key: Option<SecretRef>,
}

impl Default for CheckpointsConfig {
    fn default() -> Self {
        Self {
            origin: "sark/audit".to_owned(),
            records: 10_000,
            interval: SignedDuration::from_mins(10),
            key: None,
        }
    }
}

/// `audit.anchors`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AnchorsConfig {
    /// A file that is only appended to: on another machine's disk, or one that can be written once.
    pub file: Option<PathBuf>,
    /// An `https` address that takes each checkpoint as `text/plain`.
    pub webhook: Option<WebhookConfig>,
    /// The syslog daemon's socket, such as `/dev/log`.
    pub syslog: Option<PathBuf>,
}

/// `audit.anchors.webhook`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where.
    pub url: String,
    /// The server is one's own: plain `http` and private addresses are allowed.
    #[serde(default)]
    pub private: bool,
}

/// `audit.retention`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Records older than this many days go.
    pub keep_days: Option<u32>,
    /// Of more records than this, the oldest go.
    pub keep_records: Option<u64>,
}

/// `audit.spool`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SpoolConfig {
    /// By default `audit-spool` in the state directory.
    pub directory: Option<PathBuf>,
    /// Most octets that wait, 1 MiB and more.
    pub most_octets: u64,
    /// Most records in memory, 1 to 1000000.
    pub queue: usize,
    /// What becomes of a decision when spool or queue are full.
    pub when_full: WhenFull,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        Self { directory: None, most_octets: 1 << 30, queue: 16_384, when_full: WhenFull::Block }
    }
}

/// See [`SpoolConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenFull {
    /// What cannot be recorded is not allowed.
    Block,
    /// It is decided all the same; the trail says how many records were lost.
    DropAndCount,
}

impl AuditConfig {
    /// Every mistake.
    pub(super) fn check(&self, wrong: &mut impl FnMut(&str, String, &str)) {
        let CheckpointsConfig { origin, records, interval, key } = &self.checkpoints;
        let out = "out of range";
        if origin.is_empty() || origin.contains(|c: char| c == '+' || c.is_whitespace()) {
            let why = "not a name: it is empty, or has a space or a plus sign";
            wrong("audit.checkpoints.origin", why.into(), "such as sark.example.org/audit");
        }
        if !(1..=1_000_000).contains(records) {
            wrong("audit.checkpoints.records", out.into(), "1 to 1000000");
        }
        if *interval < SignedDuration::from_secs(1) || *interval > SignedDuration::from_hours(24) {
            wrong("audit.checkpoints.interval", out.into(), "1s to 24h");
        }
        for (name, reference) in [("audit.checkpoints.key", key), ("audit.seal", &self.seal)] {
            if *reference == Some(SecretRef::Invalid) {
                let why = "not a reference to a secret";
                wrong(name, why.into(), "write file:/path or env:NAME, not the secret itself");
            }
        }
        if let Some(WebhookConfig { url, private }) = &self.anchors.webhook
            && !url.starts_with("https://")
            && !(*private && url.starts_with("http://"))
        {
            let why = "not an https address".to_owned();
            wrong("audit.anchors.webhook.url", why, "use https, or private: true on one's own net");
        }
        if self.retention.keep_days == Some(0) || self.retention.keep_records == Some(0) {
            wrong("audit.retention", "nothing would be kept".into(), "leave it out to keep all");
        }
        if self.spool.most_octets < 1 << 20 {
            wrong("audit.spool.mostOctets", out.into(), "1048576 or more");
        }
        if !(1..=1_000_000).contains(&self.spool.queue) {
            wrong("audit.spool.queue", out.into(), "1 to 1000000");
        }
    }
}
