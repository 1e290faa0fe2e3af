//! A receiver of alerts under the tests' control: keeps what it is sent, says what it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::world::SOON;

/// What it answers.
#[derive(Clone)]
pub enum Says {
    /// These octets, then the end.
    Raw(Vec<u8>),
    /// Nothing, and the connection stays.
    Nothing,
    /// Head with `200`, then zeros without end.
    Endless,
    /// An octet of a head every 300 ms.
    Drip,
    /// What this makes of it.
    Of(fn(&Request) -> Vec<u8>),
}

impl Says {
    pub fn ok() -> Self {
        Self::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok".to_vec())
    }
}

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Request {
    pub head: String,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| {
            line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        Some(self.head.lines().find(named)?.split_once(':')?.1.trim())
    }
}

type Hook = Arc<dyn Fn() + Send + Sync>;

/// Ends when dropped.
pub struct Receiver {
    pub at: SocketAddr,
    scheme: &'static str,
    says: Arc<Mutex<Says>>,
    hook: Arc<Mutex<Hook>>,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub async fn new(says: Says) -> Self {
        Self::over(says, None).await
    }

    pub async fn over(says: Says, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let says = Arc::new(Mutex::new(says));
        let hook: Arc<Mutex<Hook>> = Arc::new(Mutex::new(Arc::new(|| {})));
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let shared = (Arc::clone(&says), Arc::clone(&hook), Arc::clone(&requests));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (shared.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => answer(stream, shared).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, shared).await;
                            }
                        }
                    }
                });
            }
        });
        Self { at, scheme, says, hook, requests, task }
    }

    /// Nobody listens there any more.
    pub async fn gone(self) -> Self {
        self.task.abort();
        while !self.task.is_finished() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.at)
    }

    /// From now on.
    pub fn set(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    /// Is called when a request is there and not answered yet.
    pub fn before_answer(&self, hook: impl Fn() + Send + Sync + 'static) {
        *self.hook.lock().unwrap() = Arc::new(hook);
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Until so many came.
    pub async fn until(&self, many: usize) {
        let there = async || {
            while self.requests().len() < many {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, there()).await.expect("nothing came");
    }
}

type Shared = (Arc<Mutex<Says>>, Arc<Mutex<Hook>>, Arc<Mutex<Vec<Request>>>);

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, (says, hook, requests): Shared) {
    let Some(request) = read(&mut stream).await else { return };
    requests.lock().unwrap().push(request.clone());
    let (says, hook) = (says.lock().unwrap().clone(), Arc::clone(&hook.lock().unwrap()));
    hook();
    match says {
        Says::Raw(octets) => drop(stream.write_all(&octets).await),
        Says::Of(make) => drop(stream.write_all(&make(&request)).await),
        Says::Nothing => tokio::time::sleep(SOON).await,
        Says::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await;
            let zeros = vec![b'0'; 1 << 20];
            for _ in 0..10_000 {
                if stream.write_all(&zeros).await.is_err() {
                    return;
                }
            }
        }
        Says::Drip => {
            for octet in b"HTTP/1.1 200 OK\r\nX-Slow: 1234567890123456789012345678901234567890" {
                tokio::time::sleep(Duration::from_millis(300)).await;
                if stream.write_all(&[*octet]).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
        }
    }
    let _ = stream.shutdown().await;
}

/// Octets that are no HTTP count as a request too.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let (mut head, mut octet) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut octet).await {
            Ok(1) if head.len() < 64 << 10 => head.push(octet[0]),
            _ => return None,
        }
        // A TLS hello.
        if head.first() == Some(&22) {
            return Some(Request { head: String::new(), body: Vec::new() });
        }
    }
    let head = String::from_utf8(head).ok()?;
    let mut request = Request { head, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |text| text.parse().unwrap());
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}
