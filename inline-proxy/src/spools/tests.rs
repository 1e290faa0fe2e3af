//! Whose a spool is, and what becomes of one that was left.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sark_api::TrailBatch;
use sark_core::SystemClock;
use sark_core::audit::{AuditRecord, Outcome};
use tokio::net::UnixListener;

use super::*;

#[test]
fn no_spool_has_two_owners() {
    let state = tempfile::tempdir().unwrap();
    let first = claim(state.path(), 0).unwrap().unwrap();
    assert!(claim(state.path(), 0).unwrap().is_none());
    let second = claim(state.path(), 1).unwrap().unwrap();
    assert_ne!(first.directory, second.directory);
    assert_ne!(first.position, second.position);
    std::fs::create_dir(&first.directory).unwrap();
    assert!(left(state.path(), 0).unwrap().is_none(), "it is somebody's");
    drop(first);
    assert!(left(state.path(), 0).unwrap().is_some());
    assert!(left(state.path(), 2).unwrap().is_none(), "it was never there");
}

/// Marks, and all records that came.
#[derive(Debug, Default)]
struct Sarkd {
    marks: Mutex<HashMap<String, u64>>,
    records: Mutex<Vec<String>>,
}

impl Sarkd {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let position = if request.method() == Method::GET {
            let name = request.uri().path().rsplit('/').next().unwrap().to_owned();
            self.marks.lock().unwrap().get(&name).copied().unwrap_or_default()
        } else {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let text = String::from_utf8(body.to_vec()).unwrap();
            let (batch, records) = text.split_once('\n').unwrap();
            let batch: TrailBatch = serde_json::from_str(batch).unwrap();
            let mut marks = self.marks.lock().unwrap();
            assert_eq!(batch.after, Some(marks.get(&batch.mark).copied().unwrap_or_default()));
            marks.insert(batch.mark, batch.position);
            self.records.lock().unwrap().extend(records.lines().map(str::to_owned));
            batch.position
        };
        Response::new(Full::new(format!("{{\"position\":{position}}}").into()))
    }

    fn serve(self: Arc<Self>, path: &Path) {
        let listener = UnixListener::bind(path).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sarkd = Arc::clone(&self);
                let service = service_fn(move |request| {
                    let sarkd = Arc::clone(&sarkd);
                    async move { Ok::<_, Infallible>(sarkd.answer(request).await) }
                });
                let builder = hyper::server::conn::http1::Builder::new();
                tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_is_given_to_sarkd_once() {
    let state = tempfile::tempdir().unwrap();
    let socket = state.path().join("sarkd.sock");
    let place = sark_caller::SarkdConfig { socket: socket.clone(), ..Default::default() };
    let spools = Spools {
        state: state.path().to_owned(),
        most_octets: 1 << 20,
        caller: place.caller("sarkd").unwrap(),
        clock: Arc::new(SystemClock),
        counted: Arc::default(),
    };
    // Somebody writes while sarkd is away, and ends.
    let before = spools.claim().unwrap();
    let (trail, writer, _) = spools.open(&before).await.unwrap();
    for number in 0..3 {
        let detail = serde_json::json!({ "number": number });
        let now = spools.clock.now();
        trail.note(&AuditRecord::new(now, "proxy:x", "proxy.flow", Outcome::Ok, detail));
    }
    trail.close().await;
    tokio::task::spawn_blocking(move || writer.run()).await.unwrap();

    let own = spools.claim().unwrap();
    assert_ne!(own.directory, before.directory);
    let (ours, writer, _drain) = spools.open(&own).await.unwrap();
    let writing = tokio::task::spawn_blocking(move || writer.run());
    let sarkd = Arc::<Sarkd>::default();
    Arc::clone(&sarkd).serve(&socket);
    let stop = CancellationToken::new();
    let taking = tokio::spawn(spools.clone().take_over(stop.clone()));
    // As long as it is somebody's it is left alone.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(sarkd.records.lock().unwrap().len(), 0);
    let directory = before.directory.clone();
    drop(before);
    for _ in 0..600 {
        if !directory.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(!directory.exists(), "it was emptied");
    let numbers: Vec<i64> = (sarkd.records.lock().unwrap().iter())
        .map(|text| serde_json::from_str::<AuditRecord>(text).unwrap().detail["number"].as_i64())
        .map(Option::unwrap)
        .collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert!(own.directory.exists(), "the own one stays");
    stop.cancel();
    taking.await.unwrap();
    ours.close().await;
    writing.await.unwrap();
}
