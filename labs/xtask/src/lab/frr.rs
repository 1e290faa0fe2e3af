//! FRR on a node: which one, and starting it the way its own package does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use super::LabError;
use super::node::inside;
use super::process::Process;
use crate::place::Place;
use crate::run::capture;
use crate::setup::suite;

/// An FRR that routers can run.
#[derive(Debug)]
pub struct Frr {
    /// The root file system it lies in; the machine's own if none.
    pub root: Option<PathBuf>,
    /// As it says it, such as `8.4.4`.
    pub version: String,
}

/// Directories each router has for itself. They exist wherever FRR's package is unpacked.
pub const PRIVATE: &[&str] = &["/run", "/tmp", "/var/tmp", "/var/log/frr", "/etc/frr"];

const DAEMON: &str = "/usr/lib/frr/zebra";

/// FRR's own start script: reads `/etc/frr/daemons`, starts what it names, loads `frr.conf`. What it
/// says goes through a file, because daemons may keep their parent's output open for ever. FRR 10's
/// management daemon may still hold its lock when the configuration is loaded: then it is loaded
/// again, for two seconds at most.
const START: &str = "timeout 30 /usr/lib/frr/watchfrr.sh start all >/run/start.log 2>&1
    status=$?
    tries=0
    while grep -q 'locked by another session' /run/start.log && [ $tries -lt 20 ]; do
        tries=$((tries + 1)); sleep 0.1
        timeout 10 vtysh -b >/run/start.log 2>&1; status=$?
    done
    cat /run/start.log; exit $status";

impl Frr {
    /// The one of this major version, or the machine's.
    pub fn find(place: &Place, major: Option<u8>) -> Result<Self, LabError> {
        let unpacked = suite::root(place);
        let complete = suite::is_complete(place);
        let mut found = Vec::new();
        let mut system = Command::new(DAEMON);
        let mut other = Command::new("chroot");
        other.arg(&unpacked).arg(DAEMON);
        for (command, root) in [(&mut system, None), (&mut other, complete.then_some(unpacked))] {
            let Ok(said) = capture(command.arg("--version")) else { continue };
            let Some(version) = version(&said) else { continue };
            let fits = major.is_none_or(|major| version.starts_with(&format!("{major}.")));
            if fits {
                return Ok(Self { root, version });
            }
            found.push(version);
        }
        let wanted = major.map_or_else(String::new, |major| format!(" {major}"));
        Err(LabError::NoFrr { wanted, found })
    }

    /// Starts it on a router whose links exist.
    pub fn start(
        node: &str,
        process: Process,
        env: &BTreeMap<String, String>,
    ) -> Result<(), LabError> {
        let failed = |why: String| LabError::Node { node: node.to_owned(), why };
        let said = capture(&mut inside(process, env, None, &["sh", "-c", START]))
            .map_err(|error| failed(error.to_string()))?;
        // It says so, but ends well.
        let bad =
            |line: &&str| line.contains("% ") || line.contains("ailed") || line.contains("cannot");
        let wrong: Vec<_> = said.lines().filter(bad).collect();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(failed(format!("FRR says: {}", wrong.join("; "))))
        }
    }
}

/// `zebra version 8.4.4` → `8.4.4`
fn version(said: &str) -> Option<String> {
    let (_, rest) = said.lines().next()?.split_once(" version ")?;
    Some(rest.trim().to_owned())
}
