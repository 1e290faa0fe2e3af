//! Whom we believe.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::SettingsError;

/// The system's authorities, and those of this PEM file.
pub(crate) fn config(ca_file: Option<&Path>) -> Result<ClientConfig, SettingsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        let read = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| SettingsError::new(format!("{}: {error}", path.display())))?;
        if roots.add_parsable_certificates(read).0 == 0 {
            let why = format!("{} holds no certificate", path.display());
            return Err(SettingsError::new(why));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::new(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
