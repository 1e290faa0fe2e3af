//! What the compiler knows of this deployment.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use sark_flowspec::Afi;
use serde::{Deserialize, Serialize};

use crate::Profile;

/// Deployment facts; the same for every plan until the configuration changes, or a proxy comes or
/// goes.
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

/// Proxies that receive redirected flows and share them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Name used by `redirect: { to: NAME }`.
    pub name: String,
    /// The pool reads the SNI and passes unrelated names through.
    pub reads_sni: bool,
    /// At least one. Their names are their own within the pool.
    pub proxies: Vec<Proxy>,
}

/// One of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its name, by which it gets its share: another name is another proxy.
    pub name: String,
    /// Where routers send IPv4 flows.
    pub next_hop4: Option<Ipv4Addr>,
    /// Where routers send IPv6 flows.
    pub next_hop6: Option<Ipv6Addr>,
    /// What it sends from; kept out of every redirect, whether it is up or not.
    pub source_prefixes: Vec<IpNet>,
    /// Whether it takes flows now: the one fact here that changes by itself.
    pub is_up: bool,
}

impl Proxy {
    /// Where routers send flows of a family.
    #[must_use]
    pub fn next_hop(&self, afi: Afi) -> Option<IpAddr> {
        match afi {
            Afi::Ipv4 => self.next_hop4.map(Into::into),
            Afi::Ipv6 => self.next_hop6.map(Into::into),
        }
    }
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
