//! A feed's server under the tests' control: says what it is told, octet by octet.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What it answers to a path.
#[derive(Clone)]
pub enum Says {
    /// These octets, then the end.
    Raw(Vec<u8>),
    /// Head with `200`, then zeros without end.
    Endless,
    /// Head with `200`, then an octet every 100 ms.
    Drip,
    /// `304` if the tag `"one"` is asked for, else this body with that tag.
    Tagged(&'static str),
}

/// Ends when dropped.
pub struct Server {
    pub at: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `200` with a body and its length.
pub fn ok(body: &[u8]) -> Says {
    with_headers(body, "")
}

/// As [`ok`], with more header lines.
pub fn with_headers(body: &[u8], headers: &str) -> Says {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    Says::Raw([head.as_bytes(), body].concat())
}

/// A head alone.
pub fn head(text: &str) -> Says {
    Says::Raw(format!("HTTP/1.1 {text}\r\nContent-Length: 0\r\n\r\n").into_bytes())
}

impl Server {
    pub async fn new(pages: impl IntoIterator<Item = (&'static str, Says)>) -> Self {
        Self::over(pages, None).await
    }

    pub async fn over(
        pages: impl IntoIterator<Item = (&'static str, Says)>,
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) -> Self {
        let pages: BTreeMap<String, Says> =
            pages.into_iter().map(|(path, says)| (path.to_owned(), says)).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&heads);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (pages, seen, tls) = (pages.clone(), Arc::clone(&seen), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => answer(stream, &pages, &seen).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, &pages, &seen).await;
                            }
                        }
                    }
                });
            }
        });
        Self { at, heads, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    /// Heads of the requests so far, in lower case.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    pages: &BTreeMap<String, Says>,
    seen: &Mutex<Vec<String>>,
) {
    let (mut head, mut octet) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut octet).await {
            Ok(1) => head.push(octet[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(head.clone());
    const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    match pages.get(&path) {
        None => {
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
        }
        Some(Says::Raw(octets)) => {
            let _ = stream.write_all(octets).await;
        }
        Some(Says::Endless) => {
            let _ = stream.write_all(OPEN).await;
            // 10 GB, if anybody reads that far.
            let zeros = vec![0; 1 << 20];
            for _ in 0..10_000 {
                if stream.write_all(&zeros).await.is_err() {
                    return;
                }
            }
        }
        Some(Says::Drip) => {
            let _ = stream.write_all(OPEN).await;
            for _ in 0..600 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                if stream.write_all(b"x").await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
        }
        Some(Says::Tagged(body)) => {
            let is_known = head.contains("if-none-match: \"one\"");
            let text = match is_known {
                true => "HTTP/1.1 304 Not Modified\r\nETag: \"one\"\r\n\r\n".to_owned(),
                false => format!(
                    "HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                ),
            };
            let _ = stream.write_all(text.as_bytes()).await;
        }
    }
    let _ = stream.shutdown().await;
}
