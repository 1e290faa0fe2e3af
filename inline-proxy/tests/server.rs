//! A server that speaks like a model's, and keeps what it was asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{Request, Response, StatusCode, Version};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use sark_ca::{Authority, Below, LeafConfig, Leaves, Profile, Resolver};
use sark_core::{Clock as _, SystemClock};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::{mcp_server, models, realtime};

/// One request, as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub version: Version,
    pub line: String,
    pub host: String,
    pub headers: http::HeaderMap,
    pub body: Bytes,
    /// What came on its connection before TLS.
    pub before: Vec<u8>,
}

/// Runs until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    /// Its authority, as PEM.
    pub root: String,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

/// What a server does otherwise than most.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// Requests at a time on one connection of HTTP/2.
    pub streams: Option<u32>,
    /// So many requests, and then a connection of HTTP/2 says goodbye.
    pub leaves_after: Option<usize>,
    /// Octets before TLS, which it keeps: a header of the PROXY protocol.
    pub before: usize,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub const PAUSE: Duration = Duration::from_millis(60);

impl Server {
    /// With TLS, and these protocols.
    pub async fn start(protocols: &[&str]) -> Self {
        Self::at("127.0.0.1:0", protocols).await
    }

    pub async fn at(address: &str, protocols: &[&str]) -> Self {
        Self::with(address, protocols, Manner::default()).await
    }

    pub async fn with(address: &str, protocols: &[&str], manner: Manner) -> Self {
        let now = SystemClock.now();
        let root = Authority::root(&Profile::named("Server Root"), Below::Leaves, now).unwrap();
        let pem = root.chain_pem();
        let leaves = Leaves::new(Arc::new(root), LeafConfig::default(), now).unwrap();
        let resolver = Resolver::by_name(Arc::new(leaves), Arc::new(SystemClock));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let listener = TcpListener::bind(address).await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Seen>>>::default());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (keeps, connections) = (Arc::clone(&seen), Arc::<AtomicUsize>::default());
        let counts = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { continue };
                counts.fetch_add(1, Ordering::Relaxed);
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&keeps));
                tokio::spawn(async move {
                    let mut before = vec![0; manner.before];
                    if stream.read_exact(&mut before).await.is_err() {
                        return;
                    }
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    let (left, leaves) = (AtomicUsize::new(0), Arc::<Notify>::default());
                    let leave = Arc::clone(&leaves);
                    let service = service_fn(move |request| {
                        if Some(left.fetch_add(1, Ordering::Relaxed) + 1) == manner.leaves_after {
                            leave.notify_one();
                        }
                        answer(request, before.clone(), Arc::clone(&seen))
                    });
                    if is_h2 {
                        let io = TokioIo::new(heard_out(stream));
                        let mut builder = http2::Builder::new(TokioExecutor::new());
                        builder.max_concurrent_streams(manner.streams);
                        let mut connection = pin!(builder.serve_connection(io, service));
                        tokio::select! {
                            _ = connection.as_mut() => return,
                            () = leaves.notified() => connection.as_mut().graceful_shutdown(),
                        }
                        let _ = connection.await;
                    } else {
                        let io = TokioIo::new(stream);
                        let connection = http1::Builder::new().serve_connection(io, service);
                        let _ = connection.with_upgrades().await;
                    }
                });
            }
        });
        Self { address, root: pem, seen, connections, task }
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

pub type Body = BoxBody<Bytes, std::io::Error>;

pub fn full(octets: impl Into<Bytes>) -> Body {
    Full::new(octets.into()).map_err(|never| match never {}).boxed()
}

/// The same stream, whose other side is heard out when this side is done: what was said last would be lost
/// with a reset.
fn heard_out(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> DuplexStream {
    let (near, far) = tokio::io::duplex(1 << 16);
    let (mut read, mut write) = tokio::io::split(stream);
    let (mut said, mut hears) = tokio::io::split(far);
    tokio::spawn(async move {
        let _ = tokio::io::copy(&mut said, &mut write).await;
        let _ = write.shutdown().await;
    });
    tokio::spawn(async move {
        let _ = tokio::io::copy(&mut read, &mut hears).await;
        let _ = hears.shutdown().await;
        let _ = tokio::io::copy(&mut read, &mut tokio::io::sink()).await;
    });
    near
}

async fn answer(
    mut request: Request<Incoming>,
    before: Vec<u8>,
    seen: Arc<Mutex<Vec<Seen>>>,
) -> Result<Response<Body>, Infallible> {
    if request.headers().contains_key("sec-websocket-key") {
        return Ok(realtime::serve(&mut request, &seen));
    }
    if request.headers().contains_key("upgrade") {
        return Ok(echo(&mut request));
    }
    let (parts, body) = request.into_parts();
    if parts.headers.get("content-type").is_some_and(|kind| kind == "application/grpc") {
        return Ok(talk(parts, body, &seen));
    }
    if parts.uri.path() == "/gigabyte" {
        return Ok(gigabyte(body).await);
    }
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let host = parts.uri.authority().map(ToString::to_string);
    let host = host.or_else(|| parts.headers.get("host")?.to_str().ok().map(str::to_owned));
    let path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let accept = parts.headers.get("accept").and_then(|it| it.to_str().ok().map(str::to_owned));
    seen.lock().unwrap().push(Seen {
        version: parts.version,
        line: format!("{} {path}", parts.method),
        host: host.clone().unwrap_or_default(),
        headers: parts.headers,
        body: body.clone(),
        before,
    });
    let asked: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    if asked["model"] == "old" && asked.get("stream_options").is_some() {
        let mut refused = json(&serde_json::json!({ "error": { "message": "stream_options?" } }));
        *refused.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(refused);
    }
    if asked["model"] == "broken" || asked["model"] == "silent" {
        return Ok(broken(
            models::events("", path.split('?').next().unwrap(), &asked),
            asked["model"] == "silent",
        ));
    }
    if path == "/mcp" {
        return Ok(mcp_server::answer(accept.as_deref() == Some("text/event-stream"), &asked));
    }
    let asks = ["/chat/completions", "/v1/messages", "/v2/chat", "/api/chat"]
        .iter()
        .any(|end| path.ends_with(end));
    if asked["stream"] == true || path.contains(":streamGenerateContent") {
        let host = host.unwrap_or_default();
        return Ok(events(models::events(&host, path.split('?').next().unwrap(), &asked)));
    }
    if asks || path.contains(":generateContent") {
        return Ok(json(&models::whole(&path, &asked)));
    }
    if path == "/big" {
        let chunks = (0..256).map(|_| Ok(Frame::data(Bytes::from(vec![7_u8; 1 << 16]))));
        return Ok(Response::new(BodyExt::boxed(StreamBody::new(stream::iter(chunks)))));
    }
    Ok(json(&serde_json::json!({ "octets": body.len() })))
}

/// So many octets as came, or a gigabyte if none did; none of them are kept.
async fn gigabyte(body: Incoming) -> Response<Body> {
    let mut frames = BodyStream::new(body);
    let mut octets = 0;
    while let Some(Ok(frame)) = frames.next().await {
        octets += frame.data_ref().map_or(0, Bytes::len);
    }
    if octets > 0 {
        return json(&serde_json::json!({ "octets": octets }));
    }
    let piece = Bytes::from(vec![7_u8; 1 << 16]);
    let pieces = stream::iter((0..1 << 14).map(move |_| Ok(Frame::data(piece.clone()))));
    Response::new(BodyExt::boxed(StreamBody::new(pieces)))
}

/// gRPC that says what it hears, message by message.
fn talk(parts: http::request::Parts, body: Incoming, seen: &Mutex<Vec<Seen>>) -> Response<Body> {
    seen.lock().unwrap().push(Seen {
        version: parts.version,
        line: format!("{} {}", parts.method, parts.uri.path()),
        host: parts.uri.authority().map(ToString::to_string).unwrap_or_default(),
        headers: parts.headers,
        body: Bytes::new(),
        before: Vec::new(),
    });
    let heard = BodyStream::new(body).filter_map(|frame| std::future::ready(frame.ok())).map(Ok);
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let last = stream::once(std::future::ready(Ok(Frame::trailers(trailers))));
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(heard.chain(last))));
    response.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    response
}

/// Two events, and the server breaks off, or says nothing more.
fn broken((kind, events): models::Events, is_silent: bool) -> Response<Body> {
    let events = events.into_iter().take(2).map(|text| Ok(Frame::data(Bytes::from(text))));
    let dies = stream::once(async move {
        if is_silent {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(PAUSE).await;
        Err(std::io::Error::other("it breaks off"))
    });
    let mut response =
        Response::new(BodyExt::boxed(StreamBody::new(stream::iter(events).chain(dies))));
    response.headers_mut().insert("content-type", kind.parse().unwrap());
    response
}

pub fn json(value: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(full(value.to_string()));
    response.headers_mut().insert("content-type", "application/json".parse().unwrap());
    response
}

pub fn events((kind, events): models::Events) -> Response<Body> {
    let events = stream::iter(events).then(|text| async move {
        tokio::time::sleep(PAUSE).await;
        Ok(Frame::data(Bytes::from(text)))
    });
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(events)));
    response.headers_mut().insert("content-type", kind.parse().unwrap());
    response
}

/// Another protocol: it says what it hears.
fn echo(request: &mut Request<Incoming>) -> Response<Body> {
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let Ok(stream) = upgrade.await else { return };
        let (mut read, mut write) = tokio::io::split(TokioIo::new(stream));
        let _ = tokio::io::copy(&mut read, &mut write).await;
    });
    let mut response = Response::new(full(""));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert("connection", "upgrade".parse().unwrap());
    headers.insert("upgrade", "websocket".parse().unwrap());
    headers.insert("sec-websocket-protocol", "echo".parse().unwrap());
    response
}
