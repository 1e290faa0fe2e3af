//! A feed's server under the tests' control: says what it is told, octet by octet.

#![allow(dead_code, reason = "shared with the controller's tests, which use other parts of it")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

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
    /// A page of a TAXII collection that leads to the next, with this many octets of its own.
    Pages(usize),
}

/// How it is spoken to.
#[derive(Clone)]
pub enum Speaks {
    /// HTTP.
    Http,
    /// HTTPS.
    Https(TlsAcceptor),
    /// As a proxy that leads to itself: `CONNECT`, then HTTPS.
    Proxy(TlsAcceptor),
}

/// Ends when dropped.
pub struct Server {
    pub at: SocketAddr,
    pages: Pages,
    speaks: Arc<Mutex<Speaks>>,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// One answer each: without this a client may ask again on what is being closed.
const CLOSE: &str = "Connection: close\r\n";

type Pages = Arc<Mutex<BTreeMap<String, Says>>>;

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
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\n{CLOSE}Content-Length: {length}\r\n{headers}\r\n");
    Says::Raw([head.as_bytes(), body].concat())
}

/// A head alone.
pub fn head(text: &str) -> Says {
    Says::Raw(format!("HTTP/1.1 {text}\r\n{CLOSE}Content-Length: 0\r\n\r\n").into_bytes())
}

impl Server {
    pub async fn new(pages: impl IntoIterator<Item = (&'static str, Says)>) -> Self {
        Self::over(pages, Speaks::Http).await
    }

    pub async fn over(
        pages: impl IntoIterator<Item = (&'static str, Says)>,
        speaks: Speaks,
    ) -> Self {
        let pages: BTreeMap<String, Says> =
            pages.into_iter().map(|(path, says)| (path.to_owned(), says)).collect();
        let pages = Arc::new(Mutex::new(pages));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, told) = (Arc::clone(&heads), Arc::clone(&pages));
        let speaks = Arc::new(Mutex::new(speaks));
        let tongue = Arc::clone(&speaks);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (pages, seen) = (Arc::clone(&told), Arc::clone(&seen));
                let speaks = tongue.lock().unwrap().clone();
                tokio::spawn(async move {
                    match speaks {
                        Speaks::Http => answer(stream, &pages, &seen).await,
                        Speaks::Https(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, &pages, &seen).await;
                            }
                        }
                        Speaks::Proxy(tls) => proxy(stream, tls, &pages, &seen).await,
                    }
                });
            }
        });
        Self { at, pages, speaks, heads, task }
    }

    /// From now on it answers this there.
    pub fn set(&self, path: &str, says: Says) {
        self.pages.lock().unwrap().insert(path.to_owned(), says);
    }

    /// From now on it is spoken to like this.
    pub fn speak(&self, speaks: Speaks) {
        *self.speaks.lock().unwrap() = speaks;
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    /// Heads of the requests so far, in lower case.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// The head of a request; `None` if none comes.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let (mut head, mut octet) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut octet).await {
            Ok(1) => head.push(octet[0]),
            _ => return None,
        }
    }
    Some(String::from_utf8(head).unwrap().to_lowercase())
}

async fn proxy(mut stream: TcpStream, tls: TlsAcceptor, pages: &Pages, seen: &Mutex<Vec<String>>) {
    let Some(head) = request(&mut stream).await else { return };
    seen.lock().unwrap().push(head);
    let _ = stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await;
    if let Ok(stream) = tls.accept(stream).await {
        answer(stream, pages, seen).await;
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    pages: &Pages,
    seen: &Mutex<Vec<String>>,
) {
    let Some(head) = request(&mut stream).await else { return };
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(head.clone());
    let (before, query) = path.split_once('?').unwrap_or((&path, ""));
    let says = {
        let pages = pages.lock().unwrap();
        let collection = || pages.get(before).filter(|says| matches!(says, Says::Pages(_)));
        pages.get(&path).or_else(collection).cloned()
    };
    let text = match says {
        None => head_of("404 Not Found", "", 0),
        Some(Says::Raw(octets)) => octets,
        Some(Says::Endless) => return endless(stream).await,
        Some(Says::Drip) => return drip(stream).await,
        Some(Says::Tagged(_)) if head.contains("if-none-match: \"one\"") => {
            b"HTTP/1.1 304 Not Modified\r\nETag: \"one\"\r\n\r\n".to_vec()
        }
        Some(Says::Tagged(body)) => {
            let head = head_of("200 OK", "ETag: \"one\"\r\n", body.len());
            [head.as_slice(), body.as_bytes()].concat()
        }
        Some(Says::Pages(size)) => {
            let number: u64 = query.trim_start_matches("next=").parse().unwrap_or(1);
            let (next, filling) = (number + 1, "x".repeat(size));
            let body = format!(r#"{{"more":true,"next":"{next}","objects":[],"x":"{filling}"}}"#);
            [head_of("200 OK", "", body.len()).as_slice(), body.as_bytes()].concat()
        }
    };
    let _ = stream.write_all(&text).await;
    let _ = stream.shutdown().await;
}

fn head_of(status: &str, headers: &str, length: usize) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{CLOSE}Content-Length: {length}\r\n{headers}\r\n").into_bytes()
}

const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";

/// 10 GB, if anybody reads that far.
async fn endless(mut stream: impl AsyncWrite + Unpin) {
    let _ = stream.write_all(OPEN).await;
    let zeros = vec![0; 1 << 20];
    for _ in 0..10_000 {
        if stream.write_all(&zeros).await.is_err() {
            return;
        }
    }
}

/// A minute.
async fn drip(mut stream: impl AsyncWrite + Unpin) {
    let _ = stream.write_all(OPEN).await;
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if stream.write_all(b"x").await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}
