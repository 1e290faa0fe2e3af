//! `cargo xtask lab`: containerlab topologies on network namespaces, without containers.
//!
//! ```text
//! file ── topology::read ──▶ Topology ── up::up ──▶ nodes, cables, FRR ── recorded in ──▶ State
//! ```
//!
//! A node is one process ([`init`]) in network, mount, PID, host name and IPC namespaces of its
//! own. Nothing has a name on the machine: no interface, no namespace file, no mount. So a node
//! ends, with all that runs in it, when that process ends, and there is nothing else to clean up.

pub mod frr;
pub mod init;
mod mounts;
pub mod node;
pub mod process;
mod schema;
pub mod state;
mod topology;
pub mod up;

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Subcommand;
use sark_core::document::Diagnostic;

use self::frr::Frr;
use self::state::{Home, State};
use self::topology::Topology;
use crate::interrupt::undo_on_interrupt;
use crate::place::Place;
use crate::run::{RunError, typed, which};

/// What to do with a lab.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Bring a lab up. Does nothing if it is up already.
    Up(UpOptions),
    /// Take a lab down. Does nothing if it is not up.
    Down(LabName),
    /// Run a command in a node, such as `lab exec edge r1 -- vtysh -c 'show bgp summary'`.
    Exec(ExecOptions),
    /// Show a lab's nodes. Exit code 1 if it is not up.
    Status(LabName),
}

/// Which lab.
#[derive(Debug, clap::Args)]
pub struct LabName {
    /// A directory of `labs/containerlab/`, or a `.clab.yml` file.
    lab: String,
    /// Another name for it than the file's, so that it can be up more than once.
    #[arg(long)]
    name: Option<String>,
}

/// `lab up`
#[derive(Debug, clap::Args)]
pub struct UpOptions {
    #[command(flatten)]
    lab: LabName,
    /// FRR's major version: 8 and 10 are Debian 12's and 13's. The machine's own if not given;
    /// another one has to be unpacked by `cargo xtask setup` first.
    #[arg(long, value_name = "VERSION")]
    frr: Option<u8>,
}

/// `lab exec`
#[derive(Debug, clap::Args)]
pub struct ExecOptions {
    #[command(flatten)]
    lab: LabName,
    /// The node.
    node: String,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// Why a lab is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// Namespaces need root.
    #[error("labs are made of network namespaces, which only root may make: run this as root")]
    NotRoot,
    /// Root of a container is not enough.
    #[error("the kernel refuses to make namespaces: in a container, run it privileged")]
    NoNamespaces,
    /// A program is missing.
    #[error("{0} is missing: `cargo xtask setup` installs it")]
    Missing(&'static str),
    /// No FRR of that version.
    #[error("there is no FRR{wanted}{}: `cargo xtask setup` installs 8 and unpacks 10", but(.found))]
    NoFrr {
        /// With a space in front, or empty.
        wanted: String,
        /// What there is instead.
        found: Vec<String>,
    },
    /// No such file.
    #[error("there is no lab {lab}: {} does not exist{}", .path.display(), but(.known))]
    NoLab {
        /// As typed.
        lab: String,
        /// Where it would be.
        path: PathBuf,
        /// Labs that exist.
        known: Vec<String>,
    },
    /// It would be a path.
    #[error("{0:?} cannot be a lab's name: no dots and slashes")]
    Name(String),
    /// The topology file is wrong.
    #[error(transparent)]
    Topology(#[from] Diagnostic),
    /// It is up, but differently.
    #[error("lab {lab} is up with FRR {frr}: take it down first, or give this one a --name")]
    Other {
        /// Its name.
        lab: String,
        /// What it runs.
        frr: String,
    },
    /// It is not up.
    #[error("lab {0} is not up: `cargo xtask lab up {0}`")]
    NotUp(String),
    /// No such node.
    #[error("lab {lab} has no node {node}{}", but(.known))]
    NoNode {
        /// Lab.
        lab: String,
        /// As typed.
        node: String,
        /// Nodes it has.
        known: Vec<String>,
    },
    /// A node did not come up.
    #[error("node {node} did not come up: {why}")]
    Node {
        /// Which.
        node: String,
        /// Its own words.
        why: String,
    },
    /// A command in a node failed.
    #[error("node {node}: a command failed")]
    Command {
        /// Which.
        node: String,
        /// Cause.
        source: RunError,
    },
    /// A file of ours.
    #[error("could not use {}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Processes that do not die.
    #[error("could not end node {}", .0.join(", "))]
    Stuck(Vec<String>),
}

fn but(found: &[String]) -> String {
    if found.is_empty() { String::new() } else { format!("; there is {}", found.join(", ")) }
}

/// A topology file and the name its lab has.
pub struct Lab {
    /// The file.
    pub file: PathBuf,
    /// Name of its state.
    pub name: String,
    /// This program is bringing it up, or has.
    begun: AtomicBool,
}

impl Lab {
    /// `edge`, or a path.
    pub fn find(place: &Place, lab: &str, name: Option<&str>) -> Result<Self, LabError> {
        let labs = place.root.join("labs/containerlab");
        let file = match lab.ends_with(".clab.yml") || lab.ends_with(".clab.yaml") {
            true => PathBuf::from(lab),
            false => labs.join(lab).join(format!("{lab}.clab.yml")),
        };
        let known = || {
            let entries = std::fs::read_dir(&labs).into_iter().flatten().flatten();
            let mut known: Vec<_> =
                entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            known.sort();
            known
        };
        if !file.is_file() {
            return Err(LabError::NoLab { lab: lab.to_owned(), path: file, known: known() });
        }
        let lab = Self { name: String::new(), file, begun: AtomicBool::new(false) };
        let name = match name {
            Some(name) if !name.is_empty() && !name.contains(['/', '.']) => name.to_owned(),
            Some(name) => return Err(LabError::Name(name.to_owned())),
            None => lab.read(place)?.name,
        };
        Ok(Self { name, ..lab })
    }

    /// The name by which its file is found: its directory's.
    pub fn topology(&self) -> String {
        let directory = self.file.parent().and_then(Path::file_name);
        directory.unwrap_or_default().to_string_lossy().into_owned()
    }

    fn read(&self, place: &Place) -> Result<Topology, LabError> {
        let text = std::fs::read_to_string(&self.file)
            .map_err(|source| LabError::File { path: self.file.clone(), source })?;
        let shown = self.file.strip_prefix(&place.root).unwrap_or(&self.file);
        let dir = self.file.parent().filter(|dir| *dir != Path::new("")).unwrap_or(Path::new("."));
        Ok(topology::read(&shown.display().to_string(), &text, dir)?)
    }

    /// Up, or up already.
    pub fn up(&self, place: &Place, frr: Option<u8>) -> Result<State, LabError> {
        need_root_and_tools()?;
        let topology = self.read(place)?;
        for warning in &topology.warnings {
            eprintln!("warning: {warning}");
        }
        let frr = Frr::find(place, frr)?;
        let home = Home::open(place, &self.name)?;
        if let Some(old) = home.state()? {
            if old.is_whole() {
                if old.frr == frr.version {
                    return Ok(old);
                }
                return Err(LabError::Other { lab: self.name.clone(), frr: old.frr });
            }
            eprintln!("lab {} was left half up: taking it down first", self.name);
            up::down(&home, &old)?;
        }
        self.begun.store(true, Ordering::SeqCst);
        up::up(&home, &self.file, &topology, &frr)
    }

    /// Down. True if there was something.
    pub fn down(&self, place: &Place) -> Result<bool, LabError> {
        if state::peek(place, &self.name)?.is_none() {
            return Ok(false);
        }
        need_root_and_tools()?;
        let home = Home::open(place, &self.name)?;
        let Some(state) = home.state()? else { return Ok(false) };
        up::down(&home, &state)?;
        Ok(true)
    }

    /// After an interrupt: ends all nodes, if this program started them, without waiting for the
    /// lock, which it holds itself.
    pub fn abandon(&self, place: &Place) {
        if !self.begun.load(Ordering::SeqCst) {
            return;
        }
        eprintln!("interrupted: taking lab {} down", self.name);
        let Ok(Some(state)) = state::peek(place, &self.name) else { return };
        for node in state.nodes.values() {
            node.process.end(nix::sys::signal::Signal::SIGKILL, std::time::Duration::from_secs(5));
        }
        let _ = std::fs::remove_file(place.target.join("lab").join(&self.name).join("state.json"));
    }

    /// The state of a lab that is up.
    pub fn running(&self, place: &Place) -> Result<State, LabError> {
        let state = state::peek(place, &self.name)?;
        state.filter(State::is_whole).ok_or_else(|| LabError::NotUp(self.name.clone()))
    }
}

impl State {
    /// A command in one of the nodes.
    pub fn inside(
        &self,
        lab: &str,
        node: &str,
        dir: Option<&Path>,
        words: &[impl AsRef<std::ffi::OsStr>],
    ) -> Result<std::process::Command, LabError> {
        let Some(found) = self.nodes.get(node) else {
            let known = self.nodes.keys().cloned().collect();
            return Err(LabError::NoNode { lab: lab.to_owned(), node: node.to_owned(), known });
        };
        Ok(node::inside(found.process, &found.env, dir, words))
    }
}

fn need_root_and_tools() -> Result<(), LabError> {
    if !nix::unistd::geteuid().is_root() {
        return Err(LabError::NotRoot);
    }
    for tool in ["ip", "nsenter"] {
        if which(tool).is_none() {
            return Err(LabError::Missing(tool));
        }
    }
    Ok(())
}

/// One action.
pub fn main(place: &Place, action: &Action) -> Result<ExitCode, LabError> {
    let find = |lab: &LabName| Lab::find(place, &lab.lab, lab.name.as_deref());
    match action {
        Action::Up(options) => {
            let lab = std::sync::Arc::new(find(&options.lab)?);
            let (undo, undo_place) = (lab.clone(), place.clone());
            undo_on_interrupt(move || undo.abandon(&undo_place));
            let began = std::time::Instant::now();
            let state = lab.up(place, options.frr)?;
            let (nodes, frr) = (state.nodes.len(), &state.frr);
            let seconds = began.elapsed().as_secs_f64();
            eprintln!("lab {} is up: {nodes} nodes, FRR {frr}, {seconds:.1} s", lab.name);
        }
        Action::Down(options) => {
            let lab = find(options)?;
            let word = if lab.down(place)? { "is down" } else { "was not up" };
            eprintln!("lab {} {word}", lab.name);
        }
        Action::Exec(options) => {
            let lab = find(&options.lab)?;
            let state = lab.running(place)?;
            let here = std::env::current_dir().ok().filter(|_| {
                // Routers may have another root, and /run is each node's own.
                state.nodes.get(&options.node).is_some_and(|node| !node.is_router)
            });
            let here = here.as_deref().filter(|here| !here.starts_with("/run"));
            let mut command = state.inside(&lab.name, &options.node, here, &options.command)?;
            command.stdin(Stdio::inherit());
            let status = command.status();
            let start = |source| RunError::Start { command: typed(&command), source };
            let failed = |source| LabError::Command { node: options.node.clone(), source };
            let status = status.map_err(start).map_err(failed)?;
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(ExitCode::from(code.unwrap_or(1)));
        }
        Action::Status(options) => {
            let lab = find(options)?;
            let state = lab.running(place)?;
            println!("{:<10}{:<10}RUNS", "NODE", "PROCESS");
            for (name, node) in &state.nodes {
                let runs = if node.is_router { format!("FRR {}", state.frr) } else { "-".into() };
                println!("{name:<10}{:<10}{runs}", node.process.pid);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
