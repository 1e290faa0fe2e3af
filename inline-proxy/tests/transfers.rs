//! A gigabyte each way, of curl, over HTTP/1.1 and HTTP/2: it passes, and nobody keeps it.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sark_inline_proxy::Courses;

use crate::floods::resident;
use crate::server::Server;
use crate::world::{Options, World};

const HOST: &str = "files.example";
const GIGABYTE: u64 = 1 << 30;
/// MiB, of the proxy, the server and all that is under way between them.
const ROOM: usize = 64;

/// What this process has at most until it is dropped.
struct Highest {
    most: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Highest {
    fn new() -> Self {
        let (most, over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (most_of, over_of) = (Arc::clone(&most), Arc::clone(&over));
        std::thread::spawn(move || {
            while !over_of.load(Ordering::Relaxed) {
                most_of.fetch_max(resident(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self { most, over }
    }
}

impl Drop for Highest {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gigabyte_passes_each_way() {
    for (version, protocols) in [("1.1", &["http/1.1"][..]), ("2", &["h2"])] {
        let server = Server::start(protocols).await;
        let courses = Courses { inspect: vec![HOST.parse().unwrap()], ..Courses::default() };
        let roots = vec![server.root.clone()];
        let within = Some(Duration::from_secs(300));
        let options =
            Options { courses, server_roots: roots, answer_within: within, ..Options::default() };
        let world = World::new(options).await;
        let port = world.listen(Some(server.address)).await.port();
        let directory = tempfile::tempdir().unwrap();
        let trusted = directory.path().join("trusted.pem");
        std::fs::write(&trusted, &world.root).unwrap();
        let curl = |more: &[&str]| {
            let mut curl = Command::new("curl");
            curl.args(["-sS", "-m", "300", "-w", "\n%{http_version} %{size_download}"]);
            curl.args([&format!("--http{version}"), "--cacert"]).arg(&trusted);
            curl.args(["--resolve", &format!("{HOST}:{port}:127.0.0.1")]);
            curl.args(more).arg(format!("https://{HOST}:{port}/gigabyte"));
            curl
        };
        let (before, highest, began) = (resident(), Highest::new(), Instant::now());
        let mut download = curl(&["-o", "/dev/null"]);
        let out = tokio::task::spawn_blocking(move || download.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        assert_eq!(said.trim(), format!("{version} {GIGABYTE}"), "{out:?}");
        let down = began.elapsed();

        let began = Instant::now();
        let mut zeros = Command::new("head");
        zeros.args(["-c", &GIGABYTE.to_string(), "/dev/zero"]).stdout(Stdio::piped());
        let mut zeros = zeros.spawn().unwrap();
        let mut upload = curl(&["-X", "POST", "-H", "content-type: application/octet-stream"]);
        upload.args(["-T", "-"]).stdin(zeros.stdout.take().unwrap());
        let out = tokio::task::spawn_blocking(move || upload.output()).await.unwrap().unwrap();
        zeros.wait().unwrap();
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(said.contains(&format!("\"octets\":{GIGABYTE}")), "{out:?}");
        let most = highest.most.load(Ordering::Relaxed);
        println!(
            "HTTP/{version}: down in {down:?}, up in {:?}; {before} MiB before, {most} MiB at most",
            began.elapsed()
        );
        assert!(most < before + ROOM, "{before} MiB before, {most} MiB at most");
    }
}
