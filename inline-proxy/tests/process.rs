//! The program itself.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sark_ca::{CaDirectory, Overwrite, Plan, Profile};
use sark_core::{Clock as _, SystemClock};
use sark_traces::test_util::{Collector, decoded};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixDatagram};

use crate::client::tls;

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It ended already is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn plan(name: &str) -> Plan {
    Plan { root: Profile::named(name), intermediate: None }
}

/// A port that nobody has at this moment.
async fn free() -> SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Through the proxy to a name that it opens; there is nobody behind it.
async fn opened(
    proxy: SocketAddr,
    behind: SocketAddr,
    root: &str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut stream = TcpStream::connect(proxy).await?;
    let head = format!("CONNECT {behind} HTTP/1.1\r\nHost: {behind}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer).await?;
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{:?}", &answer[..read]);
    tls(stream, "opened.example", root, &["http/1.1"]).await
}

async fn soon<T>(mut tries: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(done) = tries().await {
            return done;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it never came to it");
}

/// A directory with an authority and a configuration.
struct Place {
    directory: tempfile::TempDir,
    ca: CaDirectory,
    listen: SocketAddr,
}

impl Place {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        std::fs::create_dir(&state).unwrap();
        let ca = CaDirectory::at(state.join("ca"));
        ca.create(&plan("First"), Overwrite::Refuse, SystemClock.now()).unwrap();
        let listen = free().await;
        let config = format!(
            "explicit: {{ listen: '{listen}', also: [127.0.0.0/8] }}\n\
             courses: {{ inspect: [opened.example] }}\n\
             sarkd: {{ socket: {0}/nobody.sock }}\n\
             state: {{ directory: {0}/state }}\n\
             metrics: {{ listen: '{1}' }}\n",
            directory.path().display(),
            free().await
        );
        std::fs::write(directory.path().join("proxy.yaml"), config).unwrap();
        Self { directory, ca, listen }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    async fn start(&self) -> Running {
        let program = Command::new(env!("CARGO_BIN_EXE_sark-proxy"))
            .arg("--config")
            .arg(self.path("proxy.yaml"))
            .env("NOTIFY_SOCKET", self.path("notify.sock"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let running = Running(program.unwrap());
        soon(async || TcpStream::connect(self.listen).await.ok()).await;
        running
    }
}

/// Another program that took over: it is nobody's child here.
struct Next(Pid);

impl Next {
    /// Whether it runs; one that ended may wait for somebody to be told.
    fn runs(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        if self.runs() {
            let _ = kill(self.0, Signal::SIGKILL);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_authority_is_taken_while_it_runs() {
    let place = Place::new().await;
    let (ca, state, listen) = (&place.ca, place.path("state"), place.listen);
    let first = std::fs::read_to_string(ca.trusted()).unwrap();
    let behind = free().await;
    let mut running = place.start().await;
    let mut before = opened(listen, behind, &first).await.unwrap();

    ca.rotate(&plan("Second"), Overwrite::Refuse, SystemClock.now()).unwrap();
    ca.activate(SystemClock.now()).unwrap();
    let both = std::fs::read_to_string(ca.trusted()).unwrap();
    // The first alone holds until it is told.
    opened(listen, behind, &first).await.unwrap();
    let pid = Pid::from_raw(i32::try_from(running.0.id()).unwrap());
    kill(pid, Signal::SIGHUP).unwrap();
    soon(async || opened(listen, behind, &first).await.err()).await;
    opened(listen, behind, &both).await.unwrap();

    // What was open stays so: it is answered, though nobody is behind it.
    before.write_all(b"GET / HTTP/1.1\r\nHost: opened.example\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    before.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 502");

    // An authority that cannot be read changes nothing.
    std::fs::rename(state.join("ca"), state.join("away")).unwrap();
    kill(pid, Signal::SIGHUP).unwrap();
    soon(async || (spooled(&state, "proxy.authority") == 2).then_some(())).await;
    for _ in 0..20 {
        opened(listen, behind, &both).await.unwrap();
    }
    drop(before);
    kill(pid, Signal::SIGTERM).unwrap();
    let ended = soon(async || running.0.try_wait().unwrap()).await;
    assert!(ended.success(), "{ended}");
}

/// Says whatever it hears, to everybody.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    address
}

/// A spliced connection to it.
async fn tunnel(proxy: SocketAddr, echo: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(proxy).await.unwrap();
    let head = format!("CONNECT {echo} HTTP/1.1\r\nHost: {echo}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "it was dropped");
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    says(&mut stream).await;
    stream
}

async fn says(stream: &mut TcpStream) {
    stream.write_all(b"SSH-2.0-sark\r\n").await.unwrap();
    let mut heard = [0; 14];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"SSH-2.0-sark\r\n");
}

/// Records of this event that are in spools.
fn spooled(state: &Path, event: &str) -> usize {
    let wanted = format!("\"event\":\"{event}\"");
    let spools = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let files = spools
        .filter(|path| path.is_dir())
        .flat_map(|spool| std::fs::read_dir(spool).unwrap().map(|entry| entry.unwrap().path()));
    let texts = files.filter(|path| path.extension().is_some_and(|it| it == "spool")).map(|path| {
        let octets = std::fs::read(path).unwrap();
        String::from_utf8_lossy(&octets).matches(&wanted).count()
    });
    texts.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_program_takes_over_and_no_connection_breaks() {
    let place = Place::new().await;
    let (state, listen, echo) = (place.path("state"), place.listen, echo().await);
    let systemd = UnixDatagram::bind(place.path("notify.sock")).unwrap();
    let mut running = place.start().await;
    let mut long = tunnel(listen, echo).await;
    // A connection after another, all the while, and each works.
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let making = tokio::spawn(async move {
        let mut made = 0;
        while !over.load(Ordering::Relaxed) {
            drop(tunnel(listen, echo).await);
            made += 1;
        }
        made
    });
    let mut nexts = Vec::new();
    let mut pid = Pid::from_raw(i32::try_from(running.0.id()).unwrap());
    for _ in 0..2 {
        kill(pid, Signal::SIGUSR2).unwrap();
        let next = soon(async || {
            let mut said = [0; 256];
            let octets = systemd.recv(&mut said).await.unwrap();
            let text = String::from_utf8_lossy(&said[..octets]).into_owned();
            text.lines().find_map(|line| line.strip_prefix("MAINPID=")?.parse().ok())
        });
        pid = Pid::from_raw(next.await);
        nexts.push(Next(pid));
        tokio::time::sleep(Duration::from_millis(200)).await;
        says(&mut long).await;
    }
    is_over.store(true, Ordering::Relaxed);
    let made = making.await.unwrap();
    println!("{made} connections while two programs took over");
    assert!(running.0.try_wait().unwrap().is_none(), "one connection is on it still");
    drop(long);
    let ended = soon(async || running.0.try_wait().unwrap()).await;
    assert!(ended.success(), "{ended}");
    drop(tunnel(listen, echo).await);
    kill(pid, Signal::SIGTERM).unwrap();
    soon(async || nexts.iter().all(|next| !next.runs()).then_some(())).await;
    assert!(TcpStream::connect(listen).await.is_err(), "nobody listens");
    assert_eq!(spooled(&state, "proxy.flow"), made + 2, "each connection is on record once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_cannot_take_over_changes_nothing() {
    let place = Place::new().await;
    let echo = echo().await;
    let mut running = place.start().await;
    let text = std::fs::read_to_string(place.path("proxy.yaml")).unwrap();
    std::fs::write(place.path("proxy.yaml"), text + "misspelled: 1\n").unwrap();
    let pid = Pid::from_raw(i32::try_from(running.0.id()).unwrap());
    for _ in 0..3 {
        kill(pid, Signal::SIGUSR2).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(tunnel(place.listen, echo).await);
    }
    assert!(running.0.try_wait().unwrap().is_none(), "it runs");
    kill(pid, Signal::SIGTERM).unwrap();
    let ended = soon(async || running.0.try_wait().unwrap()).await;
    assert!(ended.success(), "{ended}");
    assert_eq!(spooled(&place.path("state"), "proxy.flow"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_wait_are_with_the_collector_when_it_has_ended() {
    let (place, collector) = (Place::new().await, Collector::start(&[]).await.unwrap());
    let mut config = std::fs::read_to_string(place.path("proxy.yaml")).unwrap();
    let (url, token) = (collector.url(), place.path("token"));
    std::fs::write(&token, "Bearer s3cret\n").unwrap();
    let headers = format!("{{ authorization: 'file:{}' }}", token.display());
    config.push_str(&format!("traces: {{ otlp: '{url}', sample: 0, headers: {headers} }}\n"));
    std::fs::write(place.path("proxy.yaml"), config).unwrap();
    let (root, behind) = (std::fs::read_to_string(place.ca.trusted()).unwrap(), free().await);
    let mut running = place.start().await;
    let mut stream = opened(place.listen, behind, &root).await.unwrap();
    stream.write_all(b"GET /s3cret HTTP/1.1\r\nHost: opened.example\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 502");
    drop(stream);
    kill(Pid::from_raw(i32::try_from(running.0.id()).unwrap()), Signal::SIGTERM).unwrap();
    let ended = soon(async || running.0.try_wait().unwrap()).await;
    assert!(ended.success(), "{ended}");

    let received = collector.received();
    let spans = decoded(&received).unwrap();
    let root = spans.iter().find(|span| span["kind"] == "SPAN_KIND_SERVER").unwrap();
    assert_eq!(root["service"]["service.name"], "sark-proxy");
    assert_eq!(root["service"]["service.instance.id"], "proxy");
    assert_eq!(root["attributes"]["http.response.status_code"], 502);
    assert_eq!(root["attributes"]["server.address"], "opened.example");
    let connect = spans.iter().find(|span| span["name"] == "connect").unwrap();
    assert_eq!(connect["attributes"]["error.type"], "connect");
    assert!(received[0].head.contains("authorization: Bearer s3cret"), "{}", received[0].head);
    assert!(received.iter().all(|it| !it.body.windows(6).any(|six| six == b"s3cret")));
}
