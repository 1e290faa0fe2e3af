//! TLS that ends here, and HTTP on what is inside.
//!
//! The server is asked first: what it takes of the client's offer is what the client is offered, so that
//! both sides speak the same HTTP.

use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use http::uri::{Authority, Scheme};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::pki_types::ServerName;
use rustls::server::ResolvesServerCert;
use rustls::sign::SingleCertAndKey;
use sark_ca::{Host, Leaves, Resolver};
use sark_core::Clock;
use sark_hello::ClientHello;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::alpn::{Alpn, Offer};
use crate::begun::Begun;
use crate::clients::Place;
use crate::conversation::Conversation;
use crate::flow::{Entrance, Flow, Target};
use crate::pins;
use crate::proxy::Proxy;
use crate::refusals::Reason;
use crate::replay::Replay;
use crate::steer::Steered;
use crate::upstream::{Own, Server};

/// Octets that a client may send before we have read them: of a request; and of all together, so that one
/// that is not read holds up no other.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * STREAMS;
/// Requests of one HTTP/2 connection at a time.
const STREAMS: u32 = 256;
/// Octets of a request's head.
const HEAD: u32 = 64 << 10;
/// How often an idle HTTP/2 client is asked whether it is there.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// How TLS ends here.
pub struct Termination {
    by: RwLock<Arc<By>>,
    clock: Arc<dyn Clock>,
}

/// All that is one authority's.
struct By {
    h2: Arc<ServerConfig>,
    h1: Arc<ServerConfig>,
    silent: Arc<ServerConfig>,
    leaves: Arc<Leaves>,
}

impl std::fmt::Debug for Termination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Termination").finish_non_exhaustive()
    }
}

impl Termination {
    /// With leaves of the authority.
    pub fn new(leaves: Arc<Leaves>, clock: Arc<dyn Clock>) -> Result<Self, rustls::Error> {
        let by = RwLock::new(Arc::new(By::new(leaves, &clock)?));
        Ok(Self { by, clock })
    }

    /// From now on with leaves of this one: connections that are there stay, and no session of before is
    /// resumed.
    pub fn renew(&self, leaves: Arc<Leaves>) -> Result<(), rustls::Error> {
        let by = Arc::new(By::new(leaves, &self.clock)?);
        *self.by.write().unwrap_or_else(PoisonError::into_inner) = by;
        Ok(())
    }

    /// For a client that named nobody the certificate is the address's.
    fn acceptor(&self, alpn: Alpn, unnamed: Option<Host>) -> Result<TlsAcceptor, rustls::Error> {
        let by = Arc::clone(&self.by.read().unwrap_or_else(PoisonError::into_inner));
        let config = match (unnamed, alpn) {
            (None, Alpn::H2) => Arc::clone(&by.h2),
            (None, Alpn::H1) => Arc::clone(&by.h1),
            (None, Alpn::Silent) => Arc::clone(&by.silent),
            (Some(host), _) => {
                let certified = by.leaves.get(&host, self.clock.now());
                let certified =
                    certified.map_err(|error| rustls::Error::General(error.to_string()))?;
                Arc::new(config(Arc::new(SingleCertAndKey::from(certified)), alpn)?)
            }
        };
        Ok(TlsAcceptor::from(config))
    }
}

impl By {
    fn new(leaves: Arc<Leaves>, clock: &Arc<dyn Clock>) -> Result<Self, rustls::Error> {
        let by_name = Arc::new(Resolver::by_name(Arc::clone(&leaves), Arc::clone(clock)));
        let ticketer = rustls::crypto::ring::Ticketer::new()?;
        let of = |alpn: Alpn| {
            let mut config = config(Arc::clone(&by_name) as _, alpn)?;
            config.ticketer = Arc::clone(&ticketer);
            Ok::<_, rustls::Error>(Arc::new(config))
        };
        let (h2, h1, silent) = (of(Alpn::H2)?, of(Alpn::H1)?, of(Alpn::Silent)?);
        Ok(Self { h2, h1, silent, leaves })
    }
}

fn config(
    resolver: Arc<dyn ResolvesServerCert>,
    alpn: Alpn,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = match alpn {
        Alpn::H2 => Offer::H2.protocols(),
        Alpn::H1 => Offer::H1.protocols(),
        Alpn::Silent => Vec::new(),
    };
    Ok(config)
}

impl Proxy {
    /// Ends TLS, and answers what is inside.
    pub(crate) async fn terminate(
        self: &Arc<Self>,
        mut stream: Replay<TcpStream>,
        hello: &ClientHello,
        flow: Flow,
        steered: &Steered,
        place: &Arc<Place>,
    ) {
        let Some(offer) = Offer::of(hello) else {
            self.no_handshake(&flow, hello, "alpn", "it offers only protocols that are not spoken");
            // RFC 7301 §3.2: no_application_protocol.
            return alert(&mut stream, 120).await;
        };
        let unnamed = hello.server_name().is_none().then(|| shown(&flow));
        let Some(name) = server_name(steered, &flow) else {
            self.no_handshake(&flow, hello, "name", "it names nobody that a server can be");
            // RFC 6066 §3: unrecognized_name.
            return alert(&mut stream, 112).await;
        };
        let inner = flow.may_be_inner();
        let told = self.upstreams.dialer().told(&flow, &flow.target);
        let server = Server { target: flow.target.clone(), name: Some(name), offer, inner, told };
        // A server that cannot be reached is told by HTTP, in words that the client understands.
        let alpn = match Box::pin(self.upstreams.alpn(&server, flow.client)).await {
            Ok(alpn) => alpn,
            Err(_) if offer == Offer::H2 => Alpn::H2,
            Err(_) if offer == Offer::Silent => Alpn::Silent,
            Err(_) => Alpn::H1,
        };
        let acceptor = match self.termination.acceptor(alpn, unnamed) {
            Ok(acceptor) => acceptor,
            Err(error) => {
                tracing::error!(%error, "TLS cannot be had");
                return;
            }
        };
        let named = steered.name.clone();
        let accepted = Box::pin(acceptor.accept(stream));
        let accepted = tokio::time::timeout(self.limits.handshake_within, accepted);
        let client = flow.client.ip();
        let tls = match accepted.await {
            Ok(Ok(tls)) => tls,
            Ok(Err(error)) => {
                let distrusts = pins::is_distrust(&error);
                let reason = if distrusts { "distrust" } else { "broken" };
                self.no_handshake(&flow, hello, reason, &sark_core::chain(&error));
                if distrusts
                    && let Some(name) = &named
                    && self.pins.distrusts(client, name, Instant::now())
                {
                    self.pinned(&flow, name);
                }
                return;
            }
            Err(_) => return self.no_handshake(&flow, hello, "late", "it took too long"),
        };
        if let Some(name) = &named {
            self.pins.trusts(client, name, Instant::now());
        }
        let conversation = Arc::new(Conversation {
            proxy: Arc::clone(self),
            name: hello.server_name().map(str::to_owned),
            ja4: Some(hello.ja4()),
            scheme: Scheme::HTTPS,
            server: Some(Arc::new(server)),
            host: behind(&flow),
            endpoint: self.endpoint(steered),
            place: Arc::clone(place),
            own: Own::default(),
            flow,
        });
        Box::pin(self.converse(tls, alpn == Alpn::H2, conversation)).await;
    }

    fn no_handshake(&self, flow: &Flow, hello: &ClientHello, reason: &'static str, why: &str) {
        self.metrics.handshake_failed(reason);
        let ja4 = Some(hello.ja4());
        self.refused(Reason::Handshake, flow, self.correlation(flow), ja4.as_deref(), why);
    }

    /// Answers plain HTTP, of a client that does without TLS.
    pub(crate) async fn plain(
        self: &Arc<Self>,
        stream: Replay<TcpStream>,
        is_h2: bool,
        flow: Flow,
        steered: &Steered,
        place: &Arc<Place>,
    ) {
        // A server behind a reverse proxy is spoken to as it is everywhere else: with TLS.
        let host = behind(&flow);
        let name = host.as_ref().and_then(|_| server_name(steered, &flow));
        let scheme = if name.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        let offer = if name.is_some() { Offer::Both } else { Offer::Silent };
        let inner = flow.may_be_inner();
        let told = self.upstreams.dialer().told(&flow, &flow.target);
        let conversation = Arc::new(Conversation {
            proxy: Arc::clone(self),
            name: None,
            ja4: None,
            scheme,
            server: Some(Arc::new(Server {
                target: flow.target.clone(),
                name,
                offer,
                inner,
                told,
            })),
            host,
            endpoint: self.endpoint(steered),
            place: Arc::clone(place),
            own: Own::default(),
            flow,
        });
        Box::pin(self.converse(stream, is_h2, conversation)).await;
    }

    /// The endpoint that the connection leads to, and its provider.
    fn endpoint(&self, steered: &Steered) -> Option<(String, String)> {
        let known = self.judge.known();
        let endpoint = known.registry.by_id(steered.endpoint.as_deref()?)?;
        Some((endpoint.id.clone(), endpoint.provider.clone()))
    }

    async fn converse<S>(self: &Arc<Self>, stream: S, is_h2: bool, conversation: Arc<Conversation>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let about = Arc::clone(&conversation);
        let has_begun = Arc::<AtomicBool>::default();
        let of = (&about.flow, about.ja4.as_deref(), &*has_begun);
        // An idle connection keeps the room of its last answer's future: of a box, and not of all in it.
        let service =
            service_fn(move |request| Box::pin(Arc::clone(&conversation).answer(request)));
        let stream = TokioIo::new(Begun::new(stream, Arc::clone(&has_begun)));
        if is_h2 {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS)
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .max_header_list_size(HEAD)
                .keep_alive_interval(ASK_EVERY);
            let mut connection = Box::pin(builder.serve_connection(stream, service));
            self.until_stopped(connection.as_mut(), |it| it.graceful_shutdown(), of).await;
        } else {
            let builder = self.http1();
            let connection = builder.serve_connection(stream, service).with_upgrades();
            let mut connection = Box::pin(connection);
            self.until_stopped(connection.as_mut(), |it| it.graceful_shutdown(), of).await;
        }
    }

    /// How HTTP/1.1 is read.
    pub(crate) fn http1(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_within)
            .max_headers(256)
            .preserve_header_case(true);
        builder
    }

    /// Until the client is done; when the proxy stops, until what it is answering is answered. A client that
    /// has only just come may ask first.
    pub(crate) async fn until_stopped<C: Future<Output = hyper::Result<()>>>(
        &self,
        mut connection: std::pin::Pin<&mut C>,
        end: impl FnOnce(std::pin::Pin<&mut C>),
        (flow, ja4, has_begun): (&Flow, Option<&str>, &AtomicBool),
    ) {
        let just_come = tokio::time::Instant::now() + self.limits.hello_within;
        let stopped = async {
            self.stop.cancelled().await;
            tokio::time::sleep_until(just_come).await;
        };
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = stopped => None,
            () = self.cut.cancelled() => return,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                end(connection.as_mut());
                tokio::select! {
                    ended = connection => ended,
                    () = self.cut.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            self.broke_off(flow, ja4, has_begun.load(Ordering::Relaxed), &error);
        }
    }
}

/// The host that requests are for at a reverse proxy, whatever they say.
fn behind(flow: &Flow) -> Option<Authority> {
    let Target::Name(name, port) = &flow.target else { return None };
    let host = if *port == 443 { name.clone() } else { format!("{name}:{port}") };
    let host = Authority::try_from(host).ok()?;
    (flow.entrance == Entrance::Reverse).then_some(host)
}

/// Whom a client that names nobody takes us for: the one that it asked for, or the address it meant.
fn shown(flow: &Flow) -> Host {
    match &flow.target {
        Target::Address(address) => Host::from(address.ip().to_canonical()),
        Target::Name(name, _) => match name.parse::<IpAddr>() {
            Ok(address) => Host::from(address),
            Err(_) => Host::dns(name).unwrap_or_else(|_| Host::from(flow.local.ip())),
        },
    }
}

/// Who the server has to be: the one that a reverse proxy stands for, or the name of the hello, or of the
/// flow, or its address.
fn server_name(steered: &Steered, flow: &Flow) -> Option<ServerName<'static>> {
    match (&steered.name, &flow.target) {
        (_, Target::Name(name, _)) if flow.entrance == Entrance::Reverse => {
            ServerName::try_from(name.clone()).ok()
        }
        (Some(name), _) => ServerName::try_from(name.clone()).ok(),
        (None, Target::Address(address)) => Some(ServerName::from(address.ip().to_canonical())),
        (None, Target::Name(name, _)) => ServerName::try_from(name.clone()).ok(),
    }
}

/// A fatal alert of TLS (RFC 8446 §6), before anything is encrypted; then nothing.
pub(crate) async fn alert(stream: &mut (impl AsyncWrite + Unpin), description: u8) {
    let record = [21, 3, 3, 0, 2, 2, description];
    // Whoever is gone needs no alert.
    let _ = stream.write_all(&record).await;
    let _ = stream.shutdown().await;
}
