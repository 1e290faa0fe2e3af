//! One question to one proxy: an adapter of TCP, TLS and HTTP, bounded in time and octets.

mod fault;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sark_api::config::{CheckKind, HealthConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, ClientConfig, DigitallySignedStruct, SignatureScheme};

pub use fault::Fault;

/// Octets of an HTTP answer that are read for its status.
const STATUS_LINE: usize = 1024;

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it is what was hoped for.
    pub works: bool,
    /// What came, in words: `200`, `connected`, `connection refused`.
    pub words: String,
    /// When.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
}

/// What is asked, and where.
#[derive(Clone)]
pub(super) struct Question {
    at: SocketAddr,
    kind: CheckKind,
    path: String,
    name: Option<String>,
    timeout: Duration,
    tls: Option<TlsConnector>,
}

impl Question {
    pub(super) fn new(at: SocketAddr, health: &HealthConfig) -> Self {
        Self {
            at,
            kind: health.check,
            path: health.path.clone().unwrap_or_else(|| "/readyz".to_owned()),
            name: health.server_name.clone(),
            timeout: Duration::from_millis(health.timeout_millis.into()),
            tls: (health.check == CheckKind::Tls).then(connector).flatten(),
        }
    }

    /// What works, in words, or whose fault it is.
    pub(super) async fn ask(&self) -> Result<String, Fault> {
        let asked = async {
            match self.kind {
                CheckKind::Tcp => self.connect().await.map(|_| "connected".to_owned()),
                CheckKind::Tls => self.shake_hands().await,
                CheckKind::Http => self.get().await,
            }
        };
        let late =
            || Err(Fault::Theirs(format!("no answer within {} ms", self.timeout.as_millis())));
        tokio::time::timeout(self.timeout, asked).await.unwrap_or_else(|_| late())
    }

    async fn connect(&self) -> Result<TcpStream, Fault> {
        TcpStream::connect(self.at).await.map_err(fault)
    }

    /// That a handshake is finished, with whomever: who answers on the way to a next hop gets the
    /// flows whether or not its certificate is good.
    async fn shake_hands(&self) -> Result<String, Fault> {
        let ours = |words: &dyn ToString| Fault::Ours(words.to_string());
        let tls = self.tls.as_ref().ok_or_else(|| ours(&"TLS cannot be set up"))?;
        let name = match &self.name {
            Some(name) => ServerName::try_from(name.clone()).map_err(|error| ours(&error))?,
            None => ServerName::from(self.at.ip()),
        };
        let stream = tls.connect(name, self.connect().await?).await.map_err(fault)?;
        let version = stream.get_ref().1.protocol_version();
        Ok(version.map_or_else(|| "TLS".to_owned(), |version| format!("{version:?}")))
    }

    async fn get(&self) -> Result<String, Fault> {
        let mut stream = self.connect().await?;
        let host = self.name.clone().unwrap_or_else(|| self.at.to_string());
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sarkd\r\nAccept: */*\r\n\
             Connection: close\r\n\r\n",
            self.path
        );
        stream.write_all(request.as_bytes()).await.map_err(fault)?;
        let mut head = Vec::with_capacity(STATUS_LINE);
        let mut octets = stream.take(STATUS_LINE as u64);
        while !head.contains(&b'\n') {
            if octets.read_buf(&mut head).await.map_err(fault)? == 0 {
                break;
            }
        }
        match status(&head) {
            Some(status @ 200..=299) => Ok(status.to_string()),
            Some(status) => Err(Fault::Theirs(format!("status {status}"))),
            None => Err(Fault::Theirs("the answer is not HTTP/1".to_owned())),
        }
    }
}

/// The status of what begins so (RFC 9112 section 4).
fn status(head: &[u8]) -> Option<u16> {
    let end = head.iter().position(|octet| *octet == b'\n')?;
    let line = std::str::from_utf8(head.get(..end)?).ok()?;
    let rest = line.strip_prefix("HTTP/1.")?.strip_prefix(['0', '1'])?.strip_prefix(' ')?;
    let code = rest.trim_end_matches('\r').split(' ').next()?;
    let is_code = code.len() == 3 && code.bytes().all(|octet| octet.is_ascii_digit());
    is_code.then(|| code.parse().ok())?
}

fn fault(error: std::io::Error) -> Fault {
    Fault::of(&error)
}

fn connector() -> Option<TlsConnector> {
    let provider = Arc::new(default_provider());
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(schemes)))
        .with_no_client_auth();
    Some(TlsConnector::from(Arc::new(config)))
}

/// Takes any certificate: nothing is said to the server, and nothing that it says is believed.
#[derive(Debug)]
struct Anybody(Vec<SignatureScheme>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests;
