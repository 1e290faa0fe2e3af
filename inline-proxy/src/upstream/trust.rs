//! Which servers are believed: always verified, by the system's authorities and the operator's.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sark_caller::RootsError;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::LinkError;
use crate::alpn::Offer;

/// Makes TLS connections to servers.
#[derive(Clone)]
pub struct Trust {
    both: TlsConnector,
    h2: TlsConnector,
    h1: TlsConnector,
    silent: TlsConnector,
    within: Duration,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust").field("within", &self.within).finish_non_exhaustive()
    }
}

impl Trust {
    /// The system's authorities, and those of these PEM files. A handshake may take `within`.
    pub fn new(files: &[PathBuf], within: Duration) -> Result<Self, RootsError> {
        let roots = sark_caller::roots(files)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let offering = |offer: Offer| {
            let mut config = config.clone();
            config.alpn_protocols = offer.protocols();
            TlsConnector::from(Arc::new(config))
        };
        Ok(Self {
            both: offering(Offer::Both),
            h2: offering(Offer::H2),
            h1: offering(Offer::H1),
            silent: offering(Offer::Silent),
            within,
        })
    }

    /// A handshake with the server of this name.
    pub async fn connect(
        &self,
        name: ServerName<'static>,
        offer: Offer,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, LinkError> {
        let connector = match offer {
            Offer::Both => &self.both,
            Offer::H2 => &self.h2,
            Offer::H1 => &self.h1,
            Offer::Silent => &self.silent,
        };
        let shaking = connector.connect(name, stream);
        let shaken = tokio::time::timeout(self.within, shaking).await;
        shaken.map_err(|_| LinkError::Late(self.within))?.map_err(LinkError::Tls)
    }
}
