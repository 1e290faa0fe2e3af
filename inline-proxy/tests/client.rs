//! Clients, as raw or as well-behaved as a test wants them.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A handshake for this name, believing these roots.
pub async fn tls(
    stream: TcpStream,
    name: &str,
    roots: &str,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    tls_on(stream, name, roots, protocols).await
}

/// The same, on any stream.
pub async fn tls_on<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    name: &str,
    roots: &str,
    protocols: &[&str],
) -> std::io::Result<TlsStream<S>> {
    let mut store = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots.as_bytes()) {
        store.add(root.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

pub enum Client {
    H1(http1::SendRequest<Full<Bytes>>),
    H2(http2::SendRequest<Full<Bytes>>),
}

impl Client {
    /// Through the proxy at `address`, for this name.
    pub async fn connect(address: SocketAddr, name: &str, roots: &str, protocols: &[&str]) -> Self {
        Self::from("127.0.0.1", address, name, roots, protocols).await
    }

    /// The same, from this address.
    pub async fn from(
        client: &str,
        address: SocketAddr,
        name: &str,
        roots: &str,
        protocols: &[&str],
    ) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{client}:0").parse().unwrap()).unwrap();
        let stream = socket.connect(address).await.unwrap();
        Self::on(tls(stream, name, roots, protocols).await.unwrap()).await
    }

    pub async fn on(stream: TlsStream<TcpStream>) -> Self {
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            let builder = http2::Builder::new(TokioExecutor::new());
            let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            return Self::H2(sender);
        }
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        Self::H1(sender)
    }

    pub const fn is_h2(&self) -> bool {
        matches!(self, Self::H2(_))
    }

    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        match self {
            Self::H1(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
            Self::H2(sender) => sender.send_request(request).await.unwrap(),
        }
    }

    /// A request for `host`, as the protocol wants it.
    pub fn request(
        &self,
        method: &str,
        host: &str,
        path: &str,
        body: &str,
    ) -> Request<Full<Bytes>> {
        let builder = Request::builder().method(method).header("content-type", "application/json");
        let builder = if self.is_h2() {
            builder.uri(format!("https://{host}{path}"))
        } else {
            builder.uri(path).header("host", host)
        };
        builder.body(Full::new(body.to_owned().into())).unwrap()
    }

    pub async fn post(&mut self, host: &str, path: &str, body: &str) -> (Response<()>, String) {
        let request = self.request("POST", host, path, body);
        let (parts, body) = self.send(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, ()), String::from_utf8(body.to_vec()).unwrap())
    }
}
