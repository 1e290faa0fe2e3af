//! Plan, apply, withdraw.

use axum::Extension;
use axum::extract::{Request, State};
use sark_api::{ApplyRequest, ApplyResponse, PlanRequest, PlanResponse, WithdrawRequest};

use super::Api;
use super::answer::{Answer, Failure, body, to_the_end};
use crate::changes::Which;
use crate::{Actor, ChangeError};

pub(super) async fn plan(
    State(api): State<Api>,
    request: Request,
) -> Result<Answer<PlanResponse>, Failure> {
    let PlanRequest { files } = body(request).await?;
    let planned = api.changes.plan(files).await?;
    Ok(Answer(PlanResponse {
        plan: planned.document,
        revision: planned.current.as_ref().map(|revision| revision.number),
        current_policy_version: planned.current.map(|revision| revision.policy_version),
    }))
}

pub(super) async fn apply(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Result<Answer<ApplyResponse>, Failure> {
    let ApplyRequest { files, expect } = body(request).await?;
    let changes = std::sync::Arc::clone(&api.changes);
    let change = async move { changes.apply(files, expect.as_deref(), &actor).await };
    Ok(Answer(to_the_end(&api, change).await?))
}

pub(super) async fn withdraw(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Result<Answer<ApplyResponse>, Failure> {
    let which = match body(request).await? {
        WithdrawRequest { policies, all: true } if policies.is_empty() => Which::All,
        WithdrawRequest { policies, all: false } if !policies.is_empty() => Which::Named(policies),
        _ => return Err(ChangeError::NothingNamed.into()),
    };
    let changes = std::sync::Arc::clone(&api.changes);
    let change = async move { changes.withdraw(which, &actor).await };
    Ok(Answer(to_the_end(&api, change).await?))
}
