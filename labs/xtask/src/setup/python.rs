//! Python packages, unpacked into a directory of ours.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{SetupError, write};
use crate::place::Place;
use crate::run::capture;

/// What to unpack, with all it depends on.
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
];

/// A file that is written last and names what was unpacked.
const COMPLETE: &str = ".complete";

/// Where it is unpacked: what `PYTHONPATH` has to name.
pub fn root(place: &Place) -> PathBuf {
    place.target.join("setup").join("python")
}

/// Whether all of it is there.
pub fn is_complete(place: &Place) -> bool {
    fs::read_to_string(root(place).join(COMPLETE))
        .is_ok_and(|unpacked| unpacked == PACKAGES.join(" "))
}

/// Fetches and unpacks it, once.
pub fn ensure(place: &Place) -> Result<(), SetupError> {
    if is_complete(place) {
        return Ok(());
    }
    let root = root(place);
    eprintln!("unpacking {} under {}", PACKAGES.join(" "), root.display());
    if root.exists() {
        let removed = fs::remove_dir_all(&root);
        removed.map_err(|source| SetupError::Write { path: root.clone(), source })?;
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--root-user-action", "ignore", "--target"]);
    pip.arg(&root).args(PACKAGES);
    let failed = |source| SetupError::Command { what: PACKAGES.join(" "), source };
    capture(&mut pip).map_err(failed)?;
    write(root.join(COMPLETE), &PACKAGES.join(" "))
}
