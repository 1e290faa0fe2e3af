//! The story of one request.

use axum::extract::{Path, State};
use sark_api::{ErrorBody, ErrorCode, Explanation};

use super::Api;
use super::answer::{Answer, Failure};
use crate::chain;
use crate::explain::{ExplainError, explain as told};

pub(super) async fn explain(
    State(api): State<Api>,
    Path(request): Path<String>,
) -> Result<Answer<Explanation>, Failure> {
    Ok(Answer(told(&api.observatory, &api.registrar, &request).await?))
}

impl From<ExplainError> for Failure {
    fn from(error: ExplainError) -> Self {
        let body = |code| ErrorBody::new(code, chain(&error));
        Self(match &error {
            ExplainError::Short(_) => body(ErrorCode::BadInput),
            ExplainError::Ambiguous { .. } => {
                body(ErrorCode::Conflict).with_help("give more of it")
            }
            ExplainError::Unknown(_) => body(ErrorCode::NotFound).with_help(
                "`sarkctl audit search --event decision` shows the newest requests, `sarkctl proxy \
                 status` whether a proxy still has records to hand in; older ones may have been pruned",
            ),
            ExplainError::Store(_) => {
                body(ErrorCode::Unavailable).with_help("sarkctl doctor says more")
            }
            ExplainError::Failed(_) => body(ErrorCode::Internal),
        })
    }
}
