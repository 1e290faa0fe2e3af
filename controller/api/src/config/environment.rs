//! What the compiler needs to know of this deployment.

use std::net::IpAddr;

use ipnet::IpNet;
use sark_compiler::{Environment, Profile, Protected, Session};

use super::{Config, GobgpdMode, PeerConfig, PoolConfig};

impl Config {
    /// The compiler's view: the profile is what all peers can do (`strict` without peers),
    /// sessions are the peers', SARK's own addresses are protected beside the configured ones, and all
    /// proxies are up.
    #[must_use]
    pub fn environment(&self) -> Environment {
        Environment {
            asn: self.bgp.asn,
            instance: self.bgp.instance,
            pools: self.pools.iter().map(PoolConfig::pool).collect(),
            protected: self.protected_prefixes(),
            sessions: self.sessions(),
            profile: self.profile(),
        }
    }

    /// Our end of the session with this peer: as configured, else the first listen address of its
    /// family, else the router id for IPv4.
    #[must_use]
    pub fn local_address(&self, peer: &PeerConfig) -> Option<IpAddr> {
        let same_family =
            |a: &&IpAddr| a.is_ipv4() == peer.address.is_ipv4() && !a.is_unspecified();
        peer.local_address
            .or_else(|| self.bgp.listen_addresses.iter().find(same_family).copied())
            .or(match peer.address {
                IpAddr::V4(_) => Some(IpAddr::V4(self.bgp.router_id)),
                IpAddr::V6(_) => None,
            })
    }

    /// Where gobgpd's API is: `unix:///path` or a loopback `address:port`.
    #[must_use]
    pub fn gobgpd_api(&self) -> String {
        let gobgpd = &self.bgp.gobgpd;
        gobgpd.api.clone().unwrap_or_else(|| match gobgpd.mode {
            GobgpdMode::Supervised => {
                format!("unix://{}", self.state.directory.join("gobgpd/gobgpd.sock").display())
            }
            GobgpdMode::External => "127.0.0.1:50051".to_owned(),
        })
    }

    fn sessions(&self) -> Vec<Session> {
        self.peers
            .iter()
            .filter_map(|p| Some(Session { local: self.local_address(p)?, peer: p.address }))
            .collect()
    }

    fn profile(&self) -> Profile {
        let of_peer = |peer: &PeerConfig| {
            // The check refused names that do not exist.
            let mut profile = Profile::named(&peer.profile)?;
            if let Some(most) = peer.max_rules {
                profile.max_rules_v4 = profile.max_rules_v4.min(most);
                profile.max_rules_v6 = profile.max_rules_v6.min(most);
            }
            Some(profile)
        };
        self.peers
            .iter()
            .filter_map(of_peer)
            .reduce(|all, one| all.intersect(&one))
            .or_else(|| Profile::named("strict"))
            // "strict" is one of `Profile::NAMES`.
            .expect("the strict profile exists")
    }

    fn protected_prefixes(&self) -> Vec<Protected> {
        let own = std::iter::once(("sark-router-id".to_owned(), IpAddr::V4(self.bgp.router_id)))
            .chain(self.bgp.listen_addresses.iter().map(|a| ("sark-listen".to_owned(), *a)))
            .chain(self.peers.iter().filter_map(|peer| {
                Some((format!("sark-session-{}", peer.name), self.local_address(peer)?))
            }));
        let mut all = self.protected.clone();
        for (name, address) in own.filter(|(_, address)| !address.is_unspecified()) {
            let prefix = IpNet::from(address);
            if !all.iter().any(|p| p.prefix == prefix) {
                all.push(Protected { name, prefix });
            }
        }
        all
    }
}
