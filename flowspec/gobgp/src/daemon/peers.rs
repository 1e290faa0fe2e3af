//! Configured peers against those the daemon has.

use std::collections::BTreeMap;
use std::net::IpAddr;

use gobgp_api::v3 as api;
use gobgp_api::v3::peer_state::SessionState;

use super::{PeerChanges, Settings};
use crate::v3::decode;

/// What gobgpd uses where nothing is configured.
const DEFAULT_HOLD_TIME: u64 = 90;
const DEFAULT_CONNECT_RETRY: u64 = 120;

/// What has to be done so that the daemon's peers are the configured ones.
pub(super) fn changes(settings: &Settings, found: &[api::Peer]) -> PeerChanges {
    let found: BTreeMap<IpAddr, &api::Peer> =
        found.iter().filter_map(|peer| Some((decode::peer_address(peer)?, peer))).collect();
    let mut changes = PeerChanges::default();
    for peer in &settings.peers {
        match found.get(&peer.address) {
            None => changes.added.push(peer.address),
            Some(found) if differ(&peer.message(), found) => {
                changes.replaced.push(peer.address);
            }
            Some(_) => {}
        }
    }
    changes.removed = found
        .into_keys()
        .filter(|address| settings.peers.iter().all(|peer| peer.address != *address))
        .collect();
    changes
}

fn differ(wanted: &api::Peer, found: &api::Peer) -> bool {
    // Of an established session the daemon tells the address in use, configured or not.
    let established = found
        .state
        .as_ref()
        .is_some_and(|state| state.session_state() == SessionState::Established);
    let any_address = established && local_address(wanted).is_none();
    essence(wanted) != essence(found)
        || (!any_address && local_address(wanted) != local_address(found))
}

fn local_address(peer: &api::Peer) -> Option<IpAddr> {
    let text = &peer.transport.as_ref()?.local_address;
    text.parse().ok().filter(|address: &IpAddr| !address.is_unspecified())
}

/// What of a peer's configuration is ours to decide, with the daemon's defaults filled in. The
/// same for a message that we would send and for one that the daemon answers.
#[derive(PartialEq, Eq)]
struct Essence<'a> {
    asn: u32,
    password: &'a str,
    multihop: Option<u32>,
    hold_time: u64,
    connect_retry: u64,
    restart_time: Option<u32>,
    passive: bool,
    port: u32,
    families: Vec<(i32, i32)>,
}

fn essence(peer: &api::Peer) -> Essence<'_> {
    let conf = peer.conf.as_ref();
    let timers = peer.timers.as_ref().and_then(|timers| timers.config.as_ref());
    let transport = peer.transport.as_ref();
    let or = |value: u64, default: u64| if value == 0 { default } else { value };
    let mut families: Vec<_> = peer
        .afi_safis
        .iter()
        .filter_map(|family| family.config.as_ref()?.family.as_ref())
        .map(|family| (family.afi, family.safi))
        .collect();
    families.sort_unstable();
    Essence {
        asn: conf.map_or(0, |conf| conf.peer_asn),
        password: conf.map_or("", |conf| &conf.auth_password),
        multihop: peer
            .ebgp_multihop
            .as_ref()
            .filter(|multihop| multihop.enabled)
            .map(|multihop| multihop.multihop_ttl),
        hold_time: or(timers.map_or(0, |timers| timers.hold_time), DEFAULT_HOLD_TIME),
        connect_retry: or(timers.map_or(0, |timers| timers.connect_retry), DEFAULT_CONNECT_RETRY),
        restart_time: peer
            .graceful_restart
            .as_ref()
            .filter(|restart| restart.enabled)
            .map(|restart| restart.restart_time),
        passive: transport.is_some_and(|transport| transport.passive_mode),
        port: match transport.map_or(0, |transport| transport.remote_port) {
            0 => 179,
            port => port,
        },
        families,
    }
}
