//! What the compiler knows of this deployment.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::Profile;

/// Deployment facts; the same for every plan until the configuration changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// Our AS, first part of the ownership community.
    pub asn: u32,
    /// This installation, second part of the ownership community.
    pub instance: u32,
    /// Proxy pools by name.
    pub pools: Vec<Pool>,
    /// Prefixes that no packet to or from may suffer: SARK itself, operators' choice.
    pub protected: Vec<Protected>,
    /// BGP sessions whose TCP 179 packets are untouchable.
    pub sessions: Vec<Session>,
    /// The intersection of what all peers can do.
    pub profile: Profile,
}

/// Proxies that receive redirected flows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pool {
    /// Name used by `redirect: { to: NAME }`.
    pub name: String,
    /// Where routers send IPv4 flows.
    #[serde(default)]
    pub next_hop4: Option<Ipv4Addr>,
    /// Where routers send IPv6 flows.
    #[serde(default)]
    pub next_hop6: Option<Ipv6Addr>,
    /// What the proxies send from; kept out of every redirect.
    #[serde(default)]
    pub source_prefixes: Vec<IpNet>,
    /// The pool reads the SNI and passes unrelated names through.
    #[serde(default)]
    pub reads_sni: bool,
}

/// A prefix under protection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Protected {
    /// Named in refusals and origins.
    pub name: String,
    /// The prefix.
    pub prefix: IpNet,
}

/// The two ends of a BGP session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// One end.
    pub local: IpAddr,
    /// The other.
    pub peer: IpAddr,
}
