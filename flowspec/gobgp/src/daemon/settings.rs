//! What a supervised gobgpd is told, and how that reads in its messages.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use gobgp_api::v3 as api;
use sark_flowspec::Afi;

use crate::v3::encode;

/// The capability has twelve bits for it.
const LONGEST_RESTART: u32 = 4095;

/// How to run a gobgpd. The app's configuration is checked before it gets here.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program, looked up in `PATH` if it is a bare name.
    pub program: PathBuf,
    /// Its API socket, an absolute path in a directory of ours.
    pub socket: PathBuf,
    /// How long it may keep silent during a call, in seconds.
    pub timeout_seconds: u64,
    /// Our AS.
    pub asn: u32,
    /// Our router id.
    pub router_id: Ipv4Addr,
    /// Where peers may connect; `None` listens nowhere.
    pub listen_port: Option<u16>,
    /// Addresses to listen on; empty means all.
    pub listen_addresses: Vec<IpAddr>,
    /// Its sessions, all of them.
    pub peers: Vec<Peer>,
    /// What becomes of it when we stop.
    pub on_stop: OnStop,
}

/// What becomes of the daemon and its rules at [`stop`](super::Supervised::stop).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStop {
    /// Both stay, and the next of us adopts them.
    Keep,
    /// The daemon ends, and with the sessions the rules.
    Withdraw,
}

/// A session for FlowSpec rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The router.
    pub address: IpAddr,
    /// Its AS.
    pub asn: u32,
    /// Its TCP port.
    pub port: u16,
    /// Our end; `None` leaves it to the kernel.
    pub local_address: Option<IpAddr>,
    /// FlowSpec families.
    pub families: Vec<Afi>,
    /// Wait for the router to connect.
    pub passive: bool,
    /// TTL of an eBGP session over more than one hop.
    pub multihop: Option<u8>,
    /// Silence after which the session is given up, a whole number of seconds. gobgpd's own
    /// default is 90 s.
    pub hold_time: Option<Duration>,
    /// Wait between attempts to connect, a whole number of seconds. gobgpd's own default is 120 s
    /// and it takes no less than 5 s.
    pub connect_retry: Option<Duration>,
    /// Graceful restart (RFC 4724), a whole number of seconds, at most 4095: a router that supports
    /// it keeps our rules for this long after gobgpd died. Only with it does gobgpd send the
    /// End-of-RIB.
    pub graceful_restart: Option<Duration>,
    /// TCP MD5 (RFC 2385).
    pub password: Option<Password>,
}

/// A password that is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Wraps it.
    #[must_use]
    pub fn new(password: String) -> Self {
        Self(password)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Peer {
    /// Both families, gobgpd's own timers, a minute of graceful restart, port 179.
    #[must_use]
    pub fn new(address: IpAddr, asn: u32) -> Self {
        Self {
            address,
            asn,
            port: 179,
            local_address: None,
            families: vec![Afi::Ipv4, Afi::Ipv6],
            passive: false,
            multihop: None,
            hold_time: None,
            connect_retry: None,
            graceful_restart: Some(Duration::from_secs(60)),
            password: None,
        }
    }

    pub(super) fn message(&self) -> api::Peer {
        let hold_time = self.hold_time.map_or(0, |time| time.as_secs());
        let restart_time = self.graceful_restart.map(|time| time.as_secs());
        let family = |afi: &Afi| api::AfiSafi {
            config: Some(api::AfiSafiConfig { family: Some(encode::family(*afi)), enabled: true }),
            state: None,
            mp_graceful_restart: restart_time.is_some().then_some(api::MpGracefulRestart {
                config: Some(api::MpGracefulRestartConfig { enabled: true }),
            }),
        };
        api::Peer {
            conf: Some(api::PeerConf {
                neighbor_address: self.address.to_string(),
                peer_asn: self.asn,
                auth_password: self.password.clone().map_or_else(String::new, |p| p.0),
                ..api::PeerConf::default()
            }),
            ebgp_multihop: self
                .multihop
                .map(|ttl| api::EbgpMultihop { enabled: true, multihop_ttl: ttl.into() }),
            timers: Some(api::Timers {
                config: Some(api::TimersConfig {
                    hold_time,
                    // A third, as RFC 4271 section 10 suggests.
                    keepalive_interval: hold_time / 3,
                    connect_retry: self.connect_retry.map_or(0, |time| time.as_secs()),
                    ..api::TimersConfig::default()
                }),
            }),
            transport: Some(api::Transport {
                local_address: self.local_address.map_or_else(String::new, |a| a.to_string()),
                passive_mode: self.passive,
                remote_port: self.port.into(),
                ..api::Transport::default()
            }),
            graceful_restart: restart_time.map(|time| api::GracefulRestart {
                enabled: true,
                restart_time: u32::try_from(time).unwrap_or(u32::MAX).min(LONGEST_RESTART),
            }),
            afi_safis: self.families.iter().map(family).collect(),
            ..api::Peer::default()
        }
    }
}

impl Settings {
    pub(super) fn global(&self) -> api::Global {
        api::Global {
            asn: self.asn,
            router_id: self.router_id.to_string(),
            listen_port: self.listen_port.map_or(-1, i32::from),
            listen_addresses: self.listen_addresses.iter().map(IpAddr::to_string).collect(),
        }
    }

    /// Whether a running daemon is what these settings would start. Without addresses it reports
    /// the unspecified ones.
    pub(super) fn matches(&self, found: &api::Global) -> bool {
        let wanted = self.global();
        let addresses = |global: &api::Global| {
            let mut all: Vec<IpAddr> =
                global.listen_addresses.iter().filter_map(|text| text.parse().ok()).collect();
            all.retain(|address| !address.is_unspecified());
            all.sort();
            all
        };
        let listens = wanted.listen_port > 0;
        wanted.asn == found.asn
            && wanted.router_id == found.router_id
            && wanted.listen_port == found.listen_port
            && (!listens || addresses(&wanted) == addresses(found))
    }
}
