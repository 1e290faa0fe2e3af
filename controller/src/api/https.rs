//! The same API for clients on other machines: TLS 1.2 and 1.3, and every wait has an end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Peer;
use super::certificates::Names;
use super::serve::{BREATH, converse};
use super::source::{Crowd, Source};
use super::tls::Tls;
use crate::chain;

/// A handshake has to be done by then.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// Connections of one source.
const CONNECTIONS_EACH: usize = 32;
/// A connection is no older: who reads slowly holds its place no longer.
const LIFETIME: Duration = Duration::from_secs(600);
/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(30);

/// Serves until `stop`, as [`serve`](super::serve()) does.
pub async fn serve_https(
    listener: TcpListener,
    tls: Arc<Tls>,
    connections: usize,
    router: Router,
    stop: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(connections));
    let crowd = Crowd::new(CONNECTIONS_EACH.min(connections));
    let graceful = GracefulShutdown::new();
    // What was just read need not be looked at at once.
    let mut look = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
    loop {
        let next = async {
            // Never closed.
            let slot = Arc::clone(&slots).acquire_owned().await.ok();
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            _ = look.tick() => {
                look_again(&tls).await;
                continue;
            }
            next = next => next,
        };
        let (stream, address) = match accepted {
            Ok((stream, address)) => (stream, address.ip().to_canonical()),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let Some(place) = crowd.enter(Source::of(address)) else {
            tracing::debug!(%address, "too many connections from here");
            continue;
        };
        let (router, watcher) = (router.clone(), graceful.watcher());
        let acceptor = TlsAcceptor::from(tls.current());
        let stop = stop.clone();
        // Owned by the connection itself: it ends with its client, its deadlines, or the drain.
        tokio::spawn(async move {
            tokio::select! {
                () = one(stream, address, acceptor, router, watcher) => {}
                // Those that only hold a place do not hold up the end.
                () = async { stop.cancelled().await; tokio::time::sleep(HANDSHAKE_DEADLINE).await } => {}
            }
            drop((slot, place));
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

async fn one(
    stream: TcpStream,
    address: IpAddr,
    acceptor: TlsAcceptor,
    router: Router,
    watcher: Watcher,
) {
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE_DEADLINE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%address, error = chain(&error), "a TLS handshake failed");
            return;
        }
        Err(_) => {
            tracing::debug!(%address, "a TLS handshake took too long");
            return;
        }
    };
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let certificate = certificate.map(|der| Arc::new(Names::of(der)));
    let peer = Peer::Remote { address, certificate };
    if tokio::time::timeout(LIFETIME, converse(stream, peer, router, watcher)).await.is_err() {
        tracing::debug!(%address, "a connection was as old as it may be");
    }
}

/// Reads the files again if they are others.
async fn look_again(tls: &Arc<Tls>) {
    let tls = Arc::clone(tls);
    let read = tokio::task::spawn_blocking(move || tls.is_stale().then(|| tls.reload()));
    match read.await {
        Ok(Some(Ok(()))) => tracing::info!("read the certificate of api.https again"),
        Ok(Some(Err(error))) => {
            tracing::error!(error = chain(&error), "the certificate of api.https stays as it was");
        }
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "cannot look at the certificate of api.https"),
    }
}
