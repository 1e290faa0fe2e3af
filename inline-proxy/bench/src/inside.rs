//! Namespaces: names that lead to this machine, ports that nobody else has, and nothing left behind.

use std::process::{Command, ExitCode};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

use crate::program::succeed;

/// Set for the program inside.
const INSIDE: &str = "SARK_BENCH_INSIDE";

/// The name of a provider: connections to it are opened.
pub const MODELS: &str = "api.openai.com";
/// A name of nobody: connections to it are spliced.
pub const OTHER: &str = "files.example.net";
/// A name that is opened because the configuration says so, and asks no model: nothing is decided.
pub const INSPECTED: &str = "intranet.example.net";

/// Whether this is the program inside.
pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs the program again, in namespaces. What it has started ends when it ends.
pub fn enter() -> ExitCode {
    let mut unshare = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        unshare.arg("--map-root-user");
    }
    unshare.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    unshare.arg(std::env::current_exe().unwrap()).args(std::env::args_os().skip(1));
    let ended = unshare.env(INSIDE, "1").status();
    match ended.expect("unshare is a program of util-linux").success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// The names lead to this machine's loopback.
pub fn furnish(directory: &std::path::Path) {
    let hosts = directory.join("hosts");
    std::fs::write(&hosts, format!("127.0.0.1 localhost {MODELS} {OTHER} {INSPECTED}\n")).unwrap();
    // Files: of a thousand connections and as many to servers.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    succeed(Command::new("ip").args(["link", "set", "lo", "up"]));
    succeed(Command::new("mount").arg("--bind").arg(hosts).arg("/etc/hosts"));
}

/// The core of the proxy that is measured, and those of everything else: where this program is from now
/// on, with what it starts.
pub struct Cores {
    pub proxy: usize,
    pub others: Vec<usize>,
}

impl Cores {
    pub fn divide() -> Self {
        let all = sched_getaffinity(Pid::from_raw(0)).unwrap();
        let mut cores = (0..CpuSet::count()).filter(|core| all.is_set(*core).unwrap_or(false));
        let proxy = cores.next().unwrap();
        let others: Vec<usize> = cores.collect();
        assert!(!others.is_empty(), "this benchmark needs two cores");
        let mut set = CpuSet::new();
        for core in &others {
            set.set(*core).unwrap();
        }
        sched_setaffinity(Pid::from_raw(0), &set).unwrap();
        Self { proxy, others }
    }
}
