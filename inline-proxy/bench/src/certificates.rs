//! One authority, and certificates of the kind that `sark-proxy` makes: ECDSA P-256.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::inside::{INSPECTED, MODELS, OTHER};

/// Files.
pub struct Certificates {
    /// Of the authority.
    pub root: PathBuf,
    /// Of the servers, and of the proxies that do not make their own.
    pub leaf: PathBuf,
    pub key: PathBuf,
    /// Both of them in one.
    pub both: PathBuf,
}

impl Certificates {
    pub fn make(directory: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "Benchmark");
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = [MODELS, OTHER, INSPECTED].map(str::to_owned).to_vec();
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &root).unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.join(name);
            fs::write(&path, text).unwrap();
            path
        };
        Self {
            root: write("root.pem", &root.pem()),
            leaf: write("leaf.pem", &leaf.pem()),
            key: write("key.pem", &key.serialize_pem()),
            both: write("both.pem", &format!("{}{}", key.serialize_pem(), leaf.pem())),
        }
    }
}
