//! Clients that know the proxy: CONNECT (RFC 9110 §9.3.6), or requests with an absolute URI.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::uri::Scheme;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sark_detect::{Family, Kind, Refusal};
use sark_traces::Open;
use tokio::net::TcpStream;

use crate::begun::Begun;
use crate::body::Reply;
use crate::clients::Place;
use crate::conversation::Conversation;
use crate::flow::{Flow, Target};
use crate::ids;
use crate::proxy::Proxy;
use crate::refusals::Reason;
use crate::upstream::Own;

/// What becomes of the connection when HTTP is over on it.
type Tunnel = Arc<Mutex<Option<(OnUpgrade, Flow)>>>;

impl Proxy {
    /// Answers requests until one of them is CONNECT; then what follows is another connection.
    pub(crate) async fn explicit(
        self: &Arc<Self>,
        stream: TcpStream,
        flow: Flow,
        place: &Arc<Place>,
    ) {
        let _ = stream.set_nodelay(true);
        let conversation = Arc::new(Conversation {
            proxy: Arc::clone(self),
            flow: flow.clone(),
            scheme: Scheme::HTTP,
            name: None,
            ja4: None,
            server: None,
            host: None,
            endpoint: None,
            place: Arc::clone(place),
            own: Own::default(),
        });
        let tunnel: Tunnel = Arc::default();
        let service = service_fn(|request: Request<Incoming>| {
            let (conversation, tunnel) = (Arc::clone(&conversation), Arc::clone(&tunnel));
            async move {
                if request.method() == Method::CONNECT {
                    let answer = conversation.connect(request, &tunnel).await;
                    let watcher = &conversation.proxy.watcher;
                    let untraced = Open::default();
                    return Ok::<_, Infallible>(watcher.until_over(answer, None, untraced));
                }
                conversation.answer(request).await
            }
        });
        {
            let has_begun = Arc::<AtomicBool>::default();
            let stream = TokioIo::new(Begun::new(stream, Arc::clone(&has_begun)));
            let connection = self.http1().serve_connection(stream, service);
            let connection = pin!(connection.with_upgrades());
            self.until_stopped(connection, |it| it.graceful_shutdown(), (&flow, None, &has_begun))
                .await;
        }
        let tunnel = tunnel.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((upgrade, flow)) = tunnel else { return };
        let Ok(upgraded) = upgrade.await else { return };
        // It is what was given to hyper, and what hyper has read of it beyond the request.
        if let Ok(parts) = upgraded.downcast::<TokioIo<Begun<TcpStream>>>() {
            self.serve(parts.io.into_inner().into_inner(), flow, &parts.read_buf, place).await;
        }
    }
}

impl Conversation {
    async fn connect(&self, mut request: Request<Incoming>, tunnel: &Tunnel) -> Response<Reply> {
        let refused = |kind: Kind, message: String| {
            self.proxy.metrics.refused(kind);
            let id = ids::request(self.proxy.judge.now());
            let refusal = Refusal { kind, message, request_id: id, rule: None };
            refusal.of_family(Family::Unknown).map(Reply::ours)
        };
        let target = request.uri().authority().and_then(|authority| {
            let port = authority.port_u16()?;
            let host = sark_head::host(authority);
            (!host.is_empty() && !authority.as_str().contains('@'))
                .then_some(Target::Name(host, port))
        });
        let Some(target) = target else {
            let why = "CONNECT takes a host and a port";
            let about = self.proxy.correlation(&self.flow);
            self.proxy.refused(Reason::Head, &self.flow, about, None, why);
            return refused(Kind::Unreadable, why.to_owned());
        };
        let flow = Flow { target, ..self.flow.clone() };
        // Names are looked up for it.
        let _turn = match self.proxy.overload.enter(flow.client) {
            Ok(turn) => turn,
            Err(busy) => {
                self.proxy.metrics.shed();
                let (about, why) = (self.proxy.correlation(&flow), busy.to_string());
                self.proxy.refused(Reason::Overload, &flow, about, None, &why);
                return refused(Kind::Overloaded { retry_after: 1 }, busy.to_string());
            }
        };
        let dialer = self.proxy.upstreams.dialer();
        if let Err(error) = dialer.may(&flow.target, false, flow.client).await {
            let kind = if error.is_refusal() { Kind::Denied } else { Kind::Upstream };
            let (about, why) = (self.proxy.correlation(&flow), sark_core::chain(&error));
            self.proxy.unreachable(&flow, about, None, error.is_refusal(), &why);
            return refused(kind, error.to_string());
        }
        let upgrade = hyper::upgrade::on(&mut request);
        *tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some((upgrade, flow));
        let mut response = Response::new(Reply::ours(Bytes::new()));
        *response.status_mut() = StatusCode::OK;
        response
    }
}
