//! Starting a node and running things in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;

use super::LabError;
use super::init::Orders;
use super::process::Process;

/// A node that ends when this value does, unless [`Starting::keep`] is called.
pub struct Starting {
    child: Child,
    lifeline: Option<ChildStdin>,
    /// Its first process.
    pub process: Process,
}

impl Starting {
    /// Starts the first process in namespaces of its own and waits until the node's file system
    /// is made.
    pub fn start(orders: &Orders) -> Result<Self, LabError> {
        let name = orders.name.clone();
        let failed = |why: String| LabError::Node { node: name.clone(), why };
        let text = serde_json::to_string(orders).map_err(|error| failed(error.to_string()))?;
        // Namespaces are left by a thread and inherited by what it starts: this one ends at once.
        let spawned = std::thread::scope(|scope| scope.spawn(|| spawn(&text)).join());
        let Ok(spawned) = spawned else { return Err(failed("its thread died".to_owned())) };
        let mut child = spawned.map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => LabError::NoNamespaces,
            _ => failed(error.to_string()),
        })?;
        let lifeline = child.stdin.take();
        let mut said = String::new();
        if let Some(stdout) = child.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut said);
        }
        let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
        match Process::of(pid).filter(|_| said.trim() == "ready") {
            Some(process) => Ok(Self { child, lifeline, process }),
            None => {
                let mut why = String::new();
                if let Some(mut stderr) = child.stderr.take() {
                    let _ = stderr.read_to_string(&mut why);
                }
                let _ = child.wait();
                Err(failed(why.trim().to_owned()))
            }
        }
    }

    /// It stays after us.
    pub fn keep(mut self) -> std::io::Result<()> {
        match self.lifeline.take() {
            Some(mut lifeline) => lifeline.write_all(b"keep\n"),
            None => Ok(()),
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if self.lifeline.take().is_some() {
            self.process.end(Signal::SIGKILL, Duration::ZERO);
            let _ = self.child.wait();
        }
    }
}

fn spawn(orders: &str) -> std::io::Result<Child> {
    // In a chroot the kernel's answer is another one once the mount namespace is new.
    let mut command = Command::new(std::env::current_exe()?);
    unshare(
        CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWPID,
    )?;
    command.args(["node-init", orders]).current_dir("/");
    // Its own group: an interrupt from the terminal is ours to handle.
    command.process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// A command inside a node.
pub fn inside<'a>(
    process: Process,
    env: impl IntoIterator<Item = (&'a String, &'a String)>,
    dir: Option<&Path>,
    words: &[impl AsRef<std::ffi::OsStr>],
) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--target={}", process.pid));
    // Its root too: in a chroot it is not the mount namespace's.
    command.args(["--net", "--mount", "--root", "--uts", "--ipc", "--pid", "--", "env"]);
    if let Some(dir) = dir {
        command.arg("-C").arg(dir);
    }
    for (name, value) in env {
        command.arg(format!("{name}={value}"));
    }
    command.args(words);
    let path = std::env::var("PATH").unwrap_or_default();
    let more = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/frr";
    command.env("PATH", format!("{path}:{more}"));
    command
}
