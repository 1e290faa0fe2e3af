//! Where `sarkd` is, and as whom it is asked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Certificate, ClientBuilder, Identity};
use sark_core::identity::Presented;
use sark_core::secret::SecretRef;

use crate::context::Entry;
use crate::exit::Failure;

/// Where it is.
#[derive(Debug, Clone)]
pub enum Target {
    /// A Unix socket of this machine.
    Socket(PathBuf),
    /// As a context says.
    Entry(Entry),
}

impl Target {
    /// For people.
    pub fn place(&self) -> String {
        match self {
            Self::Socket(path) => path.display().to_string(),
            Self::Entry(entry) => entry.place(),
        }
    }

    /// What stands before a path.
    pub fn base(&self) -> String {
        match self {
            Self::Entry(Entry { server: Some(server), .. }) => server.clone(),
            _ => "http://sarkd".to_owned(),
        }
    }

    /// Sets a client up for it.
    pub fn onto(&self, builder: ClientBuilder) -> Result<ClientBuilder, Failure> {
        let entry = match self {
            Self::Socket(path) => return Ok(builder.unix_socket(path.as_path())),
            Self::Entry(entry) => entry,
        };
        let mut builder = match (&entry.server, &entry.socket) {
            (Some(_), _) => builder.https_only(true),
            (None, Some(path)) => builder.unix_socket(path.as_path()),
            (None, None) => builder.unix_socket(Path::new(sark_api::config::DEFAULT_SOCKET)),
        };
        if let Some(path) = &entry.authority {
            let found = Certificate::from_pem_bundle(&read(path)?);
            let found = found.map_err(|error| wrong(path, "certificate", &error))?;
            builder = builder.tls_certs_only(found);
        }
        if let (Some(certificate), Some(key)) = (&entry.certificate, &entry.key) {
            let mut pem = read(certificate)?;
            pem.push(b'\n');
            pem.extend(read(key)?);
            let identity = Identity::from_pem(&pem);
            builder = builder
                .identity(identity.map_err(|error| wrong(certificate, "certificate", &error))?);
        }
        if let Some(reference) = &entry.token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token(reference)?))
                .map_err(|_| no_token(reference))?;
            value.set_sensitive(true);
            builder = builder.default_headers(HeaderMap::from_iter([(AUTHORIZATION, value)]));
        }
        Ok(builder)
    }
}

fn token(reference: &SecretRef) -> Result<String, Failure> {
    let text = match reference {
        SecretRef::File(path) => String::from_utf8(read(path)?).map_err(|_| no_token(reference))?,
        SecretRef::Env(name) => std::env::var(name).map_err(|_| {
            Failure::usage(format!(
                "there is no environment variable {name}, and the token is there"
            ))
            .next("set it, or name another place: sarkctl context add … --token REF")
        })?,
        SecretRef::Invalid => return Err(no_token(reference)),
    };
    let text = text.lines().next().unwrap_or_default().trim();
    if Presented::read(text).is_err() {
        return Err(no_token(reference));
    }
    Ok(text.to_owned())
}

fn no_token(reference: &SecretRef) -> Failure {
    Failure::usage(format!("{reference} holds no token of SARK"))
        .next("a token begins with sark_; sarkctl auth token create makes one")
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error: io::Error| {
        Failure::usage(format!("cannot read {}: {error}", path.display()))
            .next("sarkctl context show says what is used; sarkctl context add replaces it")
    })
}

fn wrong(path: &Path, what: &str, error: &reqwest::Error) -> Failure {
    Failure::usage(format!("{} holds no {what} in PEM: {error}", path.display()))
        .next("sarkctl context show says what is used; sarkctl context add replaces it")
}
