//! What types cannot say.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use sark_compiler::Profile;
use sark_core::document::{Diagnostic, nearest};

use super::load::nowhere;
use super::{Config, Family, GobgpdMode, OnStop, PeerConfig, SecretRef, pools};

impl Config {
    /// Every mistake; empty when there is none. Touches neither files nor network.
    #[must_use]
    pub fn check(&self, file: &str) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut wrong = |key: &str, message: String, help: &str| {
            found.push(nowhere(file, format!("{key}: {message}")).with_help(help));
        };
        self.check_bgp(&mut wrong);
        self.api.check(&mut wrong);
        self.sensors.check(&mut wrong);
        self.decisions.check(&mut wrong);
        let mut names = BTreeSet::new();
        let mut addresses = BTreeSet::new();
        for (n, peer) in self.peers.iter().enumerate() {
            let key = format!("peers[{n}] ({})", peer.name);
            if !names.insert(&peer.name) {
                wrong(&key, "this name is taken".into(), "give each peer its own name");
            }
            if !addresses.insert(peer.address) {
                wrong(&key, "another peer has this address".into(), "list each router once");
            }
            self.check_peer(peer, &key, &mut wrong);
        }
        pools::check(&self.pools, &mut wrong);
        self.check_protected(&mut wrong);
        if let Some(listen) = self.metrics.listen
            && !listen.ip().is_loopback()
        {
            wrong(
                "metrics.listen",
                format!("{listen} is not a loopback address"),
                "metrics have no login: use 127.0.0.1:PORT or [::1]:PORT",
            );
        }
        let interval = self.reconcile.interval;
        if interval < SignedDuration::from_secs(1) || interval > SignedDuration::from_hours(1) {
            wrong("reconcile.interval", "out of range".into(), "1s to 1h");
        }
        self.store.check(&mut wrong);
        self.check_resolve(&mut wrong);
        self.registry.prices.check(&mut wrong);
        self.audit.check(&mut wrong);
        for mistake in self.alerts.check() {
            wrong(&format!("alerts.{}", mistake.key), mistake.message, &mistake.help);
        }
        if !(10..=1_000_000).contains(&self.registry.keep_versions) {
            wrong("registry.keepVersions", "out of range".into(), "10 to 1000000");
        }
        found
    }

    fn check_resolve(&self, wrong: &mut impl FnMut(&str, String, &str)) {
        let resolve = &self.registry.resolve;
        let mut names = BTreeSet::new();
        for (n, resolver) in resolve.resolvers.iter().enumerate() {
            let key = format!("registry.resolve.resolvers[{n}] ({})", resolver.name);
            if !names.insert(&resolver.name) {
                wrong(&key, "this name is taken".into(), "give each resolver its own name");
            }
            if let Err(mistake) = resolver.check() {
                wrong(&key, mistake.to_string(), "see registry.resolve in docs/configuration.md");
            }
        }
        let ageing = &resolve.ageing;
        for mistake in ageing.mistakes() {
            let key = format!("registry.resolve.ageing.{}", mistake.field);
            wrong(&key, format!("{} is out of range", mistake.value), &mistake.range);
        }
        let pollers = resolve.resolvers.len();
        let is_clients = resolve.resolvers.iter().any(|resolver| resolver.clients);
        if resolve.enabled
            && !is_clients
            && pollers > 0
            && pollers < usize::from(ageing.agreeing_pollers)
        {
            wrong(
                "registry.resolve.ageing.agreeingPollers",
                format!(
                    "{} resolvers have to agree, and there are {pollers}",
                    ageing.agreeing_pollers
                ),
                "name more resolvers, mark the one that your clients use with clients: true, or \
                 lower it",
            );
        }
    }

    fn check_bgp(&self, wrong: &mut impl FnMut(&str, String, &str)) {
        if matches!(self.bgp.asn, 0 | 23456 | 65535 | u32::MAX) {
            wrong(
                "bgp.asn",
                format!("{} is reserved", self.bgp.asn),
                "use your AS number, or a private one: 64512 to 65534",
            );
        }
        let id = self.bgp.router_id;
        if id.is_unspecified() || id.is_multicast() || id.is_broadcast() {
            wrong(
                "bgp.routerId",
                format!("{id} is no router id"),
                "use an IPv4 address of this host",
            );
        }
        let gobgpd = &self.bgp.gobgpd;
        if gobgpd.mode == GobgpdMode::External && gobgpd.on_stop == OnStop::Withdraw {
            wrong(
                "bgp.gobgpd.onStop",
                "withdraw is for a supervised gobgpd".into(),
                "remove onStop, or set bgp.gobgpd.mode: supervised",
            );
        }
        let api = self.gobgpd_api();
        let fits = match api.strip_prefix("unix://") {
            // sun_path holds 108 octets with the closing zero.
            Some(path) => path.starts_with('/') && path.len() < 108,
            None => api
                .parse::<std::net::SocketAddr>()
                .is_ok_and(|at| at.ip().is_loopback() && at.port() > 0),
        };
        if !fits {
            wrong(
                "bgp.gobgpd.api",
                format!("{api:?} is no address of this machine"),
                "unix:///path (at most 107 octets) or 127.0.0.1:PORT: gobgpd's API has no login",
            );
        }
    }

    fn check_peer(&self, peer: &PeerConfig, key: &str, wrong: &mut impl FnMut(&str, String, &str)) {
        if peer.name.is_empty() {
            wrong(key, "the name is empty".into(), "name it, for messages");
        }
        if peer.address.is_unspecified() || peer.address.is_multicast() {
            wrong(key, format!("{} is no router", peer.address), "the router's own address");
        }
        if peer.asn == 0 {
            wrong(key, "AS 0 is reserved".into(), "the router's AS number");
        }
        if peer.port == 0 {
            wrong(key, "port 0 is none".into(), "179 is BGP's");
        }
        if Profile::named(&peer.profile).is_none() {
            let known = Profile::NAMES.join(", ");
            let help = match nearest(&peer.profile, Profile::NAMES.iter().copied()) {
                Some(near) => format!("did you mean {near}? there are: {known}"),
                None => format!("there are: {known}"),
            };
            wrong(key, format!("no profile {:?}", peer.profile), &help);
        }
        let families: BTreeSet<Family> = peer.families.iter().copied().collect();
        if families.is_empty() || families.len() < peer.families.len() {
            wrong(key, "families are empty or repeated".into(), "families: [ipv4, ipv6]");
        }
        match self.local_address(peer) {
            Some(local) if local.is_ipv4() == peer.address.is_ipv4() => {
                if local == peer.address {
                    wrong(
                        key,
                        "both ends of the session are one address".into(),
                        "localAddress is ours",
                    );
                }
            }
            Some(_) => {
                wrong(key, "localAddress is of the other family".into(), "use the peer's family");
            }
            None => wrong(
                key,
                "our end of the IPv6 session is not known".into(),
                "give the peer a localAddress, or bgp.listenAddresses an IPv6 address",
            ),
        }
        if peer.password_ref == Some(SecretRef::Invalid) {
            wrong(
                key,
                "passwordRef is not a reference".into(),
                "file:/path or env:NAME; the password itself does not belong here",
            );
        }
        if peer.max_rules == Some(0) {
            wrong(key, "maxRules 0 leaves no rule".into(), "remove the peer, or raise it");
        }
        if let Some(hold) = peer.hold_time
            && (hold < SignedDuration::from_secs(3) || hold > SignedDuration::from_secs(65535))
        {
            wrong(key, "holdTime is out of range".into(), "3s to 65535s (RFC 4271)");
        }
    }

    fn check_protected(&self, wrong: &mut impl FnMut(&str, String, &str)) {
        let mut names = BTreeSet::new();
        for (n, protected) in self.protected.iter().enumerate() {
            let key = format!("protected[{n}] ({})", protected.name);
            if !names.insert(&protected.name) {
                wrong(&key, "this name is taken".into(), "give each prefix its own name");
            }
            if protected.prefix != protected.prefix.trunc() {
                wrong(
                    &key,
                    format!("{} has host bits", protected.prefix),
                    &format!("did you mean {}?", protected.prefix.trunc()),
                );
            }
        }
    }
}
