//! A collector for tests: takes what is sent over HTTP, answers as it was told to, and has OpenTelemetry's own
//! package read it.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How long a test waits for what has to come.
const SOON: Duration = Duration::from_secs(60);

/// One request, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Request line and headers.
    pub head: String,
    /// The message.
    pub body: Vec<u8>,
}

/// Runs until it is dropped.
#[derive(Debug)]
pub struct Collector {
    /// Where it listens.
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Collector {
    /// Answers with these first, each the status line's end and headers, and then with success.
    pub async fn start(first: &[&str]) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, received) = (listener.local_addr()?, Arc::<Mutex<Vec<_>>>::default());
        let first: VecDeque<String> = first.iter().map(|&answer| answer.to_owned()).collect();
        let (first, keeps) = (Arc::new(Mutex::new(first)), Arc::clone(&received));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&keeps), Arc::clone(&first)));
            }
        });
        Ok(Self { address, received, task })
    }

    /// As the configuration names it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that came so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All spans, once there are as many; fails if they do not come.
    pub async fn spans(&self, many: usize) -> Result<Vec<Value>, String> {
        let until = tokio::time::Instant::now() + SOON;
        loop {
            let spans = decoded(&self.received())?;
            if spans.len() >= many {
                return Ok(spans);
            }
            if tokio::time::Instant::now() > until {
                return Err(format!("there are not {many} spans: {spans:#?}"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn serve(
    mut stream: TcpStream,
    received: Arc<Mutex<Vec<Received>>>,
    first: Arc<Mutex<VecDeque<String>>>,
) {
    let mut octets = Vec::new();
    loop {
        let Some(request) = next(&mut stream, &mut octets).await else { return };
        received.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let told = first.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let told = told.unwrap_or_else(|| "200 OK".to_owned());
        let answer = format!("HTTP/1.1 {told}\r\ncontent-length: 0\r\n\r\n");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn next(stream: &mut TcpStream, octets: &mut Vec<u8>) -> Option<Received> {
    loop {
        if let Some(end) = octets.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(octets.get(..end)?).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then_some(value.trim())
            });
            let whole = end + 4 + length?.parse::<usize>().ok()?;
            if octets.len() >= whole {
                let body = octets.get(end + 4..whole)?.to_vec();
                octets.drain(..whole);
                return Some(Received { head, body });
            }
        }
        if stream.read_buf(octets).await.ok()? == 0 {
            return None;
        }
    }
}

/// The spans of these requests, as OpenTelemetry's package for Python reads them.
pub fn decoded(received: &[Received]) -> Result<Vec<Value>, String> {
    let packages = std::env::var_os("SARK_PYTHON").ok_or(
        "SARK_PYTHON names the Python packages: run `cargo xtask setup --only python` and set what it prints",
    )?;
    let mut lines = String::new();
    for Received { body, .. } in received {
        for octet in body {
            // Writing into a String does not fail.
            let _ = write!(lines, "{octet:02x}");
        }
        lines.push('\n');
    }
    let python = Command::new("python3")
        .args(["-c", include_str!("decode.py")])
        .env("PYTHONPATH", packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut python = python.map_err(|error| error.to_string())?;
    let input = python.stdin.take().ok_or("python3 takes no input")?;
    // Whoever fails reads no further, and says why.
    let _ = { input }.write_all(lines.as_bytes());
    let output = python.wait_with_output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}
