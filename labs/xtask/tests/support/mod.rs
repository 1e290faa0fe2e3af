//! Labs for tests: named apart, taken down whatever happens.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(dead_code, reason = "each test program uses some of it")]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs `cargo xtask` as a user would; all it says, and whether it was content.
pub fn xtask(words: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let out = command.args(words).stdin(Stdio::null()).output().unwrap();
    let said = [out.stdout, out.stderr].concat();
    (out.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Asks until it is so; fails the test after half a minute.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// An empty directory of this test's own.
pub fn scratch(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// The edge lab under a name of its own; down when this value goes.
pub struct Lab {
    /// Its name.
    pub name: String,
}

impl Lab {
    /// Not up yet.
    pub fn named(name: &str) -> Self {
        let lab = Self { name: format!("test-{name}") };
        lab.down();
        lab
    }

    /// Up.
    pub fn up(name: &str, options: &[&str]) -> Self {
        let lab = Self::named(name);
        let (ok, said) = xtask(&[&["lab", "up", "edge", "--name", &lab.name], options].concat());
        assert!(ok, "{said}");
        lab
    }

    /// Down.
    pub fn down(&self) -> String {
        xtask(&["lab", "down", "edge", "--name", &self.name]).1
    }

    /// In a node.
    pub fn exec(&self, node: &str, words: &[&str]) -> (bool, String) {
        xtask(&[&["lab", "exec", "edge", "--name", &self.name, node, "--"], words].concat())
    }

    /// A router's answer.
    pub fn vtysh(&self, router: &str, question: &str) -> String {
        self.exec(router, &["vtysh", "-c", question]).1
    }

    /// First processes of its nodes.
    pub fn nodes(&self) -> Vec<i32> {
        let (ok, said) = xtask(&["lab", "status", "edge", "--name", &self.name]);
        assert!(ok, "{said}");
        let lines = said.lines().skip(1);
        lines.map(|line| line.split_whitespace().nth(1).unwrap().parse().unwrap()).collect()
    }

    /// A bare gobgpd in `speaker`, with a session to each router; ends with the returned value.
    pub fn gobgpd(&self) -> Running {
        let config = scratch(&self.name).join("gobgpd.toml");
        let mut text = "[global.config]\nas = 64500\nrouter-id = \"192.0.2.2\"\n".to_owned();
        for (address, asn, local) in
            [("192.0.2.3", 64501, "192.0.2.2"), ("192.0.2.5", 64502, "192.0.2.4")]
        {
            text += &format!(
                "[[neighbors]]\n[neighbors.config]\nneighbor-address = \"{address}\"\n\
                 peer-as = {asn}\n[neighbors.transport.config]\nlocal-address = \"{local}\"\n\
                 [[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\n\
                 afi-safi-name = \"ipv4-flowspec\"\n[[neighbors.afi-safis]]\n\
                 [neighbors.afi-safis.config]\nafi-safi-name = \"ipv6-flowspec\"\n"
            );
        }
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["lab", "exec", "edge", "--name", &self.name, "speaker", "--"]);
        command.args(["gobgpd", "-f"]).arg(config);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Running(quiet.spawn().unwrap())
    }

    /// What its processes can be known by later.
    pub fn mark(&self) -> Mark {
        let name = ["lab", "status", "edge", "--name", &self.name];
        let pids = if xtask(&name).0 { self.nodes() } else { Vec::new() };
        Mark { lab: self.name.clone(), namespaces: pids.iter().filter_map(namespace).collect() }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.down();
    }
}

/// A process that ends with this value.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Traces a lab would leave.
pub struct Mark {
    lab: String,
    namespaces: Vec<PathBuf>,
}

/// No node's process, and nothing in a node's namespaces, which end with their last process and
/// take interfaces and mounts with them; nor any mount of ours on the machine. Waits for the
/// kernel to finish.
pub fn assert_nothing_is_left(mark: &Mark) {
    let named = format!("\"lab\":\"{}\"", mark.lab);
    until(&format!("all of {} to end", mark.lab), || {
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        !pids.any(|pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).contains(&named)
                || namespace(&pid).is_some_and(|it| mark.namespaces.contains(&it))
        })
    });
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let ours = |line: &&str| line.contains("/lab/test-") || line.contains("/setup/trixie");
    assert_eq!(mounts.lines().find(ours), None, "a mount was left on the machine");
}

fn namespace(pid: &i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/ns/net")).ok()
}
