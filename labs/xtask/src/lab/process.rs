//! A process that is surely the one we started.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// Numbers are used again; number and start time together are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// On the machine, not inside a node.
    pub pid: i32,
    /// In the kernel's ticks since boot.
    pub started: u64,
}

impl Process {
    /// The process of this number, if there is one.
    pub fn of(pid: i32) -> Option<Self> {
        let (state, started) = stat(pid)?;
        (state != 'Z').then_some(Self { pid, started })
    }

    /// Whether it still runs. One that only waits to be reaped does not.
    pub fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Ends it, if it is still the one we started, and waits until it is gone.
    pub fn end(self, how: Signal, patience: Duration) -> bool {
        if !self.is_alive() {
            return true;
        }
        let _ = kill(Pid::from_raw(self.pid), how);
        wait_until(patience, || !self.is_alive())
    }
}

/// State letter and start time of `/proc/PID/stat`.
fn stat(pid: i32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, also spaces and parentheses.
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    // Field 22 of the whole; the state was field 3.
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// Asks again and again until it is so, or patience ends.
pub fn wait_until(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
