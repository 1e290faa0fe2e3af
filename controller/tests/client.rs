//! HTTP over a Unix socket, one request per connection.

use std::path::Path;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use sark_core::storage::PolicyFile;
use serde_json::{Value, json};
use tokio::net::UnixStream;

/// Status and body; `Null` when the body is no JSON.
pub async fn request(
    socket: &Path,
    method: Method,
    path: &str,
    body: impl Into<Bytes>,
) -> Result<(u16, Value), Box<dyn std::error::Error + Send + Sync>> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "sarkd")
        .header("content-type", "application/json")
        .body(Full::new(body.into()))?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let octets = response.into_body().collect().await?.to_bytes();
    drop(sender);
    connection.abort();
    Ok((status, serde_json::from_slice(&octets).unwrap_or(Value::Null)))
}

pub async fn get(socket: &Path, path: &str) -> (u16, Value) {
    request(socket, Method::GET, path, "").await.unwrap()
}

pub async fn post(socket: &Path, path: &str, body: Value) -> (u16, Value) {
    request(socket, Method::POST, path, body.to_string()).await.unwrap()
}

pub fn body_of(files: &[PolicyFile]) -> Value {
    json!({ "files": files })
}
