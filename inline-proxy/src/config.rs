//! The configuration file, typed; unknown keys are errors.

mod load;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use jiff::SignedDuration;
use sark_caller::SarkdConfig;
use sark_core::log::LogConfig;
use sark_registry::NamePattern;
use sark_traces::TracesConfig;
use serde::Deserialize;

use crate::answers::Answers;
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
    /// What is done with answers beside reading them.
    #[serde(default)]
    pub answers: Answers,
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
    /// Traces of requests, for an OpenTelemetry collector; without it there are none.
    #[serde(default)]
    pub traces: Option<TracesConfig>,
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
    /// Who says by the PROXY protocol on whose behalf it connects, and whom that client meant.
    pub proxy_protocol: ProxyProtocolConfig,
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
            proxy_protocol: ProxyProtocolConfig::default(),
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
    /// Who says by the PROXY protocol on whose behalf it connects.
    pub proxy_protocol: ProxyProtocolConfig,
}

impl Default for ExplicitConfig {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 3128));
        Self { listen, also: Vec::new(), proxy_protocol: ProxyProtocolConfig::default() }
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
    /// Who says by the PROXY protocol on whose behalf it connects.
    #[serde(default)]
    pub proxy_protocol: ProxyProtocolConfig,
}

/// `proxyProtocol` of an entrance
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProxyProtocolConfig {
    /// Connections from these prefixes begin with a header of version 2, and those from elsewhere with none.
    pub from: Vec<IpNet>,
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
    /// Servers in these prefixes are told by the PROXY protocol, version 2, on whose behalf a connection is.
    pub proxy_protocol: Vec<IpNet>,
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
            proxy_protocol: Vec::new(),
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
    /// Requests at a time, each until its answer is over; one more is told to come again. What a client does
    /// not read takes up to 0.75 MiB of each.
    pub requests: usize,
    /// Requests of one client at a time.
    pub requests_each_client: usize,
    /// Octets of bodies that are read to be decided on, as long as they are held.
    pub bodies: usize,
    /// Octets of one client's.
    pub bodies_each_client: usize,
    /// Bits of an IPv6 address that make one client; of IPv4 each address is one, and 127.0.0.0/8 is.
    pub client_prefix6: u8,
    /// Until a connection says what it speaks.
    pub hello: SignedDuration,
    /// Until the head of the next request is whole, and for a TLS handshake.
    pub head: SignedDuration,
    /// Until a body that is decided on is whole.
    pub body: SignedDuration,
    /// Until a server begins to answer, from when the body that is sent to it has gone, of which a kilobyte a
    /// second has to go; and until a stream of it goes on.
    pub answer: SignedDuration,
    /// Octets of a body that is decided on; a longer one is not read.
    pub inspect: usize,
    /// A connection that is spliced, or became a WebSocket or the like, ends when nothing is said on it for
    /// so long; so does an answer of which the server says, or the client takes, nothing.
    pub idle: SignedDuration,
    /// Connections to all servers that nobody uses; beyond, the one that nobody used for longest is closed.
    pub idle_servers: usize,
    /// What is under way when the proxy stops has this long.
    pub drain: SignedDuration,
    /// And when another program has taken over.
    pub handover: SignedDuration,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            connections: 10_000,
            each_client: 1_000,
            requests: 4_000,
            requests_each_client: 1_000,
            bodies: 512 << 20,
            bodies_each_client: 128 << 20,
            client_prefix6: 64,
            hello: SignedDuration::from_secs(3),
            head: SignedDuration::from_secs(60),
            body: SignedDuration::from_secs(60),
            answer: SignedDuration::from_mins(10),
            inspect: 8 << 20,
            idle: SignedDuration::from_mins(60),
            idle_servers: 1_024,
            drain: SignedDuration::from_secs(30),
            handover: SignedDuration::from_mins(60),
        }
    }
}

/// `state`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StateConfig {
    /// The directory: `ca/`, `snapshot.json`, `spool/`; and `spool-1/` … of programs that took over.
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
