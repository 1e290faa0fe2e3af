//! The configuration file, typed; unknown keys are errors.

mod load;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use jiff::SignedDuration;
use sark_caller::SarkdConfig;
use sark_registry::NamePattern;
use serde::Deserialize;

pub use load::{ConfigError, load};

use crate::entrance::transparent::Steering;
use crate::judge::{Fail, SourceMap};
use crate::pins::PinPolicy;
use crate::steer::Courses;

/// All of it. At least one entrance has to be there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// This proxy, in records: `proxy:NAME`.
    #[serde(default = "name")]
    pub name: String,
    /// Where `sarkd` is: decision sets, the registry and prices come from it, records go to it.
    #[serde(default)]
    pub sarkd: SarkdConfig,
    /// Connections that a router or the kernel steers here.
    #[serde(default)]
    pub transparent: Option<TransparentConfig>,
    /// Clients that know the proxy.
    #[serde(default)]
    pub explicit: Option<ExplicitConfig>,
    /// Clients that take the proxy for a server.
    #[serde(default)]
    pub reverse: Vec<ReverseConfig>,
    /// Which connections are opened, spliced or denied.
    #[serde(default)]
    pub courses: Courses,
    /// Who is behind addresses.
    #[serde(default)]
    pub sources: Vec<SourceMap>,
    /// What happens where no decision can be had.
    #[serde(default)]
    pub fail: FailConfig,
    /// Clients that believe one certificate only.
    #[serde(default)]
    pub pins: PinsConfig,
    /// How servers are reached.
    #[serde(default)]
    pub upstream: UpstreamConfig,
    /// What connections and requests may cost.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Where the certificate authority, the last snapshot and records on their way are.
    #[serde(default)]
    pub state: StateConfig,
    /// Where Prometheus asks.
    #[serde(default)]
    pub metrics: MetricsConfig,
    /// What is written on stderr.
    #[serde(default)]
    pub log: LogConfig,
}

fn name() -> String {
    "proxy".to_owned()
}

/// `transparent`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TransparentConfig {
    /// How the kernel hands connections over.
    pub steering: Steering,
    /// The port of the listeners, on all addresses of both families.
    pub port: u16,
    /// Packets that come in here are steered: for `sark-proxy net up`.
    pub interfaces: Vec<String>,
    /// TCP ports that clients mean.
    pub ports: Vec<u16>,
    /// Whether UDP to those ports is refused, so that clients of QUIC fall back to TCP.
    pub refuse_quic: bool,
    /// Mark of packets for the listener.
    pub mark: u32,
    /// Routing table that says so.
    pub table: u32,
    /// Priority of the rule that asks it.
    pub priority: u32,
}

impl Default for TransparentConfig {
    fn default() -> Self {
        Self {
            steering: Steering::default(),
            port: 15001,
            interfaces: Vec::new(),
            ports: vec![80, 443],
            refuse_quic: true,
            mark: 0x5a01,
            table: 15001,
            priority: 150,
        }
    }
}

/// `explicit`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ExplicitConfig {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Prefixes that they may ask for although they are no public addresses.
    pub also: Vec<IpNet>,
}

impl Default for ExplicitConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3128)), also: Vec::new() }
    }
}

/// One of `reverse`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReverseConfig {
    /// Where clients connect, without TLS.
    pub listen: SocketAddr,
    /// Name of the server, which is spoken to with TLS.
    pub to: String,
    /// Its port.
    #[serde(default = "https")]
    pub port: u16,
}

fn https() -> u16 {
    443
}

/// `fail`: `closed` or `open`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FailConfig {
    /// There is no decision set: `sarkd` never gave one.
    pub no_set: Fail,
    /// The body of a request to a model cannot be read.
    pub unreadable: Fail,
}

/// `pins`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PinsConfig {
    /// What happens to a pinned client: `deny` or `splice`.
    pub policy: PinPolicy,
    /// Names that may be spliced because of it: whoever wants to be taken for pinned can be.
    pub names: Vec<NamePattern>,
    /// TLS alerts of one client for one name that it takes.
    pub alerts: u32,
    /// Within which.
    pub within: SignedDuration,
    /// How long a client is taken for pinned.
    pub holds: SignedDuration,
}

impl Default for PinsConfig {
    fn default() -> Self {
        Self {
            policy: PinPolicy::Deny,
            names: Vec::new(),
            alerts: 3,
            within: SignedDuration::from_mins(10),
            holds: SignedDuration::from_mins(15),
        }
    }
}

/// `upstream`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpstreamConfig {
    /// Authorities that servers are believed by, beside the system's: PEM files.
    pub roots: Vec<PathBuf>,
    /// For a connection.
    pub connect: SignedDuration,
    /// For a TLS handshake.
    pub handshake: SignedDuration,
    /// How long an idle connection is kept.
    pub idle: SignedDuration,
    /// Idle connections of one server.
    pub each: usize,
    /// Mark of connections to servers, so that no rule steers them here again.
    pub mark: Option<u32>,
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            connect: SignedDuration::from_secs(5),
            handshake: SignedDuration::from_secs(10),
            idle: SignedDuration::from_secs(60),
            each: 64,
            mark: None,
        }
    }
}

/// `limits`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Connections in all.
    pub connections: usize,
    /// Connections of one client.
    pub each_client: usize,
    /// Requests at a time; one more is told to come again.
    pub requests: usize,
    /// Until a connection says what it speaks.
    pub hello: SignedDuration,
    /// Until the head of the next request is whole, and for a TLS handshake.
    pub head: SignedDuration,
    /// Until a body that is decided on is whole.
    pub body: SignedDuration,
    /// Until a server begins to answer.
    pub answer: SignedDuration,
    /// Octets of a body that is decided on; a longer one is not read.
    pub inspect: usize,
    /// A spliced connection on which nothing is said for so long ends.
    pub idle: SignedDuration,
    /// What is under way when the proxy stops has this long.
    pub drain: SignedDuration,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            connections: 10_000,
            each_client: 1_000,
            requests: 2_000,
            hello: SignedDuration::from_secs(3),
            head: SignedDuration::from_secs(60),
            body: SignedDuration::from_secs(60),
            answer: SignedDuration::from_mins(10),
            inspect: 8 << 20,
            idle: SignedDuration::from_mins(60),
            drain: SignedDuration::from_secs(30),
        }
    }
}

/// `state`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StateConfig {
    /// The directory: `ca/`, `snapshot.json`, `spool/`.
    pub directory: PathBuf,
    /// Octets of records that wait for `sarkd`; when they are as many, requests are denied.
    pub most_octets: u64,
}

impl Default for StateConfig {
    fn default() -> Self {
        Self { directory: PathBuf::from("/var/lib/sark-proxy"), most_octets: 1 << 30 }
    }
}

/// `metrics`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// `/metrics`, `/healthz` and `/readyz` are here; null for nowhere.
    pub listen: Option<SocketAddr>,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9467))) }
    }
}

/// `log`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LogConfig {
    /// `text` or `json`.
    pub format: LogFormat,
    /// Levels by target, such as `info,sark_inline_proxy=debug`.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

/// See [`LogConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum LogFormat {
    Text,
    Json,
}
