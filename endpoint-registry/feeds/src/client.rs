//! The HTTP client of one feed.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Proxy};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use sark_core::secret::{Secret, SecretRef};
use sark_registry::feed::{Feed, FetchError};

use crate::address::{PublicOnly, check_literal};

const REDIRECTS: usize = 5;
pub(crate) const OTHER_SCHEME: &str = "to another scheme";
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// Longest pause within an answer: one that drips slower than an octet in this time has ended.
pub(crate) const SILENCE: Duration = Duration::from_secs(15);

/// Of a feed's transport settings. Nothing of the environment counts: no proxy, no certificate.
pub(crate) fn client(
    feed: &Feed,
    secrets: &dyn Fn(&SecretRef) -> Result<Secret, String>,
) -> Result<Client, FetchError> {
    let transport = &feed.transport;
    let settings = |why: String| FetchError::Settings { why };
    let mut builder = Client::builder()
        .user_agent(concat!("sark/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .no_proxy()
        .referer(false)
        .tls_backend_preconfigured(tls(feed)?)
        .default_headers(headers(feed, secrets)?);
    let (private, secret) = (transport.private, !transport.headers.is_empty());
    builder = builder.redirect(Policy::custom(move |attempt| follow(attempt, private, secret)));
    match &transport.proxy {
        // The proxy resolves, and is the operator's own.
        Some(proxy) => {
            let proxy = Proxy::all(proxy);
            builder = builder.proxy(proxy.map_err(|_| settings("its proxy is no URL".into()))?);
        }
        None if !private => builder = builder.dns_resolver(Arc::new(PublicOnly)),
        None => {}
    }
    builder.build().map_err(|error| settings(error.to_string()))
}

/// Never from `https` to `http`, never to where a public feed has no business, and with a secret in
/// the headers never to another server: it was given to one.
fn follow(attempt: Attempt<'_>, private: bool, secret: bool) -> reqwest::redirect::Action {
    let was_tls = attempt.previous().iter().any(|url| url.scheme() == "https");
    let url = attempt.url();
    let refused = match url.scheme() {
        _ if attempt.previous().len() > REDIRECTS => Some("too often"),
        _ if secret
            && attempt.previous().iter().any(|url| url.origin() != attempt.url().origin()) =>
        {
            Some("to another server, which is not to know the feed's secret")
        }
        "https" => None,
        "http" if !was_tls => None,
        "http" => Some("from https to http"),
        _ => Some(OTHER_SCHEME),
    };
    if let Some(why) = refused {
        return attempt.error(Refused(why));
    }
    if !private && let Err(error) = check_literal(url) {
        return attempt.error(error);
    }
    attempt.follow()
}

/// A redirect that is not followed.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("redirects {0}")]
pub(crate) struct Refused(pub(crate) &'static str);

fn headers(
    feed: &Feed,
    secrets: &dyn Fn(&SecretRef) -> Result<Secret, String>,
) -> Result<HeaderMap, FetchError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    for (name, reference) in &feed.transport.headers {
        let settings = |why: String| FetchError::Settings { why: format!("header {name}: {why}") };
        let secret = secrets(&SecretRef::parse(reference)).map_err(settings)?;
        let key = HeaderName::try_from(name).map_err(|_| settings("is no header name".into()))?;
        let mut value = HeaderValue::try_from(secret.reveal())
            .map_err(|_| settings("its value cannot be in a header".into()))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// The system's authorities, and the feed's own.
fn tls(feed: &Feed) -> Result<ClientConfig, FetchError> {
    let settings = |why: String| FetchError::Settings { why };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &feed.transport.ca_file {
        let read = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| settings(format!("{}: {error}", path.display())))?;
        if roots.add_parsable_certificates(read).0 == 0 {
            return Err(settings(format!("{} holds no certificate", path.display())));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| settings(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
