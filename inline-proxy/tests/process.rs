//! The program itself.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sark_ca::{CaDirectory, Overwrite, Plan, Profile};
use sark_core::{Clock as _, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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
    for _ in 0..400 {
        if let Some(done) = tries().await {
            return done;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it never came to it");
}

fn start(directory: &Path, config: &str) -> Running {
    let file = directory.join("proxy.yaml");
    std::fs::write(&file, config).unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_sark-proxy"))
        .arg("--config")
        .arg(&file)
        .stderr(Stdio::null())
        .spawn();
    Running(program.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_authority_is_taken_while_it_runs() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let ca = CaDirectory::at(state.join("ca"));
    ca.create(&plan("First"), Overwrite::Refuse, SystemClock.now()).unwrap();
    let first = std::fs::read_to_string(ca.trusted()).unwrap();
    let (listen, behind) = (free().await, free().await);
    let config = format!(
        "explicit: {{ listen: '{listen}', also: [127.0.0.0/8] }}\n\
         courses: {{ inspect: [opened.example] }}\n\
         sarkd: {{ socket: {0}/nobody.sock }}\n\
         state: {{ directory: {0}/state }}\n\
         metrics: {{ listen: null }}\n",
        directory.path().display()
    );
    let mut running = start(directory.path(), &config);
    soon(async || TcpStream::connect(listen).await.ok()).await;
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
    for _ in 0..20 {
        opened(listen, behind, &both).await.unwrap();
    }
    drop(before);
    kill(pid, Signal::SIGTERM).unwrap();
    let ended = soon(async || running.0.try_wait().unwrap()).await;
    assert!(ended.success(), "{ended}");
}
