//! Health and metrics, on the API socket and on a loopback port of their own.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sark_api::routes;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Api;
use crate::Observatory;

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(api): State<Api>) -> Response {
    ready(&api.observatory).await
}

pub(super) async fn metrics(State(api): State<Api>) -> Response {
    text(&api.observatory).await
}

/// Serves metrics and health over TCP until `stop`.
pub async fn serve_metrics(
    listener: TcpListener,
    observatory: Arc<Observatory>,
    stop: CancellationToken,
) {
    let router = Router::new()
        .route(routes::HEALTHZ, get(healthz))
        .route(routes::READYZ, get(async |State(o): State<Arc<Observatory>>| ready(&o).await))
        .route(routes::METRICS, get(async |State(o): State<Arc<Observatory>>| text(&o).await))
        .with_state(observatory);
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "metrics are no longer served");
    }
}

async fn ready(observatory: &Observatory) -> Response {
    match observatory.is_ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn text(observatory: &Observatory) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], observatory.metrics_text().await).into_response()
}
