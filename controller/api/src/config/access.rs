//! `api`: where clients ask, and who they are.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use sark_core::identity::{Rights, Role, Scope};
use serde::{Deserialize, Serialize};

/// Where `sarkd` listens and `sarkctl` asks unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/sark/sarkd.sock";

/// `api`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Unix socket, mode 0660.
    pub socket: PathBuf,
    /// User ids that may use it as operators; `users` says more.
    pub allow_uids: Vec<u32>,
    /// Users of this machine, beside root and `sarkd`'s own, who are admins.
    pub users: Vec<UserConfig>,
    /// For clients on other machines; not served unless set.
    pub https: Option<HttpsConfig>,
    /// Client certificates, and who they are.
    pub certificates: Vec<CertificateConfig>,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            socket: PathBuf::from(DEFAULT_SOCKET),
            allow_uids: Vec::new(),
            users: Vec::new(),
            https: None,
            certificates: Vec::new(),
        }
    }
}

/// One of `api.users`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserConfig {
    /// User id.
    pub uid: u32,
    /// How far: `viewer`, `operator`, `approver`, `admin`.
    pub roles: BTreeSet<Role>,
    /// Where; empty is everywhere.
    #[serde(default)]
    pub scopes: BTreeSet<Scope>,
}

/// `api.https`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpsConfig {
    /// Address and port, such as `192.0.2.1:8443` or `[::]:8443`.
    pub listen: SocketAddr,
    /// PEM file: our certificate and those between it and its authority. Relative to the
    /// configuration's.
    pub certificate: PathBuf,
    /// PEM file: its key. Readable by `sarkd` alone.
    pub key: PathBuf,
    /// PEM file: authorities whose client certificates are believed.
    #[serde(default)]
    pub client_authorities: Option<PathBuf>,
    /// Whether a client without a certificate is turned away before it says anything.
    #[serde(default)]
    pub require_client_certificate: bool,
    /// Connections at once, 1 to 10000.
    #[serde(default = "connections")]
    pub connections: usize,
}

fn connections() -> usize {
    256
}

/// One of `api.certificates`: the first that fits says who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateConfig {
    /// As records name it: `cert:NAME`.
    pub name: String,
    /// A subject alternative name (DNS name, address, URI or mail address), exactly.
    #[serde(default)]
    pub san: Option<String>,
    /// The subject's common name, exactly.
    #[serde(default)]
    pub common_name: Option<String>,
    /// How far.
    pub roles: BTreeSet<Role>,
    /// Where; empty is everywhere.
    #[serde(default)]
    pub scopes: BTreeSet<Scope>,
}

impl UserConfig {
    /// What they may do.
    #[must_use]
    pub fn rights(&self) -> Rights {
        Rights { roles: self.roles.clone(), scopes: self.scopes.clone() }
    }
}

impl CertificateConfig {
    /// What they may do.
    #[must_use]
    pub fn rights(&self) -> Rights {
        Rights { roles: self.roles.clone(), scopes: self.scopes.clone() }
    }
}

impl ApiConfig {
    /// Tells each mistake: key, what is wrong, what to do.
    pub(super) fn check(&self, wrong: &mut impl FnMut(&str, String, &str)) {
        let mut uids: BTreeSet<u32> = self.allow_uids.iter().copied().collect();
        for (n, user) in self.users.iter().enumerate() {
            let key = format!("api.users[{n}] (uid {})", user.uid);
            if user.uid == 0 {
                wrong(&key, "root is an admin anyway".into(), "remove it");
            }
            if !uids.insert(user.uid) {
                wrong(
                    &key,
                    "this user id is named before".into(),
                    "name each user once, in allowUids (an operator) or in users",
                );
            }
            check_rights(&key, &user.rights(), wrong);
        }
        let mut names = BTreeSet::new();
        for (n, certificate) in self.certificates.iter().enumerate() {
            let key = format!("api.certificates[{n}] ({})", certificate.name);
            if !sark_core::identity::is_name(&certificate.name) {
                wrong(&key, "this is no name".into(), "small letters, digits, `-`, `_` and `.`");
            }
            if !names.insert(&certificate.name) {
                wrong(&key, "this name is taken".into(), "give each certificate its own name");
            }
            if certificate.san.is_some() == certificate.common_name.is_some() {
                wrong(
                    &key,
                    "it fits by san or by commonName, one of them".into(),
                    "san: noc.example.net",
                );
            }
            check_rights(&key, &certificate.rights(), wrong);
        }
        let authorities = self.https.as_ref().and_then(|https| https.client_authorities.as_ref());
        if !self.certificates.is_empty() && authorities.is_none() {
            wrong(
                "api.certificates",
                "no authority of client certificates is named".into(),
                "set api.https.clientAuthorities to the PEM file of the authority that signs them",
            );
        }
        let Some(https) = &self.https else { return };
        if https.listen.port() == 0 {
            wrong("api.https.listen", "port 0 is none".into(), "such as 192.0.2.1:8443");
        }
        if https.require_client_certificate && https.client_authorities.is_none() {
            wrong(
                "api.https.requireClientCertificate",
                "no authority of client certificates is named".into(),
                "set api.https.clientAuthorities",
            );
        }
        if !(1..=10_000).contains(&https.connections) {
            wrong("api.https.connections", "out of range".into(), "1 to 10000");
        }
    }
}

fn check_rights(key: &str, rights: &Rights, wrong: &mut impl FnMut(&str, String, &str)) {
    let suffices = |scope: &Scope| !matches!(scope, Scope::Line(_));
    if rights.roles.is_empty() && !rights.scopes.iter().any(suffices) {
        wrong(
            key,
            "it may do nothing".into(),
            "roles: [viewer], [operator], [approver], [admin], or a scope sensors:KIND, decide, proxy or \
             enforcer",
        );
    }
}
