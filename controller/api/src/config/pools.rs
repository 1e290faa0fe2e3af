//! `pools`: proxies that policies may redirect to, and how it is seen that they are there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use sark_compiler::{Pool, Proxy};
use sark_core::identity::is_name;
use serde::{Deserialize, Serialize};

/// One of `pools`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolConfig {
    /// Name used by `redirect: { to: NAME }`.
    pub name: String,
    /// The proxies read the SNI and pass unrelated names through.
    #[serde(default)]
    pub reads_sni: bool,
    /// Those that share its flows, 1 to 64.
    pub proxies: Vec<ProxyConfig>,
    /// How it is seen that they are up; without it they are always taken for up.
    #[serde(default)]
    pub health: Option<HealthConfig>,
}

/// One of `pools[].proxies`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProxyConfig {
    /// Its own within the pool. Which flows it gets goes by this name.
    pub name: String,
    /// Where routers send IPv4 flows.
    #[serde(default)]
    pub next_hop4: Option<Ipv4Addr>,
    /// Where routers send IPv6 flows.
    #[serde(default)]
    pub next_hop6: Option<Ipv6Addr>,
    /// What it sends from; kept out of every redirect.
    #[serde(default)]
    pub source_prefixes: Vec<IpNet>,
    /// Where it is asked how it is: `ADDRESS:PORT`; by default its next hop, IPv4 before IPv6, and
    /// the port of `health`.
    #[serde(default)]
    pub check: Option<SocketAddr>,
}

/// `pools[].health`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthConfig {
    /// `tcp` (a connection), `tls` (a handshake) or `http` (a status from 200 to 299).
    pub check: CheckKind,
    /// Port that is asked, unless a proxy's `check` says another.
    #[serde(default)]
    pub port: Option<u16>,
    /// Of `http`: what is asked for, `/readyz` by default.
    #[serde(default)]
    pub path: Option<String>,
    /// Of `tls`: the name that is asked for, and of `http` the `Host`; by default the address.
    #[serde(default)]
    pub server_name: Option<String>,
    /// From the begin of one check to that of the next, give or take a tenth; 100 to 60000.
    #[serde(default = "every")]
    pub every_millis: u32,
    /// What takes longer failed; 10 to 30000.
    #[serde(default = "timeout")]
    pub timeout_millis: u32,
    /// Failures in a row after which a proxy is down, 1 to 100.
    #[serde(default = "fail_after")]
    pub fail_after: u32,
    /// Successes in a row after which it may be up again, 1 to 1000.
    #[serde(default = "recover_after")]
    pub recover_after: u32,
    /// How long it stays down at least, 0 to 3600; doubled by each fall within five minutes of the last
    /// recovery, up to ten minutes.
    #[serde(default = "hold_down")]
    pub hold_down_seconds: u32,
}

/// See [`HealthConfig::check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum CheckKind {
    Tcp,
    Tls,
    Http,
}

impl std::fmt::Display for CheckKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Http => "http",
        })
    }
}

fn every() -> u32 {
    500
}

fn timeout() -> u32 {
    400
}

fn fail_after() -> u32 {
    2
}

fn recover_after() -> u32 {
    3
}

fn hold_down() -> u32 {
    10
}

/// Most proxies of one pool: each takes a few rules for every source prefix of a policy.
const MOST: usize = 64;

impl PoolConfig {
    /// The compiler's view; all are up.
    #[must_use]
    pub fn pool(&self) -> Pool {
        let proxy = |proxy: &ProxyConfig| Proxy {
            name: proxy.name.clone(),
            next_hop4: proxy.next_hop4,
            next_hop6: proxy.next_hop6,
            source_prefixes: proxy.source_prefixes.clone(),
            is_up: true,
        };
        Pool {
            name: self.name.clone(),
            reads_sni: self.reads_sni,
            proxies: self.proxies.iter().map(proxy).collect(),
        }
    }

    /// Where a proxy is asked how it is; nowhere without `health`.
    #[must_use]
    pub fn asked_at(&self, proxy: &ProxyConfig) -> Option<SocketAddr> {
        let health = self.health.as_ref()?;
        proxy.check.or_else(|| Some(SocketAddr::new(proxy.next_hops().next()?, health.port?)))
    }

    fn check(&self, key: &str, wrong: &mut impl FnMut(&str, String, &str)) {
        if !is_name(&self.name) {
            wrong(key, "this is no name".into(), "lower-case letters, digits, `-`, `_` and `.`");
        }
        if self.proxies.is_empty() || self.proxies.len() > MOST {
            let many = self.proxies.len();
            let help = "proxies: [{ name: a, nextHop4: 192.0.2.10 }], 1 to 64 of them";
            wrong(key, format!("it has {many} proxies"), help);
        }
        if let Some(health) = &self.health {
            health.check(&format!("{key}.health"), wrong);
        }
        let (mut names, mut next_hops) = (BTreeSet::new(), BTreeMap::new());
        for (n, proxy) in self.proxies.iter().enumerate() {
            let key = format!("{key}.proxies[{n}] ({})", proxy.name);
            proxy.check(&key, wrong);
            if !names.insert(&proxy.name) {
                wrong(&key, "this name is taken".into(), "give each proxy of a pool its own name");
            }
            for hop in proxy.next_hops() {
                if let Some(other) = next_hops.insert(hop, &proxy.name) {
                    let message = format!("{hop} is the next hop of {other} too");
                    wrong(&key, message, "one proxy of a pool for each next hop");
                }
            }
            match &self.health {
                None if proxy.check.is_some() => {
                    let help = "add `health` to the pool, such as { check: tcp, port: 443 }";
                    wrong(&key, "check: nobody asks there".into(), help);
                }
                Some(_) if self.asked_at(proxy).is_none() => {
                    let help =
                        "give the pool's `health` a port, or the proxy `check: ADDRESS:PORT`";
                    wrong(&key, "it is not known where to ask how it is".into(), help);
                }
                _ => {}
            }
        }
    }
}

impl ProxyConfig {
    fn next_hops(&self) -> impl Iterator<Item = IpAddr> + use<> {
        self.next_hop4.map(IpAddr::V4).into_iter().chain(self.next_hop6.map(IpAddr::V6))
    }

    fn check(&self, key: &str, wrong: &mut impl FnMut(&str, String, &str)) {
        if !is_name(&self.name) {
            wrong(key, "this is no name".into(), "lower-case letters, digits, `-`, `_` and `.`");
        }
        if self.next_hops().next().is_none() {
            wrong(key, "no next hop".into(), "give it nextHop4, nextHop6 or both");
        }
        for hop in self.next_hops() {
            if hop.is_unspecified() || hop.is_multicast() || hop.is_loopback() {
                wrong(key, format!("{hop} is no next hop"), "an address routers can reach");
            }
        }
        if let Some(check) = self.check
            && (check.port() == 0 || check.ip().is_unspecified() || check.ip().is_multicast())
        {
            wrong(key, format!("check: {check} cannot be asked"), "an address and a port of it");
        }
    }
}

impl HealthConfig {
    fn check(&self, key: &str, wrong: &mut impl FnMut(&str, String, &str)) {
        let mut range = |name: &str, value: u32, least: u32, most: u32| {
            if !(least..=most).contains(&value) {
                let key = format!("{key}.{name}");
                wrong(&key, format!("{value} is out of range"), &format!("{least} to {most}"));
            }
        };
        range("everyMillis", self.every_millis, 100, 60_000);
        range("timeoutMillis", self.timeout_millis, 10, 30_000);
        range("failAfter", self.fail_after, 1, 100);
        range("recoverAfter", self.recover_after, 1, 1000);
        range("holdDownSeconds", self.hold_down_seconds, 0, 3600);
        if self.port == Some(0) {
            wrong(key, "port 0 is none".into(), "the port that the proxies listen on");
        }
        if let Some(path) = &self.path {
            let is_plain = |c: char| c.is_ascii_graphic() && c != '#';
            if self.check != CheckKind::Http {
                wrong(key, format!("a {} check asks for no path", self.check), "check: http");
            } else if !path.starts_with('/') || !path.chars().all(is_plain) || path.len() > 1024 {
                wrong(key, format!("path {path:?} is none"), "such as /readyz");
            }
        }
        if let Some(name) = &self.server_name {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            if self.check == CheckKind::Tcp {
                wrong(key, "a tcp check asks for no name".into(), "check: tls, or http");
            } else if name.is_empty() || name.len() > 253 || !name.chars().all(fits) {
                wrong(key, format!("serverName {name:?} is none"), "a host name in ASCII");
            }
        }
    }
}

/// Tells each mistake of the pools: key, what is wrong, what to do.
pub(super) fn check(pools: &[PoolConfig], wrong: &mut impl FnMut(&str, String, &str)) {
    let mut names = BTreeSet::new();
    for (n, pool) in pools.iter().enumerate() {
        let key = format!("pools[{n}] ({})", pool.name);
        if !names.insert(&pool.name) {
            wrong(&key, "this name is taken".into(), "give each pool its own name");
        }
        pool.check(&key, wrong);
    }
}
