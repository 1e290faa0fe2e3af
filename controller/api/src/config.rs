//! The configuration file, typed; unknown keys are errors.
//!
//! Layers, later wins: the embedded defaults, the file, the environment (`SARK_BGP__ROUTER_ID` is
//! `bgp.routerId`; variables without `__` belong to others), the command line. [`load`] reads
//! and checks all of it; nothing else is needed for `sarkd --check` and `sarkctl --config`.

mod access;
mod audit;
mod check;
mod decisions;
mod environment;
mod load;
mod pools;
mod prices;
mod sensors;
mod store;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use jiff::SignedDuration;
use sark_compiler::Protected;
use sark_registry::ageing;
use sark_registry::resolve::Settings;
use serde::{Deserialize, Serialize};

pub use access::{ApiConfig, CertificateConfig, DEFAULT_SOCKET, HttpsConfig, UserConfig};
pub use audit::{
    AnchorsConfig, AuditConfig, CheckpointsConfig, RetentionConfig, SpoolConfig, WebhookConfig,
    WhenFull,
};
pub use decisions::{BandConfig, BundleKeyConfig, DecisionsConfig, SourceConfig};
pub use load::load;
pub use pools::{CheckKind, HealthConfig, PoolConfig, ProxyConfig};
pub use prices::{PriceDoubtConfig, PricesConfig, TransportConfig};
pub use sark_core::log::{LogConfig, LogFormat};
pub use sark_core::secret::{Secret, SecretRef};
pub use sensors::{ExpectedConfig, SensorsConfig};
pub use store::{PostgresConfig, PostgresTls, SqliteConfig, StoreConfig};

/// All of it. Only `bgp.asn` and `bgp.routerId` have no default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Where `sarkd` keeps what must survive a restart.
    #[serde(default)]
    pub state: StateConfig,
    /// The database.
    #[serde(default)]
    pub store: StoreConfig,
    /// Where clients ask.
    #[serde(default)]
    pub api: ApiConfig,
    /// Where Prometheus asks.
    #[serde(default)]
    pub metrics: MetricsConfig,
    /// What `sarkd` writes on stderr.
    #[serde(default)]
    pub log: LogConfig,
    /// Who we are to our peers, and the daemon that speaks BGP for us.
    pub bgp: BgpConfig,
    /// Routers that receive the rules.
    #[serde(default)]
    pub peers: Vec<PeerConfig>,
    /// Proxies that policies may redirect to.
    #[serde(default)]
    pub pools: Vec<PoolConfig>,
    /// Prefixes that no rule may harm, beside SARK's own addresses.
    #[serde(default)]
    pub protected: Vec<Protected>,
    /// What is added to the endpoints that ship.
    #[serde(default)]
    pub registry: RegistryConfig,
    /// Policies that decide on requests, activities, tunnels and reports.
    #[serde(default)]
    pub decisions: DecisionsConfig,
    /// What anything outside may report.
    #[serde(default)]
    pub sensors: SensorsConfig,
    /// How often desired and observed rules are compared.
    #[serde(default)]
    pub reconcile: ReconcileConfig,
    /// The audit trail.
    #[serde(default)]
    pub audit: AuditConfig,
    /// Who is told what needs a person.
    #[serde(default)]
    pub alerts: sark_alerts::Config,
}

/// `state`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StateConfig {
    /// Holds the database (unless `store` says otherwise); one `sarkd` per directory. Created if missing.
    pub directory: PathBuf,
}

impl Default for StateConfig {
    fn default() -> Self {
        Self { directory: PathBuf::from("/var/lib/sark") }
    }
}

/// `metrics`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Loopback address and port, such as `127.0.0.1:9465`; not served over TCP unless set.
    pub listen: Option<std::net::SocketAddr>,
}

/// `bgp`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BgpConfig {
    /// Our AS; also the first part of the ownership community.
    pub asn: u32,
    /// Our router id; also our IPv4 address to peers, unless a local or listen address is given.
    pub router_id: Ipv4Addr,
    /// This installation, second part of the ownership community: distinct for each `sarkd` that
    /// shares a speaker or a router.
    #[serde(default = "one")]
    pub instance: u32,
    /// TCP port for peers that connect to us; 0 does not listen.
    #[serde(default = "bgp_port")]
    pub listen_port: u16,
    /// Addresses to listen on; empty means all.
    #[serde(default)]
    pub listen_addresses: Vec<IpAddr>,
    /// The daemon that speaks BGP.
    #[serde(default)]
    pub gobgpd: GobgpdConfig,
}

fn one() -> u32 {
    1
}

fn bgp_port() -> u16 {
    179
}

/// `bgp.gobgpd`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GobgpdConfig {
    /// `supervised` (started and configured by `sarkd`) or `external` (its peers are never
    /// touched).
    pub mode: GobgpdMode,
    /// The program, for `supervised`.
    pub program: PathBuf,
    /// Where its gRPC API is: `unix:///path` or a loopback `address:port`. By default
    /// `gobgpd/gobgpd.sock` in the state directory when supervised, `127.0.0.1:50051` when external.
    pub api: Option<String>,
    /// What becomes of a supervised daemon and its rules when `sarkd` stops: `keep` or `withdraw`.
    pub on_stop: OnStop,
}

impl Default for GobgpdConfig {
    fn default() -> Self {
        Self {
            mode: GobgpdMode::Supervised,
            program: PathBuf::from("gobgpd"),
            api: None,
            on_stop: OnStop::Keep,
        }
    }
}

/// See [`GobgpdConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum GobgpdMode {
    Supervised,
    External,
}

/// See [`GobgpdConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnStop {
    /// `gobgpd` and the rules stay and are adopted by the next `sarkd`.
    Keep,
    /// The rules are withdrawn and `gobgpd` is stopped.
    Withdraw,
}

/// One of `peers`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PeerConfig {
    /// Unique, for messages.
    pub name: String,
    /// The router's address.
    pub address: IpAddr,
    /// The router's AS.
    pub asn: u32,
    /// What the router accepts and programs; a plan holds for all peers.
    #[serde(default = "strict")]
    pub profile: String,
    /// FlowSpec families of the session.
    #[serde(default = "both_families")]
    pub families: Vec<Family>,
    /// Our end of the session; by default the first listen address of the family, else
    /// `bgp.routerId`.
    #[serde(default)]
    pub local_address: Option<IpAddr>,
    /// The router's TCP port.
    #[serde(default = "bgp_port")]
    pub port: u16,
    /// Wait for the router to connect.
    #[serde(default)]
    pub passive: bool,
    /// TTL of an eBGP session over more than one hop.
    #[serde(default)]
    pub multihop: Option<u8>,
    /// TCP MD5 password by reference: `file:/path` or `env:NAME`.
    #[serde(default)]
    pub password_ref: Option<SecretRef>,
    /// Most rules of each family that this router may get; narrows the profile.
    #[serde(default)]
    pub max_rules: Option<u32>,
    /// BGP hold time.
    #[serde(default)]
    pub hold_time: Option<SignedDuration>,
}

fn strict() -> String {
    "strict".to_owned()
}

fn both_families() -> Vec<Family> {
    vec![Family::Ipv4, Family::Ipv6]
}

/// FlowSpec address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Family {
    Ipv4,
    Ipv6,
}

/// `registry`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RegistryConfig {
    /// Overlay files; of two endpoints with one id the later wins. Read again on SIGHUP.
    pub overlays: Vec<PathBuf>,
    /// Lists that others publish.
    pub feeds: FeedsConfig,
    /// The addresses of names.
    pub resolve: ResolveConfig,
    /// What models cost.
    pub prices: PricesConfig,
    /// Registry versions kept, 10 to 1000000, beside those that are pinned or that a policy
    /// revision names.
    pub keep_versions: u32,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        Self {
            overlays: Vec::new(),
            feeds: FeedsConfig::default(),
            resolve: ResolveConfig::default(),
            prices: PricesConfig::default(),
            keep_versions: 10_000,
        }
    }
}

/// `registry.feeds`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FeedsConfig {
    /// Whether feeds are asked by themselves, each at its schedule. Off, `sarkd` asks nobody
    /// outside; what was had before stays in use.
    pub enabled: bool,
    /// Whether the feeds that ship are among them; without, only those in `files`: for a network
    /// from which nobody outside may be asked.
    pub shipped: bool,
    /// Files of feeds of one's own; one with the name of a feed that ships replaces it.
    pub files: Vec<PathBuf>,
}

impl Default for FeedsConfig {
    fn default() -> Self {
        Self { enabled: false, shipped: true, files: Vec::new() }
    }
}

/// `registry.resolve`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ResolveConfig {
    /// Whether the names of endpoints are asked for. Off, names lead nowhere: rules stand for
    /// prefixes alone.
    pub enabled: bool,
    /// Who is asked, all of them for each name. None is enough where clients' answers are told
    /// (`sarkctl registry observe`).
    pub resolvers: Vec<Settings>,
    /// For how long addresses are kept, how many, and how often names are asked.
    pub ageing: ageing::Config,
}

impl Default for ResolveConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            resolvers: vec![Settings::system()],
            ageing: ageing::Config::default(),
        }
    }
}

/// `reconcile`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReconcileConfig {
    /// Longest time between two rounds, 1 s to 1 h; events and policy times start one at once.
    pub interval: SignedDuration,
}

impl Default for ReconcileConfig {
    fn default() -> Self {
        Self { interval: SignedDuration::from_secs(30) }
    }
}
