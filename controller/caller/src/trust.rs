//! Whom we believe: the system's authorities, and the operator's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// Why nobody is believed.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// A file of authorities.
    #[error("cannot read certificates of {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Cause.
        source: rustls::pki_types::pem::Error,
    },
    /// It holds none.
    #[error("{0} holds no certificate of an authority")]
    Empty(PathBuf),
    /// A defect.
    #[error("TLS cannot be had")]
    Tls(#[from] rustls::Error),
}

/// The system's authorities, and those of these PEM files.
pub fn roots(files: &[PathBuf]) -> Result<RootCertStore, RootsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    files.iter().try_for_each(|path| add(&mut roots, path))?;
    Ok(roots)
}

/// TLS with `sarkd`, over HTTP/1.1.
pub(crate) fn connector(files: &[PathBuf]) -> Result<TlsConnector, RootsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(files)?)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), RootsError> {
    let failed = |source| RootsError::Read { path: path.to_owned(), source };
    let read = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let read = read.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if roots.add_parsable_certificates(read).0 == 0 {
        return Err(RootsError::Empty(path.to_owned()));
    }
    Ok(())
}
