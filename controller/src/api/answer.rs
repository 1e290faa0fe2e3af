//! Bodies in and out: JSON both ways, one error body.

use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sark_api::{ErrorBody, ErrorCode, routes};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Api;
use crate::chain;
use crate::observatory::QuestionError;
use crate::{ChangeError, DesiredError};

/// A body has to be here by then.
const BODY_DEADLINE: Duration = Duration::from_secs(15);

/// An answer that is not a success.
pub(super) struct Failure(pub(super) ErrorBody);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.error.code.status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, axum::Json(self.0)).into_response()
    }
}

/// An answer that is.
pub(super) struct Answer<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Reads a body as JSON, bounded in octets and time.
pub(super) async fn body<T: DeserializeOwned>(request: Request) -> Result<T, Failure> {
    let octets =
        octets(request, "split the policies over several installations, or shorten them").await?;
    serde_json::from_slice(&octets).map_err(|error| bad(format!("the body is wrong: {error}")))
}

/// Reads a body, bounded in octets and time; what to do if it is too large.
pub(super) async fn octets(request: Request, too_large: &str) -> Result<Bytes, Failure> {
    octets_up_to(routes::MAX_BODY, request, too_large).await
}

/// The same, of so many octets at most.
pub(super) async fn octets_up_to(
    limit: usize,
    request: Request,
    too_large: &str,
) -> Result<Bytes, Failure> {
    let too_large = || {
        let body = ErrorBody::new(ErrorCode::TooLarge, format!("the body is over {limit} octets"));
        Failure(body.with_help(too_large))
    };
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_DEADLINE, to_bytes(request.into_body(), limit)).await {
        Ok(Ok(octets)) => Ok(octets),
        Ok(Err(error)) => {
            let over = std::error::Error::source(&error)
                .is_some_and(|source| source.to_string().contains("length limit"));
            Err(if over { too_large() } else { bad(chain(&error)) })
        }
        Err(_) => Err(Failure(ErrorBody::new(ErrorCode::Timeout, "the body did not arrive"))),
    }
}

/// A change that was begun ends, whether or not its client waits for it.
pub(super) async fn to_the_end<T, E>(
    api: &Api,
    change: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, Failure>
where
    T: Send + 'static,
    E: Send + 'static,
    Failure: From<E>,
{
    let outcome = api.work.spawn(change).await.map_err(|error| {
        Failure(ErrorBody::new(ErrorCode::Internal, format!("the change failed: {error}")))
    })?;
    Ok(outcome?)
}

/// `bad-input`.
pub(super) fn bad(message: impl Into<String>) -> Failure {
    Failure(ErrorBody::new(ErrorCode::BadInput, message))
}

impl From<QuestionError> for Failure {
    fn from(error: QuestionError) -> Self {
        let code = match &error {
            QuestionError::Store(_) | QuestionError::Desired(DesiredError::Store(_)) => {
                ErrorCode::Unavailable
            }
            QuestionError::Desired(_) => ErrorCode::Internal,
        };
        Self(ErrorBody::new(code, chain(&error)).with_help("sarkctl doctor says more"))
    }
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        let message = chain(&error);
        let body = |code| ErrorBody::new(code, message.clone());
        Self(match error {
            ChangeError::Input(diagnostics) => {
                let mut answer = body(ErrorCode::BadInput);
                answer.error.diagnostics = diagnostics;
                answer
            }
            ChangeError::NoPolicy => body(ErrorCode::BadInput)
                .with_help("to take all policies away: sarkctl flowspec withdraw --all"),
            ChangeError::NothingNamed => body(ErrorCode::BadInput),
            ChangeError::UnknownPolicy { nearest, .. } => {
                body(ErrorCode::NotFound).with_help(match nearest {
                    Some(name) => format!("did you mean {name:?}?"),
                    None => "sarkctl policy list shows the policies".to_owned(),
                })
            }
            ChangeError::Unexpected { .. } => body(ErrorCode::Conflict)
                .with_help("somebody changed it: look at the plan again, then apply"),
            ChangeError::Conflict => body(ErrorCode::Conflict).with_help("try again"),
            ChangeError::Refused(plan) => {
                let mut answer = body(ErrorCode::Refused)
                    .with_help("nothing was changed; each refusal says what to do");
                answer.error.plan = Some(plan);
                answer
            }
            ChangeError::Store(sark_core::storage::StorageError::NotLeading(_)) => {
                body(ErrorCode::NotLeading).with_help("ask the sarkd that leads")
            }
            ChangeError::Store(_) | ChangeError::Current(DesiredError::Store(_)) => {
                body(ErrorCode::Unavailable)
                    .with_help("nothing was changed; check the disk of state.directory")
            }
            ChangeError::Current(_) | ChangeError::Internal(_) => body(ErrorCode::Internal),
        })
    }
}
