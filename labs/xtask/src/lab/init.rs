//! The first process of a node: it holds the node's namespaces, and the node ends with it.
//!
//! Inside namespaces of its own already, it makes the node's view of the file system, says `ready`,
//! and from then on only reaps what dies. Until `lab up` has said `keep`, the end of its standard
//! input ends it: if `up` fails, is interrupted or killed, nothing stays.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use serde::{Deserialize, Serialize};

use super::mounts;
use super::topology::Bind;

/// What a node is told to be.
#[derive(Debug, Serialize, Deserialize)]
pub struct Orders {
    /// The lab's name, for whoever looks at the list of processes.
    pub lab: String,
    /// Host name.
    pub name: String,
    /// The root of its file system; the machine's own if none.
    pub root: Option<PathBuf>,
    /// Directories that are empty and its own.
    pub private: Vec<PathBuf>,
    /// Shown inside.
    pub binds: Vec<Bind>,
    /// `/proc/sys` keys and values.
    pub sysctls: BTreeMap<String, String>,
}

/// Never comes back while the node is wanted.
pub fn main(orders: &str) -> ExitCode {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.add(Signal::SIGTERM);
    let prepared = signals
        .thread_block()
        .map_err(|error| format!("signals: {error}"))
        .and_then(|()| prepare(orders));
    if let Err(error) = prepared {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    println!("ready");
    let _ = std::io::stdout().flush();
    std::thread::spawn(|| {
        let mut said = String::new();
        let _ = std::io::stdin().lock().read_line(&mut said);
        if said.trim() != "keep" {
            std::process::exit(1);
        }
    });
    while signals.wait() != Ok(Signal::SIGTERM) {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            if status == WaitStatus::StillAlive {
                break;
            }
        }
    }
    ExitCode::SUCCESS
}

fn prepare(orders: &str) -> Result<(), String> {
    let orders: Orders = serde_json::from_str(orders).map_err(|error| error.to_string())?;
    if std::process::id() != 1 {
        return Err("this is the first process of a lab's node, started by `lab up`".to_owned());
    }
    nix::unistd::sethostname(&orders.name).map_err(|error| format!("host name: {error}"))?;
    mounts::make(&orders).map_err(|error| error.to_string())?;
    for (key, value) in &orders.sysctls {
        let file = format!("/proc/sys/{key}");
        std::fs::write(&file, value).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(())
}
