//! `alerts` of sarkd's configuration.

mod check;

use std::collections::BTreeMap;
use std::path::PathBuf;

use ipnet::IpNet;
use jiff::SignedDuration;
use sark_core::secret::SecretRef;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use crate::quiet::{Day, QuietHours};
pub use crate::route::Route;
use crate::template::Template;

pub use check::Mistake;

/// `alerts`. Without sinks nobody is told anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// Which installation tells it; by default this host's name.
    pub source: Option<String>,
    /// Where the runbooks are: `https://wiki.example/sark/`. By default messages name the page in
    /// `docs/runbooks`.
    pub runbooks: Option<String>,
    /// Grouping.
    pub grouping: Grouping,
    /// Of the quiet hours, as the IANA names it: `Europe/Berlin`.
    pub time_zone: String,
    /// Hours in which people are not disturbed for little.
    pub quiet_hours: Vec<QuietHours>,
    /// Who can be told.
    pub sinks: Vec<SinkConfig>,
    /// Who is told what. None: every sink is told everything from severity low.
    pub routes: Vec<Route>,
    /// How long what was delivered is kept, and dead letters three times as long; 1h to 8760h.
    pub keep: SignedDuration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            source: None,
            runbooks: None,
            grouping: Grouping::default(),
            time_zone: "UTC".to_owned(),
            quiet_hours: Vec::new(),
            sinks: Vec::new(),
            routes: Vec::new(),
            keep: SignedDuration::from_hours(30 * 24),
        }
    }
}

/// `alerts.grouping`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Grouping {
    /// For so long after an alert was told it is counted and not told again, unless it is worse or
    /// gone; 0s to 168h.
    pub window: SignedDuration,
}

impl Default for Grouping {
    fn default() -> Self {
        Self { window: SignedDuration::from_mins(30) }
    }
}

/// One of `alerts.sinks`: its name, exactly one kind, and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SinkConfig {
    /// As routes name it: letters, digits, `-`.
    pub name: String,
    /// Any receiver of Standard Webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookConfig>,
    /// A channel of Slack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<ChatConfig>,
    /// A channel of Microsoft Teams, by a Workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<ChatConfig>,
    /// A service of PagerDuty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagerduty: Option<PagerDutyConfig>,
    /// Splunk's HTTP Event Collector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub splunk: Option<SplunkConfig>,
    /// Microsoft Sentinel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentinel: Option<SentinelConfig>,
    /// Elasticsearch, or what speaks like it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elastic: Option<ElasticConfig>,
    /// A syslog server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syslog: Option<SyslogConfig>,
    /// A syslog server that reads CEF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cef: Option<SyslogConfig>,
    /// A file of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileConfig>,
    /// Private addresses that it may have; any other is refused, because an address that leads
    /// inside is how others are made to ask in our name. Also allows plain `http`. Not for syslog
    /// and CEF: their servers may be anywhere.
    #[serde(default)]
    pub private_addresses: Vec<IpNet>,
    /// `http://`, `https://` or `socks5://` proxy.
    #[serde(default)]
    pub proxy: Option<String>,
    /// PEM file of authorities that are trusted beside the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Longest time of one attempt; 1s to 60s.
    #[serde(default = "ten_seconds")]
    pub timeout: SignedDuration,
    /// Messages a minute; what is more waits. 1 to 6000.
    #[serde(default = "sixty")]
    pub per_minute: u32,
    /// Attempts before it is given up, 1 to 100. Between them it waits longer each time, up to 15
    /// minutes, and as long as the receiver says.
    #[serde(default = "twenty")]
    pub attempts: u32,
    /// Words of its messages.
    #[serde(default)]
    pub template: TemplateConfig,
}

fn ten_seconds() -> SignedDuration {
    SignedDuration::from_secs(10)
}

fn sixty() -> u32 {
    60
}

fn twenty() -> u32 {
    20
}

/// See [`Template`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TemplateConfig {
    /// One line.
    pub title: Option<Template>,
    /// Below it.
    pub text: Option<Template>,
}

/// An address, or where it is: an address that holds a secret is written `env:NAME` or
/// `file:/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Written here.
    Plain(String),
    /// Somewhere else.
    Secret(SecretRef),
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(url) => serializer.serialize_str(url),
            Self::Secret(reference) => reference.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.starts_with("https://") || text.starts_with("http://") {
            true => Self::Plain(text),
            false => Self::Secret(SecretRef::parse(&text)),
        })
    }
}

/// `webhook`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where.
    pub url: Address,
    /// Signing keys (`whsec_…`) by reference: while a receiver changes its key there are two.
    #[serde(default)]
    pub keys: Vec<SecretRef>,
    /// Header names and where their values are.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretRef>,
}

/// `slack`, `teams`: the address is the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChatConfig {
    /// Where: `env:NAME` or `file:/path`.
    pub url: Address,
}

/// `pagerduty`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PagerDutyConfig {
    /// Integration key of the service (Events API v2), by reference.
    pub routing_key: SecretRef,
    /// Elsewhere in the EU: `https://events.eu.pagerduty.com/v2/enqueue`.
    #[serde(default = "pagerduty")]
    pub url: Address,
}

fn pagerduty() -> Address {
    Address::Plain("https://events.pagerduty.com/v2/enqueue".to_owned())
}

/// `splunk`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SplunkConfig {
    /// `https://host:8088`.
    pub url: Address,
    /// HEC token, by reference.
    pub token: SecretRef,
    /// By default the token's.
    #[serde(default)]
    pub index: Option<String>,
    /// A GUID; with it an event counts as delivered when it is indexed (Enterprise, with
    /// acknowledgement on for the token).
    #[serde(default)]
    pub channel: Option<String>,
}

/// `sentinel`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SentinelConfig {
    /// Logs ingestion endpoint of the data collection rule or endpoint.
    pub endpoint: Address,
    /// Immutable id of the rule: `dcr-…`.
    pub rule: String,
    /// `Custom-SarkAlerts_CL`.
    pub stream: String,
    /// Tenant id.
    pub tenant: String,
    /// Application id.
    pub client_id: String,
    /// Its secret, by reference.
    pub client_secret: SecretRef,
    /// Another cloud's.
    #[serde(default = "entra")]
    pub authority: Address,
}

fn entra() -> Address {
    Address::Plain("https://login.microsoftonline.com".to_owned())
}

/// `elastic`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ElasticConfig {
    /// `https://host:9200`.
    pub url: Address,
    /// Index or data stream.
    pub index: String,
    /// Encoded API key, by reference.
    #[serde(default)]
    pub api_key: Option<SecretRef>,
    /// User name, with `password`.
    #[serde(default)]
    pub user: Option<String>,
    /// By reference.
    #[serde(default)]
    pub password: Option<SecretRef>,
}

/// `syslog`, `cef`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyslogConfig {
    /// Name or address.
    pub host: String,
    /// By default 6514 with TLS, 601 without.
    #[serde(default)]
    pub port: Option<u16>,
    /// Whether TLS is spoken.
    #[serde(default = "yes")]
    pub tls: bool,
    /// 0 to 23: 13 is log audit, 16 to 23 are local0 to local7.
    #[serde(default = "log_audit")]
    pub facility: u8,
}

fn yes() -> bool {
    true
}

fn log_audit() -> u8 {
    13
}

/// `file`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileConfig {
    /// One line of JSON each is added; created if missing, mode 0640.
    pub path: PathBuf,
}

impl SinkConfig {
    /// The kinds it has, of which there should be one.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        [
            ("webhook", self.webhook.is_some()),
            ("slack", self.slack.is_some()),
            ("teams", self.teams.is_some()),
            ("pagerduty", self.pagerduty.is_some()),
            ("splunk", self.splunk.is_some()),
            ("sentinel", self.sentinel.is_some()),
            ("elastic", self.elastic.is_some()),
            ("syslog", self.syslog.is_some()),
            ("cef", self.cef.is_some()),
            ("file", self.file.is_some()),
        ]
        .into_iter()
        .filter_map(|(kind, there)| there.then_some(kind))
        .collect()
    }
}

impl Config {
    /// The routes: without any, every sink is told everything from severity low.
    #[must_use]
    pub fn effective_routes(&self) -> Vec<Route> {
        if !self.routes.is_empty() {
            return self.routes.clone();
        }
        let to = self.sinks.iter().map(|sink| sink.name.clone()).collect();
        let name = "everything".to_owned();
        vec![Route {
            name,
            to,
            severity: sark_core::Severity::Low,
            events: Vec::new(),
            only_when_named: false,
            resolved: true,
            quiet_hours: None,
        }]
    }
}
