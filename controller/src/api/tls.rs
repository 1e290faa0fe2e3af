//! Our certificate, its key, and whose client certificates are believed; read again when they change.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use sark_api::config::HttpsConfig;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

/// No PEM file of ours is longer.
const LONGEST: u64 = 4 << 20;

/// Why there is no TLS, or why it stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("cannot read {path}")]
    Read {
        /// Its path.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Others can read the key.
    #[error("everybody on this machine may read {0}, which holds the key; chmod 600 it")]
    Open(PathBuf),
    /// Not PEM, or not what it should be.
    #[error("{path} holds no {what} in PEM")]
    Pem {
        /// Its path.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Cause.
        source: pem::Error,
    },
    /// The certificate and the key do not belong together, or are of a kind that is not known.
    #[error("{certificate} and {key} cannot be used together")]
    Pair {
        /// The certificate's path.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
        /// Cause.
        source: rustls::Error,
    },
    /// The authorities.
    #[error("cannot use the authorities in {path}")]
    Authorities {
        /// Its path.
        path: PathBuf,
        /// Cause.
        source: VerifierBuilderError,
    },
    /// The TLS library.
    #[error("cannot set up TLS")]
    Library(#[from] rustls::Error),
}

/// What is used for new connections.
#[derive(Debug)]
pub struct Tls {
    files: Files,
    current: RwLock<Arc<ServerConfig>>,
    seen: Mutex<Vec<Stamp>>,
}

#[derive(Debug, Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    authorities: Option<PathBuf>,
    required: bool,
}

/// Changes when a file does.
type Stamp = Option<(u64, u64, i64, i64)>;

impl Tls {
    /// Reads the files; relative paths are seen from `base`.
    pub fn load(config: &HttpsConfig, base: &Path) -> Result<Self, TlsError> {
        let files = Files {
            certificate: base.join(&config.certificate),
            key: base.join(&config.key),
            authorities: config.client_authorities.as_ref().map(|path| base.join(path)),
            required: config.require_client_certificate,
        };
        let seen = files.stamps();
        let current = RwLock::new(Arc::new(files.read()?));
        Ok(Self { files, current, seen: Mutex::new(seen) })
    }

    /// What a new connection uses.
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the files again; on an error what was used stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = self.files.stamps();
        let read = Arc::new(self.files.read()?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// Whether a file is another than when it was last read.
    pub fn is_stale(&self) -> bool {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) != self.files.stamps()
    }
}

impl Files {
    fn stamps(&self) -> Vec<Stamp> {
        let stamp = |path: &PathBuf| {
            let file = fs::metadata(path).ok()?;
            Some((file.ino(), file.size(), file.mtime(), file.mtime_nsec()))
        };
        [&self.certificate, &self.key].into_iter().chain(&self.authorities).map(stamp).collect()
    }

    fn read(&self) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(default_provider());
        let certificates = certificates(&self.certificate)?;
        let key = self.read_key()?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13, &TLS12])?;
        let builder = match &self.authorities {
            None => builder.with_no_client_auth(),
            Some(path) => builder.with_client_cert_verifier(self.verifier(path, provider)?),
        };
        let mut config = builder.with_single_cert(certificates, key).map_err(|source| {
            let (certificate, key) = (self.certificate.clone(), self.key.clone());
            TlsError::Pair { certificate, key, source }
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn read_key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let path = self.key.clone();
        let octets = octets(&path)?;
        let mode = fs::metadata(&path).map(|file| file.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o007 != 0) {
            return Err(TlsError::Open(path));
        }
        PrivateKeyDer::from_pem_slice(&octets).map_err(|source| TlsError::Pem {
            path,
            what: "private key",
            source,
        })
    }

    fn verifier(
        &self,
        path: &Path,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path)? {
            roots.add(certificate)?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = if self.required { builder } else { builder.allow_unauthenticated() };
        builder.build().map_err(|source| TlsError::Authorities { path: path.to_owned(), source })
    }
}

fn octets(path: &Path) -> Result<Vec<u8>, TlsError> {
    use std::io::Read;
    let failed = |source| TlsError::Read { path: path.to_owned(), source };
    let mut octets = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(LONGEST).read_to_end(&mut octets).map_err(failed)?;
    Ok(octets)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let octets = octets(path)?;
    let failed = |source| TlsError::Pem { path: path.to_owned(), what: "certificate", source };
    let found = CertificateDer::pem_slice_iter(&octets).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(failed)?;
    if found.is_empty() { Err(failed(pem::Error::NoItemsFound)) } else { Ok(found) }
}
