//! What others saw of names and flows.

use axum::extract::{Request, State};
use sark_api::{
    ErrorBody, ErrorCode, MOST_OBSERVATIONS, ObservationsRequest, ObservationsResponse,
};

use super::Api;
use super::answer::{Answer, Failure, body};

pub(super) async fn observe(
    State(api): State<Api>,
    request: Request,
) -> Result<Answer<ObservationsResponse>, Failure> {
    let ObservationsRequest { answers, flows } = body(request).await?;
    let Some(names) = &api.names else {
        let message = "names are not asked for, so what they lead to is not kept";
        let error = ErrorBody::new(ErrorCode::Conflict, message)
            .with_help("set registry.resolve.enabled: true in sarkd's configuration");
        return Err(Failure(error));
    };
    if answers.len().max(flows.len()) > MOST_OBSERVATIONS {
        let message = format!("more than {MOST_OBSERVATIONS} observations");
        let error = ErrorBody::new(ErrorCode::TooLarge, message).with_help("send fewer at a time");
        return Err(Failure(error));
    }
    let told = names.tell(answers, &flows);
    Ok(Answer(ObservationsResponse { known: told.known, unknown: told.unknown }))
}
