//! Daemons as children of a test.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sark_flowspec::Speaker;
use sark_gobgp::{Address, Config, Gobgp};
use tempfile::TempDir;

/// How long anything may take to come about.
const PATIENCE: Duration = Duration::from_secs(40);

/// Stops a process as if it hung, and returns when none of its threads runs any more.
pub async fn freeze(pid: i32) {
    use nix::sys::signal::{Signal, kill};
    kill(nix::unistd::Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
    eventually("the process is stopped", async || {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let stopped = tasks.flatten().all(|task| {
            // `pid (name) state …`; the name may hold anything, so the last bracket counts.
            let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('T'))
        });
        stopped.then_some(())
    })
    .await;
}

/// Polls until the condition gives something.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(Instant::now() < end, "waited too long for {what}");
        moment().await;
    }
}

/// Between two looks at a condition.
pub async fn moment() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// A process that ends when this is dropped.
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts it with its output in `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let output = File::options().create(true).append(true).open(log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start {name}: {error}; `cargo xtask setup` installs what is missing")
            });
        Self { child, name, log: log.to_owned() }
    }

    pub fn id(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.id()), signal).unwrap();
    }

    /// Fails the test if it has ended by itself.
    pub fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("{} ended: {status}\n{}", self.name, self.output());
        }
    }

    pub fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn kill(&mut self) {
        // Fails only if it has ended.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Which gobgpd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The installed one, or what `SARK_GOBGPD` names.
    Installed,
    /// Debian 13's, named by `SARK_GOBGPD_3_36`.
    V3_36,
}

impl Release {
    pub fn program(self) -> PathBuf {
        match self {
            Self::Installed => std::env::var_os("SARK_GOBGPD")
                .map_or_else(|| PathBuf::from("gobgpd"), PathBuf::from),
            Self::V3_36 => needed("SARK_GOBGPD_3_36"),
        }
    }
}

/// A path from the environment without which the test cannot run.
pub fn needed(variable: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => panic!(
            "{variable} is not set: `cargo xtask setup` unpacks the daemon and prints the variable, \
             `cargo xtask test` sets it"
        ),
    }
}

/// A directory whose path is short enough for a socket, private.
pub fn directory() -> TempDir {
    let directory = tempfile::Builder::new().prefix("sark-gobgp.").tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

/// A gobgpd of the test's own.
pub struct Gobgpd {
    pub speaker: Arc<Gobgp>,
    process: Process,
    release: Release,
    directory: TempDir,
}

impl Gobgpd {
    /// Listens for no peer.
    pub async fn start(release: Release) -> Self {
        Self::with_config(
            release,
            "[global.config]\nas = 64512\nrouter-id = \"192.0.2.1\"\nport = -1\n",
        )
        .await
    }

    /// Answers, and speaks no BGP.
    pub async fn unconfigured(release: Release) -> Self {
        let gobgpd = Self::spawned(release, None);
        eventually("gobgpd to answer", async || gobgpd.speaker.info().await.ok()).await;
        gobgpd
    }

    /// With a configuration file of this content (TOML).
    pub async fn with_config(release: Release, config: &str) -> Self {
        let mut gobgpd = Self::spawned(release, Some(config));
        gobgpd.wait().await;
        gobgpd
    }

    fn spawned(release: Release, config: Option<&str>) -> Self {
        let directory = directory();
        if let Some(config) = config {
            fs::write(directory.path().join("gobgpd.toml"), config).unwrap();
        }
        let process = spawn(release, directory.path());
        let address = Address::Unix(directory.path().join("api.sock"));
        let speaker = Gobgp::new(&Config { timeout_seconds: 20, ..Config::new(address) });
        Self { speaker: Arc::new(speaker), process, release, directory }
    }

    /// Until BGP is started.
    pub async fn wait(&mut self) {
        eventually("gobgpd to start", async || {
            self.process.assert_running();
            self.speaker.info().await.ok().filter(|info| info.asn != 0)
        })
        .await;
    }

    /// Another handle with a limit of its own.
    pub fn handle(&self, timeout_seconds: u64) -> Gobgp {
        Gobgp::new(&Config { timeout_seconds, ..Config::new(self.address()) })
    }

    pub fn address(&self) -> Address {
        Address::Unix(self.directory.path().join("api.sock"))
    }

    /// Its own directory; others may lay files there.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// After `kill`.
    pub async fn restart(&mut self) {
        // gobgpd leaves the socket behind.
        let _ = fs::remove_file(self.directory.path().join("api.sock"));
        self.process = spawn(self.release, self.directory.path());
        self.wait().await;
    }

    /// GoBGP's own command line, with these arguments.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let target = format!("unix://{}", self.directory.path().join("api.sock").display());
        let output = Command::new("gobgp")
            .args(["--target", &target])
            .args(arguments)
            .output()
            .unwrap_or_else(|error| {
                panic!("cannot run gobgp: {error}; `cargo xtask setup` installs gobgpd")
            });
        assert!(output.status.success(), "gobgp {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn spawn(release: Release, directory: &Path) -> Process {
    let mut command = Command::new(release.program());
    let config = directory.join("gobgpd.toml");
    if config.exists() {
        command.arg("--config-file").arg(config);
    }
    command
        .arg("--api-hosts")
        .arg(format!("unix://{}", directory.join("api.sock").display()))
        .args(["--pprof-disable", "--log-plain", "--log-level", "warn"]);
    Process::start(&mut command, &directory.join("log"))
}

/// A supervised daemon outlives its supervisor; at the end of this it ends too.
pub struct Leftover(pub PathBuf);

impl Drop for Leftover {
    fn drop(&mut self) {
        if let Some(pid) = noted_pid(&self.0).filter(|pid| is_ours(*pid, &self.0)) {
            let _ = nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(pid),
                nix::sys::signal::Signal::SIGKILL,
            );
        }
    }
}

/// Of the daemon at this socket.
pub fn noted_pid(socket: &Path) -> Option<i32> {
    fs::read_to_string(socket.with_extension("pid")).ok()?.trim().parse().ok()
}

/// Whether this process was started for the socket.
pub fn is_ours(pid: i32, socket: &Path) -> bool {
    fs::read_to_string(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line.contains(&socket.display().to_string()))
}
