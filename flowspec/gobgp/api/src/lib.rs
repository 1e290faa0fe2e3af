//! feed → registry → policy → plan → NLRI → [GoBGP] → router
//!
//! The messages of GoBGP's gRPC interface and the client generated from them; nothing else. The
//! protos under `proto/` are ours and wire-compatible: they hold what SARK sends and reads.
//!
//! [`v3::gobgp_api_client::GobgpApiClient`] is the client for gobgpd 3.x, [`v4`] just enough to
//! recognise gobgpd 4.x. What the messages mean, and which of them must never be sent, is
//! `sark-gobgp`'s business.

use std::fmt;

/// Package `apipb`: gobgpd 3.x.
#[allow(
    missing_docs,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated; the protos carry the comments"
)]
pub mod v3 {
    tonic::include_proto!("apipb");
}

/// Package `api`: gobgpd 4.x.
#[allow(
    missing_docs,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated; the protos carry the comments"
)]
pub mod v4 {
    tonic::include_proto!("api");
}

impl fmt::Debug for v3::PeerConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerConf")
            .field("neighbor_address", &self.neighbor_address)
            .field("peer_asn", &self.peer_asn)
            .field("local_asn", &self.local_asn)
            .field("description", &self.description)
            .field("admin_down", &self.admin_down)
            .field("auth_password", &if self.auth_password.is_empty() { "none" } else { "set" })
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use prost::Name;

    use super::v3;

    #[test]
    fn type_urls_are_gobgps() {
        assert_eq!(v3::FlowSpecNlri::type_url(), "type.googleapis.com/apipb.FlowSpecNLRI");
        assert_eq!(
            v3::RedirectTwoOctetAsSpecificExtended::type_url(),
            "type.googleapis.com/apipb.RedirectTwoOctetAsSpecificExtended"
        );
    }

    #[test]
    fn a_password_is_not_printed() {
        let conf = v3::PeerConf { auth_password: "hunter2".to_owned(), ..v3::PeerConf::default() };
        let peer =
            v3::AddPeerRequest { peer: Some(v3::Peer { conf: Some(conf), ..v3::Peer::default() }) };
        assert!(!format!("{peer:?}").contains("hunter2"));
    }
}
