//! Whom a resolver's certificate may be signed by.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use sark_registry::resolve::{Server, Settings};

use crate::SettingsError;

/// The system's authorities and the settings' own; none if the server is not spoken to over TLS.
pub(crate) fn config(settings: &Settings) -> Result<ClientConfig, SettingsError> {
    let mut roots = RootCertStore::empty();
    if matches!(settings.server, Server::Tls { .. } | Server::Https { .. }) {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(path) = &settings.ca_file {
        own(path, &mut roots).map_err(|why| SettingsError::Authorities {
            name: settings.name.clone(),
            path: path.clone(),
            why,
        })?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::Tls {
            name: settings.name.clone(),
            why: error.to_string(),
        })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn own(path: &Path, roots: &mut RootCertStore) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
    let mut any = false;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        any = true;
    }
    if any { Ok(()) } else { Err("it holds no certificate".to_owned()) }
}
