use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use sark_registry::feed::{Feed, Source as _};
use tokio_rustls::TlsAcceptor;

use crate::fetch::{feed, fetcher, octets};
use crate::server::{Server, head, ok};

/// A server with a certificate of this name, and its authority's PEM.
async fn server(name: &str, is_over: bool) -> (Server, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    if is_over {
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    }
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let tls = TlsAcceptor::from(Arc::new(config));
    let down = head("302 Found\r\nLocation: http://127.0.0.1:9/x");
    let server = Server::over([("/x", ok(b"x")), ("/down", down)], Some(tls)).await;
    (server, issuer.pem())
}

fn feed_at(server: &Server, path: &str, authority: Option<&std::path::Path>) -> Feed {
    let mut feed = feed(&[format!("https://localhost:{}{path}", server.at.port())]);
    feed.transport.ca_file = authority.map(Into::into);
    feed
}

#[tokio::test]
async fn only_the_named_authority_is_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    let (server_, pem) = server("localhost", false).await;
    std::fs::write(&ca, pem).unwrap();
    let trusted = fetcher().fetch(&feed_at(&server_, "/x", Some(&ca)), None).await.unwrap();
    assert_eq!(octets(trusted), [b"x".to_vec()]);
    let error = fetcher().fetch(&feed_at(&server_, "/x", None), None).await.unwrap_err();
    assert_eq!(error.code(), "tls", "{error:?}");
    let error = fetcher().fetch(&feed_at(&server_, "/down", Some(&ca)), None).await.unwrap_err();
    assert_eq!(error.code(), "redirect", "from https to http: {error:?}");

    for (name, is_over) in [("lists.example.com", false), ("localhost", true)] {
        let (server, pem) = server(name, is_over).await;
        std::fs::write(&ca, pem).unwrap();
        let error = fetcher().fetch(&feed_at(&server, "/x", Some(&ca)), None).await.unwrap_err();
        assert_eq!(error.code(), "tls", "{name} {is_over}: {error:?}");
    }

    std::fs::write(&ca, "no certificate").unwrap();
    let error = fetcher().fetch(&feed_at(&server_, "/x", Some(&ca)), None).await.unwrap_err();
    assert_eq!(error.code(), "settings", "{error:?}");
}
