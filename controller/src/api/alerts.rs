//! Alerts.

use axum::extract::{Extension, Path, Query, Request, State};
use sark_alerts::Verdict;
use sark_api::{
    AlertsResponse, DeliveriesResponse, ErrorBody, ErrorCode, ReplayRequest, ReplayResponse,
    SinkOutcome, SinkTest, SinksResponse,
};
use sark_core::storage::alerts::{Delivery, DeliveryFilter, Replay};

use super::Api;
use super::answer::{Answer, Failure, bad, body, to_the_end};
use super::questions::{Pairs, known, limit};
use crate::Actor;
use crate::alerts::{AlertError, Alerts};
use crate::chain;

pub(super) async fn open(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<AlertsResponse>, Failure> {
    let [most] = known(pairs, ["limit"])?;
    Ok(Answer(alerts(&api)?.open(limit(most)?).await?))
}

pub(super) async fn deliveries(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<DeliveriesResponse>, Failure> {
    let [sink, state, key, most] = known(pairs, ["sink", "state", "key", "limit"])?;
    let state = state.map(|state| {
        state
            .parse()
            .map_err(|error: String| bad(format!("{error}: there are pending, delivered and dead")))
    });
    let filter = DeliveryFilter { sink, state: state.transpose()?, key };
    Ok(Answer(alerts(&api)?.deliveries(&filter, limit(most)?).await?))
}

pub(super) async fn delivery(
    State(api): State<Api>,
    Path(number): Path<String>,
) -> Result<Answer<Delivery>, Failure> {
    let number = number.parse().map_err(|_| bad(format!("{number:?} is no number")))?;
    alerts(&api)?.delivery(number).await?.map(Answer).ok_or_else(|| {
        Failure(
            ErrorBody::new(ErrorCode::NotFound, format!("there is no delivery {number}"))
                .with_help("sarkctl alerts list --deliveries shows them"),
        )
    })
}

pub(super) async fn sinks(State(api): State<Api>) -> Result<Answer<SinksResponse>, Failure> {
    Ok(Answer(alerts(&api)?.sink_views().await?))
}

pub(super) async fn test(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    Path(sink): Path<String>,
) -> Result<Answer<SinkTest>, Failure> {
    let (alerts, name) = (std::sync::Arc::clone(alerts(&api)?), sink.clone());
    let test = async move { alerts.test(&name, &actor).await };
    let (outcome, said) = match to_the_end(&api, test).await? {
        Verdict::Delivered { said } => (SinkOutcome::Delivered, said),
        Verdict::Retry { why, .. } => (SinkOutcome::Retry, why),
        Verdict::Dead { why } => (SinkOutcome::Dead, why),
    };
    Ok(Answer(SinkTest { sink, outcome, said }))
}

pub(super) async fn replay(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Result<Answer<ReplayResponse>, Failure> {
    let which = match body(request).await? {
        ReplayRequest { delivery: Some(number), sink: None, all: false } => Replay::One(number),
        ReplayRequest { delivery: None, sink: Some(sink), all: false } => Replay::Sink(sink),
        ReplayRequest { delivery: None, sink: None, all: true } => Replay::All,
        _ => return Err(bad("one of delivery, sink and all")),
    };
    let alerts = std::sync::Arc::clone(alerts(&api)?);
    let replay = async move { alerts.replay(&which, &actor).await };
    Ok(Answer(ReplayResponse { replayed: to_the_end(&api, replay).await? }))
}

fn alerts(api: &Api) -> Result<&std::sync::Arc<Alerts>, Failure> {
    api.alerts
        .as_ref()
        .ok_or_else(|| Failure(ErrorBody::new(ErrorCode::Unavailable, "alerts are not told here")))
}

impl From<AlertError> for Failure {
    fn from(error: AlertError) -> Self {
        let body = |code| ErrorBody::new(code, chain(&error));
        Self(match &error {
            AlertError::NoSink { nearest, .. } => {
                body(ErrorCode::NotFound).with_help(match nearest {
                    Some(name) => format!("did you mean {name:?}?"),
                    None => "sarkctl alerts sinks shows them".to_owned(),
                })
            }
            AlertError::Store(_) => {
                body(ErrorCode::Unavailable).with_help("check the disk of state.directory")
            }
        })
    }
}
