//! Debian packages of the machine's own release.

use std::path::Path;
use std::process::Command;

use super::SetupError;
use crate::run::{capture, run, which};

/// A package, the program by which we know it is there, and why.
pub struct Package {
    name: &'static str,
    program: &'static str,
    why: &'static str,
    /// Its service, if installing it would start one.
    service: Option<&'static str>,
}

const fn package(
    name: &'static str,
    program: &'static str,
    service: Option<&'static str>,
    why: &'static str,
) -> Package {
    Package { name, program, why, service }
}

/// A library by which we know that its package is there.
const RSYSLOG_TLS: &str = if cfg!(target_arch = "aarch64") {
    "/usr/lib/aarch64-linux-gnu/rsyslog/lmnsd_ossl.so"
} else {
    "/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so"
};

/// Whatever builds the proxy needs it.
const MAKE: Package = package("make", "make", None, "to compile the proxy's allocator, jemalloc");

/// For lab and demo.
pub const LAB: &[Package] = &[
    MAKE,
    package("frr", "vtysh", Some("frr"), "the lab's routers"),
    package("gobgpd", "gobgpd", Some("gobgpd"), "the BGP speaker that sarkd drives"),
    package("iproute2", "ip", None, "the lab's links and addresses"),
    package("iputils-ping", "ping", None, "to see that the lab's links work"),
    package("unbound", "unbound", Some("unbound"), "the lab's DNS, and a real one for tests"),
];

/// For tests only.
pub const TESTS: &[Package] = &[
    package("bird2", "bird", Some("bird"), "a second opinion on what we announce"),
    package("exabgp", "exabgp", Some("exabgp"), "a third opinion on what we announce"),
    package("procps", "kill", None, "to end and to halt daemons"),
    package("bind9-utils", "named-checkzone", None, "to check exported zones"),
    package("nftables", "nft", None, "to check exported sets"),
    package("postgresql", "postgres", Some("postgresql"), "the store on its other engine"),
    package("util-linux", "flock", None, "to stop that server when no test uses it"),
    package("rsyslog", "rsyslogd", Some("rsyslog"), "a receiver of alerts by syslog"),
    package("rsyslog-openssl", RSYSLOG_TLS, None, "that receiver's TLS"),
    package("python3-pip", "pip3", None, "to unpack a validator of exported STIX"),
    package("python3", "python3", None, "a client whose hello we read, and for others' tools"),
    package("openssl", "openssl", None, "a client whose hello we read"),
    package("curl", "curl", None, "a client whose hello we read"),
    package("g++", "c++", None, "the fuzzer's engine is C++"),
];

/// For the benchmark of the proxy: those it is beside, and what loads them.
pub const BENCH: &[Package] = &[
    MAKE,
    package("nginx-light", "nginx", Some("nginx"), "a proxy to be beside, and the servers behind"),
    package("haproxy", "haproxy", Some("haproxy"), "a forwarder to be beside"),
    package("wrk", "wrk", None, "as much load as is answered"),
    package("iproute2", "ip", None, "the benchmark's network namespace"),
    package("util-linux", "taskset", None, "each its own core"),
    package("python3-pip", "pip3", None, "to unpack the others"),
    package("python3", "python3", None, "one of them is written in it"),
];

/// Installs those whose program is missing.
pub fn ensure(packages: &[Package]) -> Result<(), SetupError> {
    let is_missing = |package: &&Package| {
        which(package.program).is_none()
            && !is_versioned(package.program)
            && !Path::new(package.program).is_file()
    };
    let missing: Vec<_> = packages.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|package| package.name).collect();
    if which("apt-get").is_none() {
        return Err(SetupError::NotDebian(names));
    }
    if !nix::unistd::geteuid().is_root() {
        return Err(SetupError::NotRoot(names));
    }
    for package in &missing {
        eprintln!("installing Debian package {}: {}", package.name, package.why);
    }
    let services = missing.iter().filter_map(|package| package.service);
    let asleep = keep_asleep(services);
    let failed = |source| SetupError::Command { what: names.join(", "), source };
    let installed = match capture(apt().arg("install").args(&names)) {
        Ok(_) => Ok(()),
        // The lists may be absent or too old to name files that exist.
        Err(_) => run(apt().arg("update")).and_then(|()| run(apt().arg("install").args(&names))),
    };
    wake(&asleep);
    installed.map_err(failed)
}

/// Debian keeps PostgreSQL's programs by version, in no directory of `PATH`.
fn is_versioned(program: &str) -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.into_iter().any(|version| version.path().join("bin").join(program).is_file())
}

fn apt() -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
    apt.args(["-q", "-y", "--no-install-recommends"]);
    apt
}

/// Tests want the programs, not daemons running on the machine itself: under systemd, services
/// that the packages bring are masked until reboot while they are installed, then disabled.
fn keep_asleep<'a>(services: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    if !Path::new("/run/systemd/system").is_dir() {
        return Vec::new();
    }
    let masked = |service: &&str| {
        capture(Command::new("systemctl").args(["mask", "--runtime", service])).is_ok()
    };
    services.filter(masked).collect()
}

fn wake(services: &[&str]) {
    for service in services {
        for words in [["disable", "--quiet"], ["unmask", "--runtime"]] {
            if let Err(error) = capture(Command::new("systemctl").args(words).arg(service)) {
                eprintln!("warning: {error}");
            }
        }
    }
}
