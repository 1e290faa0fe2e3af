//! Connections: bounded in number and time, drained at the end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::Peer;

/// More clients wait in the kernel's queue.
const CONNECTIONS: usize = 64;
/// A request's head has to be here by then.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// Octets of a request's head at most.
const LONGEST_HEAD: usize = 64 << 10;
/// Header fields of a request at most.
const MOST_HEADERS: usize = 64;
/// After an accept that failed.
pub(super) const BREATH: Duration = Duration::from_millis(100);

/// Serves until `stop`; then takes no new connection and ends those there are after the request
/// they are at. Ends when the last is gone: the caller sets the limit.
pub async fn serve(listener: UnixListener, router: Router, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let next = async {
            // Never closed.
            let slot = Arc::clone(&slots).acquire_owned().await.ok();
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, as a rule: wait for some to come back.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let Some(peer) = user_of(&stream) else { continue };
        let (router, watcher) = (router.clone(), graceful.watcher());
        // Owned by the connection itself: it ends with its client, its deadlines, or the drain.
        tokio::spawn(async move {
            converse(stream, peer, router, watcher).await;
            drop(slot);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// Answers the requests of one connection.
pub(super) async fn converse<S>(stream: S, peer: Peer, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|e| match e {})) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended badly");
    }
}

fn user_of(stream: &UnixStream) -> Option<Peer> {
    match stream.peer_cred() {
        Ok(credentials) => Some(Peer::Local { uid: credentials.uid() }),
        Err(error) => {
            tracing::warn!(%error, "a connection without a user is refused");
            None
        }
    }
}
