//! HTTP over a Unix socket, one request per connection.

use std::path::Path;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use sark_core::storage::PolicyFile;
use serde_json::{Value, json};
use tokio::net::UnixStream;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Status and body; `Null` when the body is no JSON.
pub async fn request(
    socket: &Path,
    method: Method,
    path: &str,
    body: impl Into<Bytes>,
) -> Result<(u16, Value), Failed> {
    let response = raw(socket, method, path, body).await?;
    let value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    Ok((response.status().as_u16(), value))
}

/// The answer as it came.
pub async fn raw(
    socket: &Path,
    method: Method,
    path: &str,
    body: impl Into<Bytes>,
) -> Result<Response<Bytes>, Failed> {
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
    let (head, body) = response.into_parts();
    let octets = body.collect().await?.to_bytes();
    drop(sender);
    connection.abort();
    Ok(Response::from_parts(head, octets))
}

/// `GET` with a token: status and body.
pub async fn bearer(socket: &Path, path: &str, token: &str) -> (u16, Value) {
    let stream = UnixStream::connect(socket).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::builder()
        .uri(path)
        .header("host", "sarkd")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::new(Bytes::new()))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let octets = response.into_body().collect().await.unwrap().to_bytes();
    connection.abort();
    (status, serde_json::from_slice(&octets).unwrap_or(Value::Null))
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
