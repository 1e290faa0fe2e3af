//! Reports of sensors.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sark_api::{
    ErrorBody, ErrorCode, KindView, KindsResponse, ReportTaken, ReportView, ReportsResponse,
    SensorView, SensorsResponse,
};
use sark_core::identity::Identity;
use sark_core::storage::ReportFilter;

use super::Api;
use super::answer::{Answer, Failure, octets};
use super::questions::{Pairs, known, limit};
use crate::chain;
use crate::sensors::ReportError;

/// A report is small: 64 KiB.
const LONGEST: usize = 64 << 10;
/// What makes two requests one.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

pub(super) async fn report(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    Path(kind): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let key = match request.headers().get(IDEMPOTENCY_KEY) {
        None => None,
        Some(key) => Some(key.to_str().map_err(|_| ReportError::Key)?.to_owned()),
    };
    let octets = octets(request, "send less with a report").await?;
    if octets.len() > LONGEST {
        let body = ErrorBody::new(ErrorCode::TooLarge, "a report is at most 64 KiB");
        return Err(Failure(body.with_help("send less with a report")));
    }
    let sensors = Arc::clone(&api.sensors);
    let taken = api
        .work
        .spawn(async move { sensors.take(&kind, &octets, key.as_deref(), &identity).await });
    let taken = taken.await.map_err(|error| {
        Failure(ErrorBody::new(ErrorCode::Internal, format!("the report failed: {error}")))
    })?;
    match taken {
        Ok(taken) => Ok(axum::Json(taken).into_response()),
        Err(error) => {
            let wait = match &error {
                ReportError::TooMany { wait, .. } => Some(wait.as_secs() + 1),
                _ => None,
            };
            let mut response = Failure::from(error).into_response();
            if let Some(seconds) = wait {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            Ok(response)
        }
    }
}

pub(super) async fn reports(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<ReportsResponse>, Failure> {
    let [kind, sensor, most] = known(pairs, ["kind", "sensor", "limit"])?;
    let filter = ReportFilter { kind, sensor };
    let reports = api.sensors.reports(&filter, limit(most)?).await.map_err(ReportError::from)?;
    let view = |one: sark_core::storage::StoredReport| {
        let answer: ReportTaken = serde_json::from_str(&one.answer).map_err(ReportError::from)?;
        Ok(ReportView { at: one.at, actor: one.actor, report: one.report, answer })
    };
    let reports = reports.into_iter().map(view).collect::<Result<_, ReportError>>()?;
    Ok(Answer(ReportsResponse { reports }))
}

pub(super) async fn kinds(State(api): State<Api>) -> Answer<KindsResponse> {
    let kinds = api.sensors.kinds().all().map(|(name, kind)| KindView {
        kind: name.to_owned(),
        title: kind.title.clone(),
        schema: kind.schema.clone(),
    });
    Answer(KindsResponse { kinds: kinds.collect() })
}

pub(super) async fn sensors(State(api): State<Api>) -> Result<Answer<SensorsResponse>, Failure> {
    let now = api.observatory.now();
    let last = api.sensors.store().last_reports().await.map_err(ReportError::from)?;
    let mut all: BTreeMap<(String, String), SensorView> = BTreeMap::new();
    let blank = |kind: &str, sensor: &str| SensorView {
        sensor: sensor.to_owned(),
        kind: kind.to_owned(),
        last_at: None,
        reports: 0,
        every: None,
        silent: false,
    };
    for one in last {
        let view = all
            .entry((one.kind.clone(), one.sensor.clone()))
            .or_insert_with(|| blank(&one.kind, &one.sensor));
        (view.last_at, view.reports) = (Some(one.at), one.count);
    }
    for expected in &api.observatory.config.sensors.expected {
        let view = all
            .entry((expected.kind.clone(), expected.sensor.clone()))
            .or_insert_with(|| blank(&expected.kind, &expected.sensor));
        view.every = u64::try_from(expected.every.as_secs()).ok();
        let since = view.last_at.unwrap_or(api.observatory.started_at);
        view.silent = now.duration_since(since.max(api.observatory.started_at)) > expected.every;
    }
    Ok(Answer(SensorsResponse { sensors: all.into_values().collect() }))
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        let body = |code| ErrorBody::new(code, chain(&error));
        Self(match &error {
            ReportError::Kind(_) => body(ErrorCode::NotFound)
                .with_help("sarkctl sensors kinds shows them; sensors.kinds adds one's own"),
            ReportError::Report(_) => {
                body(ErrorCode::BadInput).with_help("sarkctl sensors kinds KIND shows its schema")
            }
            ReportError::Key => body(ErrorCode::BadInput),
            ReportError::Differs { .. } => body(ErrorCode::Refused)
                .with_help("another report has another id and another Idempotency-Key"),
            ReportError::TooMany { .. } => body(ErrorCode::TooMany)
                .with_help("report less often; sensors.perMinute is the limit"),
            ReportError::Store(_) => body(ErrorCode::Unavailable)
                .with_help("the report was not taken: send it again with the same key"),
            ReportError::Answer(_) => body(ErrorCode::Internal),
        })
    }
}
