//! `sarkd` itself as a child process, in a directory of its own, with whatever gobgpd it starts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sark_gobgp::{Config, Gobgp};
use serde_json::Value;
use tempfile::TempDir;

use crate::client;

/// Longest wait for anything that should happen.
pub const SOON: Duration = Duration::from_secs(60);

/// A directory with a configuration. Ends what was started in it, by process id.
pub struct Place {
    directory: TempDir,
    sarkd: Option<Child>,
}

impl Place {
    /// `rest` is added to the configuration: `bgp` and whatever else.
    pub fn new(rest: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = Self { directory, sarkd: None };
        place.configure(rest);
        place
    }

    pub fn configure(&self, rest: &str) {
        let root = self.root().display();
        let text = format!(
            "state: {{ directory: {root}/state }}\napi: {{ socket: {root}/sarkd.sock }}\n\
             log: {{ filter: debug }}\n{rest}\n"
        );
        fs::write(self.root().join("sark.yaml"), text).unwrap();
    }

    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    pub fn socket(&self) -> PathBuf {
        self.root().join("sarkd.sock")
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sarkd"));
        command.arg("--config").arg(self.root().join("sark.yaml")).stdin(Stdio::null());
        command
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.root().join("log")).unwrap_or_default()
    }

    /// Starts it and waits until it answers.
    pub async fn start(&mut self) {
        self.spawn();
        let socket = self.socket();
        self.until("sarkd answers", async || {
            client::request(&socket, hyper::Method::GET, "/healthz", "").await.is_ok().then_some(())
        })
        .await;
    }

    pub fn spawn(&mut self) {
        assert!(self.sarkd.is_none(), "it runs");
        let log = File::options().create(true).append(true).open(self.root().join("log")).unwrap();
        let mut command = self.command();
        self.sarkd = Some(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
    }

    /// As the kernel does it when memory runs out.
    pub fn kill(&mut self) {
        let mut child = self.sarkd.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.process()).unwrap()), signal).unwrap();
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.sarkd.as_ref().expect("it runs").id()
    }

    /// SIGTERM, and how it ended.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended().await
    }

    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.sarkd.take().expect("it runs");
        let end = Instant::now() + SOON;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "sarkd does not end\n{}", self.log());
            moment().await;
        }
    }

    /// Polls until there is something.
    pub async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let end = Instant::now() + SOON;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(Instant::now() < end, "waited in vain until {what}\n{}", self.log());
            moment().await;
        }
    }

    /// Waits for a status.
    pub async fn status_is(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let socket = self.socket();
        self.until(what, async || {
            let answer = client::request(&socket, hyper::Method::GET, "/v1/status", "").await;
            answer.ok().map(|(_, status)| status).filter(&wanted)
        })
        .await
    }

    /// A connection of our own to the supervised gobgpd.
    pub fn gobgp(&self) -> Gobgp {
        let socket = self.root().join("state/gobgpd/gobgpd.sock");
        Gobgp::new(&Config {
            address: format!("unix://{}", socket.display()).parse().unwrap(),
            timeout_seconds: 20,
        })
    }

    /// The supervised gobgpd, while it runs.
    pub fn gobgpd(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.root().join("state/gobgpd/gobgpd.pid")).ok()?;
        let pid = Pid::from_raw(text.trim().parse().ok()?);
        // Its id may have gone to somebody else since.
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let ours = self.root().as_os_str().as_encoded_bytes();
        command.windows(ours.len()).any(|part| part == ours).then_some(pid)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut child) = self.sarkd.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(pid) = self.gobgpd() {
            let _ = kill(pid, Signal::SIGKILL);
        }
        if std::thread::panicking() {
            eprintln!("--- log of sarkd\n{}", self.log());
        }
    }
}

/// Between two looks.
pub async fn moment() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}
