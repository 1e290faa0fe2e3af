//! GoBGP's messages → what we observe. Nothing here trusts the daemon.

use std::net::IpAddr;

use gobgp_api::v3 as api;
use gobgp_api::v3::family::{Afi as ApiAfi, Safi};
use gobgp_api::v3::peer_state::SessionState;
use gobgp_api::v3::watch_event_response::Event;
use gobgp_api::v3::watch_event_response::peer_event;
use prost_types::Any;
use sark_flowspec::{Afi, Nlri, Observed, PeerState, PeerStatus, SpeakerEvent};

use crate::BestPath;
use crate::attributes::Communities;

/// A path of a table that was listed with its octets.
pub fn observed(afi: Afi, path: &api::Path) -> Result<Observed, String> {
    let octets = octets(path)?;
    let mut communities = Communities::default();
    for attribute in &path.pattrs_binary {
        communities.read(attribute)?;
    }
    Ok(with(afi, path, octets, communities))
}

/// A best path of a table that was listed with its octets. Attributes that cannot be read are the
/// path's fault, not the answer's.
pub fn best(afi: Afi, path: &api::Path) -> Result<BestPath, String> {
    let octets = octets(path)?;
    let mut communities = Communities::default();
    let broken = path.pattrs_binary.iter().find_map(|octets| communities.read(octets).err());
    let unknown_attributes = std::mem::take(&mut communities.unknown);
    let observed = with(afi, path, octets, communities);
    Ok(BestPath { observed, unknown_attributes, broken })
}

fn octets(path: &api::Path) -> Result<Vec<u8>, String> {
    if path.nlri_binary.is_empty() {
        return Err("a path came without the octets of its NLRI".to_owned());
    }
    Ok(path.nlri_binary.clone())
}

fn with(afi: Afi, path: &api::Path, octets: Vec<u8>, communities: Communities) -> Observed {
    let Communities { mut basic, ipv6, large, .. } = communities;
    basic.extend(ipv6);
    Observed {
        afi,
        nlri: Nlri::decode(afi, &octets),
        octets,
        communities: basic,
        large_communities: large,
        local: matches!(path.neighbor_ip.as_str(), "" | "<nil>"),
    }
}

/// A session; `None` if it has no address.
#[must_use]
pub fn peer(peer: &api::Peer) -> Option<PeerStatus> {
    let (conf, state) = (peer.conf.as_ref(), peer.state.as_ref());
    let address = peer_address(peer)?;
    let asn = [conf.map(|conf| conf.peer_asn), state.map(|state| state.peer_asn)];
    Some(PeerStatus {
        address,
        asn: asn.into_iter().flatten().find(|asn| *asn != 0).unwrap_or(0),
        state: state.map_or(PeerState::Unknown, |state| match state.session_state() {
            SessionState::Unknown => PeerState::Unknown,
            SessionState::Idle => PeerState::Idle,
            SessionState::Connect => PeerState::Connect,
            SessionState::Active => PeerState::Active,
            SessionState::Opensent => PeerState::OpenSent,
            SessionState::Openconfirm => PeerState::OpenConfirm,
            SessionState::Established => PeerState::Established,
        }),
        flaps: state.map_or(0, |state| state.flops),
        advertised: (advertised(peer, Afi::Ipv4), advertised(peer, Afi::Ipv6)),
    })
}

/// gobgpd counts what it would send, to a session that is down too, and the End-of-RIB marker as
/// one more rule where there is one: with graceful restart on both sides.
fn advertised(peer: &api::Peer, afi: Afi) -> u64 {
    let Some(state) = peer.state.as_ref() else { return 0 };
    if state.session_state() != SessionState::Established {
        return 0;
    }
    let restarts = |name: &Any| name.type_url.ends_with(".GracefulRestartCapability");
    let marker = peer.graceful_restart.as_ref().is_some_and(|restart| restart.enabled)
        && state.remote_cap.iter().any(restarts);
    peer.afi_safis
        .iter()
        .filter_map(|family| family.state.as_ref())
        .filter(|state| state.family.as_ref().and_then(flowspec) == Some(afi))
        .map(|state| state.advertised.saturating_sub(marker.into()))
        .sum()
}

/// The address a session is known by. A link-local one loses its `%interface`.
#[must_use]
pub fn peer_address(peer: &api::Peer) -> Option<IpAddr> {
    let configured = peer.conf.as_ref().map(|conf| conf.neighbor_address.as_str());
    let actual = peer.state.as_ref().map(|state| state.neighbor_address.as_str());
    [configured, actual]
        .into_iter()
        .flatten()
        .find_map(|text| text.split('%').next().unwrap_or(text).parse().ok())
}

/// What a notice says, if it is about FlowSpec or a session.
#[must_use]
pub fn event(response: &api::WatchEventResponse) -> Vec<SpeakerEvent> {
    match &response.event {
        Some(Event::Peer(event)) if event.r#type() == peer_event::Type::State => {
            event.peer.as_ref().and_then(peer_address).map(SpeakerEvent::Peer).into_iter().collect()
        }
        Some(Event::Table(event))
            if event.paths.iter().any(|path| path.family.as_ref().and_then(flowspec).is_some()) =>
        {
            vec![SpeakerEvent::Table]
        }
        _ => Vec::new(),
    }
}

/// The notice that ends the replay of sessions at the start of a watch.
#[must_use]
pub fn is_end_of_init(response: &api::WatchEventResponse) -> bool {
    matches!(&response.event,
        Some(Event::Peer(event)) if event.r#type() == peer_event::Type::EndOfInit)
}

fn flowspec(family: &api::Family) -> Option<Afi> {
    match (family.afi(), family.safi()) {
        (ApiAfi::Ip, Safi::FlowSpecUnicast) => Some(Afi::Ipv4),
        (ApiAfi::Ip6, Safi::FlowSpecUnicast) => Some(Afi::Ipv6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(nlri: &[u8], attributes: &[&[u8]], neighbor: &str) -> api::Path {
        api::Path {
            nlri_binary: nlri.to_vec(),
            pattrs_binary: attributes.iter().map(|octets| octets.to_vec()).collect(),
            neighbor_ip: neighbor.to_owned(),
            ..api::Path::default()
        }
    }

    #[test]
    fn local_paths_have_no_neighbor() {
        for (neighbor, local) in [("<nil>", true), ("", true), ("192.0.2.9", false)] {
            let path = path(&[3, 1, 8, 10], &[], neighbor);
            assert_eq!(observed(Afi::Ipv4, &path).unwrap().local, local, "{neighbor}");
        }
    }

    /// A peer's rule that we cannot read is shown, not an error of the table.
    #[test]
    fn octets_that_are_no_rule_are_kept() {
        let seen = observed(Afi::Ipv4, &path(&[2, 99, 0], &[], "192.0.2.9")).unwrap();
        assert!(seen.nlri.is_err());
        assert_eq!(seen.octets, [2, 99, 0]);
    }

    #[test]
    fn answers_that_cannot_be_read_are_errors() {
        assert!(observed(Afi::Ipv4, &path(&[], &[], "")).is_err());
        assert!(observed(Afi::Ipv4, &path(&[3, 1, 8, 10], &[&[0xc0, 16, 8, 0]], "")).is_err());
    }

    /// One bad path of a peer hides no other.
    #[test]
    fn best_paths_keep_what_is_wrong_with_them() {
        let drop = &[0xc0, 16, 8, 0x80, 6, 0, 0, 0, 0, 0, 0][..];
        let good = best(Afi::Ipv4, &path(&[3, 1, 8, 10], &[&[0x40, 1, 1, 0], drop], "")).unwrap();
        assert_eq!((good.unknown_attributes, good.broken), (vec![], None));
        assert_eq!(good.observed.communities.len(), 1);
        let tunnel = &[0xc0, 23, 1, 0][..];
        let odd = best(Afi::Ipv4, &path(&[3, 1, 8, 10], &[drop, tunnel], "")).unwrap();
        assert_eq!(odd.unknown_attributes, [23]);
        let cut = best(Afi::Ipv4, &path(&[3, 1, 8, 10], &[&[0xc0, 16, 8, 0]], "")).unwrap();
        assert!(cut.broken.is_some());
        assert!(best(Afi::Ipv4, &path(&[], &[], "")).is_err());
    }

    #[test]
    fn sessions() {
        assert_eq!(peer(&api::Peer::default()), None);
        let state = api::PeerState {
            neighbor_address: "fe80::1%eth0".to_owned(),
            peer_asn: 64513,
            session_state: 99,
            ..api::PeerState::default()
        };
        let status = peer(&api::Peer { state: Some(state), ..api::Peer::default() }).unwrap();
        assert_eq!(status.address.to_string(), "fe80::1");
        assert_eq!((status.asn, status.state), (64513, PeerState::Unknown));
    }

    #[test]
    fn other_families_are_no_notice() {
        let notice = |afi: ApiAfi, safi: Safi| {
            let family = Some(api::Family { afi: afi.into(), safi: safi.into() });
            let paths = vec![api::Path { family, ..api::Path::default() }];
            let table = api::watch_event_response::TableEvent { paths };
            event(&api::WatchEventResponse { event: Some(Event::Table(table)) })
        };
        assert_eq!(notice(ApiAfi::Ip, Safi::Unicast), []);
        assert_eq!(notice(ApiAfi::Ip6, Safi::FlowSpecUnicast), [SpeakerEvent::Table]);
        assert_eq!(event(&api::WatchEventResponse::default()), []);
    }
}
