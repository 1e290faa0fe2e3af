//! What waits for another person.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, Request, State};
use jiff::SignedDuration;
use sark_api::{
    ApprovalDecision, ApprovalRequest, ApprovalView, ApprovalsResponse, ErrorBody, ErrorCode,
};
use sark_core::approval::{ApprovalError, State as How, Wanted};
use sark_core::identity::Identity;

use super::Api;
use super::answer::{Answer, Failure, bad, body, to_the_end};
use super::questions::{Pairs, known};
use crate::approvals::{ApprovalsError, WAIT};
use crate::chain;

pub(super) async fn approvals(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<ApprovalsResponse>, Failure> {
    let [state] = known(pairs, ["state"])?;
    let all = [How::Pending, How::Approved, How::Rejected, How::Expired, How::Used];
    let state = match state {
        None => None,
        Some(word) => match all.into_iter().find(|how| how.as_str() == word) {
            None => return Err(bad("state: pending, approved, rejected, expired or used")),
            found => found,
        },
    };
    let now = api.observatory.now();
    let approvals = api.approvals.list(state).await?;
    let approvals = approvals.into_iter().map(|one| ApprovalView::of(one, now)).collect();
    Ok(Answer(ApprovalsResponse { approvals }))
}

pub(super) async fn approval(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Answer<ApprovalView>, Failure> {
    let approval = api.approvals.find(&id).await?;
    Ok(Answer(ApprovalView::of(approval, api.observatory.now())))
}

pub(super) async fn request(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    request: Request,
) -> Result<Answer<ApprovalView>, Failure> {
    let ApprovalRequest { kind, subject, title, seconds } = body(request).await?;
    let subject = subject.parse().map_err(|e: sark_core::HashError| bad(e.to_string()))?;
    let wait = match seconds {
        None => WAIT,
        Some(seconds) => SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)),
    };
    let wanted = Wanted { kind, subject, title, wait };
    let approvals = Arc::clone(&api.approvals);
    let made = async move { approvals.request(wanted, &identity).await };
    let approval = to_the_end(&api, made).await?;
    Ok(Answer(ApprovalView::of(approval, api.observatory.now())))
}

pub(super) async fn approve(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Answer<ApprovalView>, Failure> {
    decide(api, identity, id, true, request).await
}

pub(super) async fn reject(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Answer<ApprovalView>, Failure> {
    decide(api, identity, id, false, request).await
}

async fn decide(
    api: Api,
    identity: Arc<Identity>,
    id: String,
    approve: bool,
    request: Request,
) -> Result<Answer<ApprovalView>, Failure> {
    let ApprovalDecision { reason } = body(request).await?;
    let approvals = Arc::clone(&api.approvals);
    let decided = async move { approvals.decide(&id, approve, reason, &identity).await };
    let approval = to_the_end(&api, decided).await?;
    Ok(Answer(ApprovalView::of(approval, api.observatory.now())))
}

impl From<ApprovalsError> for Failure {
    fn from(error: ApprovalsError) -> Self {
        let body = |code| ErrorBody::new(code, chain(&error));
        Self(match &error {
            ApprovalsError::Approval(ApprovalError::Field { .. }) => body(ErrorCode::BadInput),
            ApprovalsError::Approval(ApprovalError::Own { .. }) => body(ErrorCode::Forbidden)
                .with_help("ask another approver; a token that one made is no other person"),
            ApprovalsError::Approval(_) | ApprovalsError::Conflict(_) => {
                body(ErrorCode::Conflict).with_help("look again: sarkctl approvals show ID")
            }
            ApprovalsError::Absent(_) => {
                body(ErrorCode::NotFound).with_help("sarkctl approvals list shows them")
            }
            ApprovalsError::NotApproved { .. } => body(ErrorCode::Forbidden)
                .with_help("sarkctl approvals request asks for it; another person approves"),
            ApprovalsError::Store(_) => body(ErrorCode::Unavailable)
                .with_help("nothing was changed; check the disk of state.directory"),
            ApprovalsError::Random(_) => body(ErrorCode::Internal),
        })
    }
}
