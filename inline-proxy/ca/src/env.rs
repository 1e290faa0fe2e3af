//! How the programs of a machine get to trust the proxy: variables, and commands for stores.
//!
//! There is no one place. Some programs add the file they are given to the roots they have
//! ([`Effect::Adds`]); most take it instead of them ([`Effect::Replaces`]), and with our roots alone they
//! would refuse every host that is not inspected. Those are given [`combined`]: ours, and the system's.

use std::path::Path;

use crate::bundle::Bundle;
use crate::pem::{self, PemError};

mod render;
mod stores;

pub use render::{Shell, render};

/// What a program does with the file that a variable names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Trusts it beside its own roots.
    Adds,
    /// Trusts it instead of its own roots.
    Replaces,
}

/// A variable, and who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Programs and libraries.
    pub read_by: &'static str,
    /// What they do.
    pub effect: Effect,
}

const fn variable(name: &'static str, effect: Effect, read_by: &'static str) -> Variable {
    Variable { name, read_by, effect }
}

/// All of them. As the programs' own documentation says, but where it is silent.
pub const VARIABLES: [Variable; 11] = [
    variable("NODE_EXTRA_CA_CERTS", Effect::Adds, "Node.js, Bun"),
    variable("DENO_CERT", Effect::Adds, "Deno"),
    variable(
        "SSL_CERT_FILE",
        Effect::Replaces,
        "OpenSSL: Python's ssl and httpx, Ruby, curl; Go; uv",
    ),
    variable("REQUESTS_CA_BUNDLE", Effect::Replaces, "Python's requests"),
    variable("CURL_CA_BUNDLE", Effect::Replaces, "curl, and Python's requests"),
    variable("PIP_CERT", Effect::Replaces, "pip"),
    variable("AWS_CA_BUNDLE", Effect::Replaces, "AWS CLI and SDKs"),
    variable("GIT_SSL_CAINFO", Effect::Replaces, "git"),
    variable("CARGO_HTTP_CAINFO", Effect::Replaces, "Cargo"),
    variable(
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        Effect::Replaces,
        "gRPC of C++, Python, Ruby, PHP",
    ),
    variable("NPM_CONFIG_CAFILE", Effect::Replaces, "npm, pnpm (cafile)"),
];

/// Where the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paths<'a> {
    /// The roots of the proxy: [`Bundle::to_pem`].
    pub trusted: &'a Path,
    /// Those, and the system's: [`combined`]. Without it, variables that replace are left out.
    pub combined: Option<&'a Path>,
}

/// Why there is nothing to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// Which no comment and no quoting takes in every shell.
    #[error("a path that a shell shall read is UTF-8, and has no control characters")]
    Path,
}

/// Our roots, and the system's below: for programs that replace theirs by the file. A certificate that is
/// in both is there once. What only OpenSSL reads, `-----BEGIN TRUSTED CERTIFICATE-----`, is left out.
pub fn combined(ours: &Bundle, system: &[u8]) -> Result<String, PemError> {
    let mut text = ours.to_pem();
    let mut seen: Vec<_> = ours.roots().iter().map(|root| root.der().clone()).collect();
    text.push_str("# The system's.\n");
    for root in pem::certificates(system)? {
        if !seen.contains(&root) {
            text.push_str(&pem::section("CERTIFICATE", &root));
            seen.push(root);
        }
    }
    Ok(text)
}
