//! A controller on fakes, served over TLS on loopback, with certificates of our own making.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use sark_api::config::{CertificateConfig, HttpsConfig};
use sark_controller::api::{Tls, serve_https};
use sark_controller::identities::NewToken;
use sark_core::identity::{Identity, Known, Rights, Role};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::sync::CancellationToken;

use crate::world::World;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// An authority of ours.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// For these names, and with this common name.
    pub fn sign(&self, names: &[&str], common: &str) -> Pair {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// Served.
pub struct Secured {
    pub world: World,
    pub clients: Authority,
    pub tls: Arc<Tls>,
    pub address: SocketAddr,
    pub directory: TempDir,
    authority: Authority,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<()>,
}

/// What is shown with a request.
#[derive(Clone, Default)]
pub struct Shown {
    pub token: Option<String>,
    pub pair: Option<Pair>,
    pub headers: Vec<(&'static str, String)>,
}

impl Shown {
    pub fn token(text: &str) -> Self {
        Self { token: Some(text.to_owned()), ..Self::default() }
    }
}

pub fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// An admin who is not asking over any connection.
pub fn root() -> Identity {
    Identity {
        name: "uid:0(root)".into(),
        known: Known::User,
        rights: Rights::of([Role::Admin]),
        made_by: None,
    }
}

impl Secured {
    pub async fn new() -> Self {
        Self::of(World::new()).await
    }

    pub async fn of(world: World) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (authority, clients) = (Authority::new(), Authority::new());
        let at = |name: &str| directory.path().join(name);
        let pair = authority.sign(&["localhost"], "sarkd");
        write(&at("server.pem"), &pair.certificate);
        write(&at("server.key"), &pair.key);
        write(&at("clients.pem"), &clients.pem());
        let config = HttpsConfig {
            listen: "127.0.0.1:8443".parse().unwrap(),
            certificate: "server.pem".into(),
            key: "server.key".into(),
            client_authorities: Some("clients.pem".into()),
            require_client_certificate: false,
            connections: 64,
        };
        let tls = Arc::new(Tls::load(&config, directory.path()).unwrap());
        let mut api = world.api.clone();
        let certificate = |name: &str, san: Option<&str>, common: Option<&str>| CertificateConfig {
            name: name.into(),
            san: san.map(Into::into),
            common_name: common.map(Into::into),
            roles: BTreeSet::from([Role::Operator]),
            scopes: BTreeSet::new(),
        };
        api.certificates = Arc::new([
            certificate("noc", Some("noc.example.net"), None),
            certificate("robot", None, Some("robot")),
        ]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = serve_https(listener, Arc::clone(&tls), 64, api.router(), stop.clone());
        let server = tokio::spawn(serving);
        Self { world, clients, tls, address, directory, authority, stop, server }
    }

    pub fn replace(&self) {
        let pair = self.authority.sign(&["localhost", "again.example.net"], "sarkd");
        write(&self.directory.path().join("server.pem"), &pair.certificate);
        write(&self.directory.path().join("server.key"), &pair.key);
    }

    /// The text of a new token.
    pub async fn token(&self, name: &str, roles: &[Role], scopes: &[&str], seconds: i64) -> String {
        let rights = Rights {
            roles: roles.iter().copied().collect(),
            scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
        };
        let new = NewToken { name: name.into(), rights, life: SignedDuration::from_secs(seconds) };
        let (_, text) = self.world.api.identities.make(new, &root()).await.unwrap();
        text.reveal().to_owned()
    }

    pub async fn connect(&self, pair: Option<&Pair>) -> Result<TlsStream<TcpStream>, Failed> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.pem().as_bytes())?)?;
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match pair {
            None => builder.with_no_client_auth(),
            Some(pair) => builder.with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes())?],
                PrivateKeyDer::from_pem_slice(pair.key.as_bytes())?,
            )?,
        };
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost")?;
        Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
    }

    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
        shown: &Shown,
    ) -> Result<Response<Bytes>, Failed> {
        let stream = self.connect(shown.pair.as_ref()).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json");
        if let Some(token) = &shown.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in &shown.headers {
            request = request.header(*name, value);
        }
        let response = sender.send_request(request.body(Full::new(body.into()))?).await?;
        let (head, body) = response.into_parts();
        let octets = body.collect().await?.to_bytes();
        drop(sender);
        connection.abort();
        Ok(Response::from_parts(head, octets))
    }

    /// Status and body.
    pub async fn say(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
        shown: &Shown,
    ) -> (u16, Value) {
        let response = self.ask(method, path, body, shown).await.unwrap();
        let value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        (response.status().as_u16(), value)
    }

    pub async fn end(self) {
        self.stop.cancel();
        self.server.await.unwrap();
        self.world.stop().await;
    }
}
