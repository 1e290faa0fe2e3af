//! A stand-in for `sarkd`, on its socket: it has nothing new, and takes every record.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sark_api::{TrailBatch, TrailPosition, routes};
use tokio::net::UnixListener;

/// How far it has the records of each spool.
#[derive(Debug, Default)]
pub struct Taken(Mutex<HashMap<String, u64>>);

impl Taken {
    /// Records so far.
    pub fn records(&self) -> u64 {
        self.0.lock().unwrap().values().sum()
    }
}

/// Serves in a thread of its own until the program ends.
pub fn start(socket: &Path) -> Arc<Taken> {
    let listener = std::os::unix::net::UnixListener::bind(socket).unwrap();
    listener.set_nonblocking(true).unwrap();
    let taken = Arc::<Taken>::default();
    let shared = Arc::clone(&taken);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = UnixListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let taken = Arc::clone(&shared);
                let service = service_fn(move |request| answer(request, Arc::clone(&taken)));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
    });
    taken
}

async fn answer(
    request: Request<Incoming>,
    taken: Arc<Taken>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let position = match parts.uri.path() {
        routes::PROXY_SNAPSHOT => {
            // As long as a proxy waits.
            tokio::time::sleep(Duration::from_secs(45)).await;
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            return Ok(response);
        }
        routes::PROXY_RECORDS => {
            let body = body.collect().await.unwrap().to_bytes();
            let line = body.split(|octet| *octet == b'\n').next().unwrap_or_default();
            let batch: TrailBatch = serde_json::from_slice(line).unwrap();
            taken.0.lock().unwrap().insert(batch.mark, batch.position);
            batch.position
        }
        path => {
            let mark = path.rsplit('/').next().unwrap_or_default();
            taken.0.lock().unwrap().get(mark).copied().unwrap_or_default()
        }
    };
    let position = TrailPosition { position };
    Ok(Response::new(Full::from(serde_json::to_vec(&position).unwrap())))
}
