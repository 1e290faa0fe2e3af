//! The program as a child of a test, and the site around it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sark_flowspec::{Action, Afi, LargeCommunity, Nlri, Rate, Route, Speaker};
use serde_json::Value;
use tempfile::TempDir;

use crate::frame::marker;
use crate::process::{Gobgpd, Process, Release, directory};
use crate::topology::{Out, Topology, next_hop, syn};

pub const DROP: Action = Action::TrafficRateBytes { asn: 0, rate: Rate::DROP };
const PATIENCE: Duration = Duration::from_secs(30);

pub fn route(afi: Afi, text: &str, action: Action) -> Route {
    Route {
        nlri: Nlri::parse(afi, text).unwrap(),
        actions: vec![action],
        large_community: LargeCommunity { global: 64512, local1: 1, local2: 1 },
    }
}

pub fn redirect(afi: Afi) -> Action {
    Action::RedirectIp { address: next_hop(afi), copy: false }
}

/// A router, its gobgpd and its enforcer.
pub struct Site {
    pub topology: Topology,
    pub gobgpd: Gobgpd,
    pub directory: TempDir,
    process: Option<Process>,
    markers: u64,
}

impl Site {
    /// Nothing runs yet but gobgpd. `stale` is the value of that key.
    pub async fn new(stale: &str) -> Self {
        Self::with(Gobgpd::start(Release::Installed).await, stale)
    }

    pub fn with(gobgpd: Gobgpd, stale: &str) -> Self {
        let directory = directory();
        let config = format!(
            "interfaces: [in0]\n\
             gobgp: {{ address: '{}', timeout: 5s }}\n\
             vrfs: [{{ routeTarget: 65001:1, table: 101 }}]\n\
             stale: {stale}\n\
             interval: 1s\n\
             metrics: {{ listen: 127.0.0.1:9466 }}\n\
             state: {{ directory: '{}' }}\n\
             log: {{ filter: 'info,sark_enforcerd=debug' }}\n",
            gobgpd.address(),
            directory.path().join("state").display(),
        );
        fs::write(directory.path().join("enforcer.yaml"), config).unwrap();
        Self { topology: Topology::new(), gobgpd, directory, process: None, markers: 0 }
    }

    pub fn config(&self) -> PathBuf {
        self.directory.path().join("enforcer.yaml")
    }

    /// Adds a line to the configuration.
    pub fn configure(&self, line: &str) {
        let text = fs::read_to_string(self.config()).unwrap();
        fs::write(self.config(), format!("{text}{line}\n")).unwrap();
    }

    pub fn start(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sark-enforcer"));
        command.arg("--config").arg(self.config());
        self.process = Some(Process::start(&mut command, &self.directory.path().join("log")));
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Tells it to stop, and waits until it has.
    pub async fn stop(&mut self) {
        let process = self.process.take().expect("it runs");
        let id = process.id();
        process.signal(Signal::SIGTERM);
        let stat = format!("/proc/{id}/stat");
        self.until("it stops", || {
            // A zombie until it is waited for.
            let stat = fs::read_to_string(&stat).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
        })
        .await;
        assert!(self.log().contains("stopped"), "{}", self.log());
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Runs a command of it.
    pub fn command(&self, words: &[&str]) -> (bool, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_sark-enforcer"))
            .arg("--config")
            .arg(self.config())
            .args(words)
            .output()
            .unwrap();
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    pub fn show(&self) -> Value {
        let (ok, out, said) = self.command(&["show", "-o", "json"]);
        assert!(ok, "{said}");
        serde_json::from_str(&out).unwrap()
    }

    /// Waits for the round to end: packets see a table some time before.
    pub async fn until_applied(&self) {
        self.until("all is applied", || self.show()["applied"] == true).await;
    }

    /// Packets of a rule, by `show`.
    pub fn packets(&self, rule: &str) -> Option<u64> {
        let shown = self.show();
        let rules = shown["rules"].as_array().unwrap();
        rules.iter().find(|one| one["rule"] == rule)?["packets"].as_u64()
    }

    pub async fn announce(&self, routes: &[Route]) {
        self.gobgpd.speaker.announce(routes).await.unwrap();
    }

    pub async fn withdraw(&self, routes: &[Route]) {
        let nlris: Vec<Nlri> = routes.iter().map(|route| route.nlri.clone()).collect();
        self.gobgpd.speaker.withdraw(&nlris).await.unwrap();
    }

    /// Where a SYN to port 443 comes out; `None`: nowhere.
    pub fn fate(&mut self, afi: Afi) -> Option<Out> {
        self.markers += 2;
        let (number, after) = (self.markers, self.markers + 1);
        let mut other = syn(afi);
        other.destination_port = Some(81);
        self.topology.send(&syn(afi), number);
        self.topology.send(&other, after);
        let came = self.topology.until(after);
        assert!(came.iter().all(|(_, number, octets)| marker(octets) == *number));
        came.iter().find(|(_, found, _)| *found == number).map(|(out, ..)| *out)
    }

    pub async fn until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < end, "waited too long until {what}\n{}", self.log());
            crate::process::moment().await;
        }
    }

    pub async fn until_fate(&mut self, afi: Afi, wanted: Option<Out>) -> Duration {
        let began = Instant::now();
        loop {
            let fate = self.fate(afi);
            if fate == wanted {
                return began.elapsed();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{afi}: packets come out at {fate:?}, not at {wanted:?}\n{}",
                self.log()
            );
            crate::process::moment().await;
        }
    }

    /// Waits until Prometheus would read this of a metric.
    pub async fn until_metric(&self, line: &str, wanted: impl Fn(f64) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.metric(line).await;
            if found.is_some_and(&wanted) {
                return;
            }
            assert!(Instant::now() < end, "{line} is {found:?}\n{}", self.log());
            crate::process::moment().await;
        }
    }

    /// Without its name and labels.
    async fn metric(&self, line: &str) -> Option<f64> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect("127.0.0.1:9466").await.ok()?;
        let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.ok()?;
        let found = text.lines().find_map(|found| found.strip_prefix(line))?;
        found.rsplit(' ').next()?.parse().ok()
    }
}
