//! The daemon's process, a child of ours or of one of us that is gone.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::{DaemonError, Settings};

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Process {
    pid: i32,
    /// If it is our child: reaped through this. Not killed when dropped.
    child: Option<Child>,
}

impl Process {
    /// In a session of its own (`setsid` runs it in place), so that neither Ctrl-C nor the end of
    /// our terminal reaches it.
    pub(super) fn spawn(settings: &Settings, log: File) -> Result<Self, DaemonError> {
        let failed = |source| DaemonError::Spawn { program: settings.program.clone(), source };
        let child = Command::new("setsid")
            .arg(&settings.program)
            .arg("--api-hosts")
            .arg(api_host(&settings.socket))
            .args(["--pprof-disable", "--log-plain", "--log-level", "info"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            .spawn()
            .map_err(failed)?;
        // A child that was never polled has an id, and ids fit: the kernel's limit is 2^22.
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
        Ok(Self { pid, child: Some(child) })
    }

    /// One that we did not start.
    pub(super) fn adopt(pid: i32) -> Self {
        Self { pid, child: None }
    }

    /// Whether this process was started with our socket: process numbers are used again.
    pub(super) fn was_started_for(pid: i32, socket: &Path) -> bool {
        let Ok(arguments) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
        let host = api_host(socket);
        arguments.split(|octet| *octet == 0).any(|argument| argument == host.as_bytes())
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<String> {
        match &mut self.child {
            Some(child) => child.try_wait().ok()?.map(|status| status.to_string()),
            None => kill(Pid::from_raw(self.pid), None).is_err().then(|| "gone".to_owned()),
        }
    }

    /// Asks it to end, and makes it.
    pub(super) async fn end(&mut self) {
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            if self.pid <= 0 || kill(Pid::from_raw(self.pid), signal).is_err() {
                return;
            }
            let deadline = Instant::now() + GRACE;
            while Instant::now() < deadline {
                if self.ended().is_some() {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        }
        tracing::warn!(pid = self.pid, "gobgpd does not end");
    }
}

fn api_host(socket: &Path) -> std::ffi::OsString {
    let mut host = std::ffi::OsString::from("unix://");
    host.push::<&OsStr>(socket.as_os_str());
    host
}
