//! What is known about a running lab between two commands: one JSON file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::LabError;
use super::process::Process;
use crate::place::Place;

/// A lab's directory under the target directory, locked while held.
pub struct Home {
    /// The lab's name.
    pub lab: String,
    dir: PathBuf,
    _lock: Flock<fs::File>,
}

/// A lab that was brought up, or was about to be.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    /// The topology file.
    pub file: PathBuf,
    /// FRR's version, as it says it.
    pub frr: String,
    /// False while `up` works: a lab found like that was interrupted.
    pub complete: bool,
    /// Nodes.
    pub nodes: BTreeMap<String, NodeState>,
}

/// One node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeState {
    /// Its first process.
    pub process: Process,
    /// Whether FRR runs on it.
    pub is_router: bool,
    /// Environment of everything in it.
    pub env: BTreeMap<String, String>,
}

impl State {
    /// All nodes run.
    pub fn is_whole(&self) -> bool {
        self.complete && self.nodes.values().all(|node| node.process.is_alive())
    }
}

impl Home {
    /// Opens and locks it; another command on the same lab waits here.
    pub fn open(place: &Place, lab: &str) -> Result<Self, LabError> {
        let dir = place.target.join("lab").join(lab);
        let lock = dir.join("lock");
        let failed = |source| LabError::File { path: lock.clone(), source };
        fs::create_dir_all(&dir).map_err(failed)?;
        let file = fs::File::create(&lock).map_err(failed)?;
        let locked = Flock::lock(file, FlockArg::LockExclusive);
        let lock = locked.map_err(|(_, errno)| failed(errno.into()))?;
        Ok(Self { lab: lab.to_owned(), dir, _lock: lock })
    }

    fn file(&self) -> PathBuf {
        self.dir.join("state.json")
    }

    /// What is there, if anything; a file that cannot be read is an error, since it may be the
    /// only trace of running processes.
    pub fn state(&self) -> Result<Option<State>, LabError> {
        read(&self.file())
    }

    /// Replaces it at once and for good.
    pub fn save(&self, state: &State) -> Result<(), LabError> {
        let path = self.file();
        let failed = |source| LabError::File { path: path.clone(), source };
        let text = serde_json::to_string_pretty(state).map_err(|error| failed(error.into()))?;
        let new = path.with_extension("new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).map_err(failed)
    }

    /// Nothing is there any more.
    pub fn forget(&self) -> Result<(), LabError> {
        let path = self.file();
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(LabError::File { path, source })
            }
            _ => Ok(()),
        }
    }
}

/// The state of a lab without waiting for its lock.
pub fn peek(place: &Place, lab: &str) -> Result<Option<State>, LabError> {
    read(&place.target.join("lab").join(lab).join("state.json"))
}

fn read(path: &Path) -> Result<Option<State>, LabError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(LabError::File { path: path.to_path_buf(), source }),
    };
    let state = serde_json::from_str(&text);
    state
        .map(Some)
        .map_err(|error| LabError::File { path: path.to_path_buf(), source: error.into() })
}
