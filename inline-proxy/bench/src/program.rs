//! Programs that are started, watched and ended: only ours.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Clock ticks a second of `/proc/PID/stat`, on every Linux there is.
const TICKS: f64 = 100.0;
/// Until it listens.
const START: Duration = Duration::from_secs(30);
/// Until it ends when it is told to.
const END: Duration = Duration::from_secs(10);

/// Ended when it is dropped.
pub struct Running {
    child: Child,
    /// Where it says what is wrong.
    log: PathBuf,
}

impl Running {
    /// Starts it on these cores, and waits until it listens on these ports.
    pub fn start(command: &Command, cores: &[usize], log: PathBuf, ports: &[u16]) -> Self {
        let list = cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", &list]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            pinned.env(name, value.unwrap());
        }
        let said = fs::File::create(&log).unwrap();
        pinned.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said);
        let child = pinned.spawn().expect("taskset is a program of util-linux");
        let mut running = Self { child, log };
        let began = Instant::now();
        for port in ports {
            while TcpStream::connect(("127.0.0.1", *port)).is_err() {
                let ended = running.child.try_wait().unwrap();
                if ended.is_some() || began.elapsed() > START {
                    panic!("{:?} does not listen on {port}:\n{}", command, running.said());
                }
                sleep(Duration::from_millis(20));
            }
        }
        running
    }

    /// Its last words.
    pub fn said(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    /// It and all that it has started.
    fn processes(&self) -> Vec<u32> {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let all: Vec<(u32, u32)> = entries
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                Some((pid, stat(pid)?.get(1)?.parse().ok()?))
            })
            .collect();
        let mut found = vec![self.child.id()];
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            found.extend(all.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
            at += 1;
        }
        found
    }

    /// Seconds of a processor that it has had, in user mode and in the kernel.
    pub fn cpu(&self) -> f64 {
        let ticks = |pid| -> f64 {
            let fields = stat(pid).unwrap_or_default();
            // utime and stime: proc(5) counts from 1 and begins with the two that are cut off.
            fields.iter().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum()
        };
        self.processes().into_iter().map(ticks).sum::<f64>() / TICKS
    }

    /// Waits until it has nothing more to do, such as the ends of a thousand connections.
    pub fn settle(&self) {
        for _ in 0..40 {
            let before = self.cpu();
            sleep(Duration::from_millis(500));
            if self.cpu() - before < 0.05 {
                return;
            }
        }
        panic!("it is still busy, and nobody asks anything of it");
    }

    /// Octets of memory that it has.
    pub fn rss(&self) -> u64 {
        let of = |pid: u32| -> Option<u64> {
            let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.split_whitespace().next()?.parse().ok()
        };
        self.processes().into_iter().filter_map(of).sum::<u64>() * 1024
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let _ = kill(pid, Signal::SIGTERM);
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if began.elapsed() > END {
                let _ = self.child.kill();
            }
            sleep(Duration::from_millis(20));
        }
    }
}

/// What follows the name of a process: state, parent, …
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// Runs it to its end, and returns what it printed.
pub fn succeed(command: &mut Command) -> String {
    let ended = command.stdin(Stdio::null()).output();
    let output = ended.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A directory for one program.
pub fn directory(of: &Path, name: &str) -> PathBuf {
    let directory = of.join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).unwrap();
    }
    fs::create_dir_all(&directory).unwrap();
    directory
}
