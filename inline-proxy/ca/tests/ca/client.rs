//! A client and a server of rustls, in memory, at a time of our choice.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{
    ClientConfig, ClientConnection, Error, RootCertStore, ServerConfig, ServerConnection,
};
use sark_ca::{Authority, LeafConfig, Leaves, Resolver};
use sark_core::Clock;

#[derive(Debug, Clone, Copy)]
pub struct At(pub Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.as_second()).unwrap();
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// Shakes hands with a server that has these leaves, trusting these roots, and gives back what it was
/// shown. A client that connects to an address sends no SNI.
pub fn shake(
    leaves: &Arc<Leaves>,
    roots: &[&CertificateDer<'static>],
    server: &str,
    destination: Option<IpAddr>,
    at: Timestamp,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clock: Arc<dyn Clock> = Arc::new(At(at));
    let resolver = match destination {
        Some(address) => Resolver::for_destination(Arc::clone(leaves), clock, address),
        None => Resolver::by_name(Arc::clone(leaves), clock),
    };
    let config = ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(At(at)))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    let mut server_side = ServerConnection::new(Arc::new(config))?;
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add((*root).clone())?;
    }
    let config = ClientConfig::builder_with_details(provider, Arc::new(At(at)))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth();
    let name = ServerName::try_from(server.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name)?;
    while client.is_handshaking() || server_side.is_handshaking() {
        let mut octets = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut octets).unwrap();
        }
        let mut rest = octets.as_slice();
        while !rest.is_empty() {
            server_side.read_tls(&mut rest).unwrap();
            server_side.process_new_packets()?;
        }
        let mut octets = Vec::new();
        while server_side.wants_write() {
            server_side.write_tls(&mut octets).unwrap();
        }
        let mut rest = octets.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok(client.peer_certificates().unwrap().iter().map(|one| one.clone().into_owned()).collect())
}

pub fn leaves(authority: Authority, now: Timestamp) -> Arc<Leaves> {
    Arc::new(Leaves::new(Arc::new(authority), LeafConfig::default(), now).unwrap())
}

/// What rustls says of a chain alone.
pub fn verify(
    chain: &[CertificateDer<'static>],
    root: &CertificateDer<'static>,
    name: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let mut store = RootCertStore::empty();
    store.add(root.clone())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider);
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let time = At(at).current_time().unwrap();
    let [leaf, above @ ..] = chain else { panic!("no leaf") };
    verifier.build().unwrap().verify_server_cert(leaf, above, &name, &[], time).map(|_| ())
}
