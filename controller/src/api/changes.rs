//! Plan, apply, withdraw.

use axum::Extension;
use axum::extract::{Request, State};
use jiff::Timestamp;
use sark_api::{ApplyRequest, ApplyResponse, PlanRequest, PlanResponse, WithdrawRequest};
use sark_core::audit::{AuditRecord, Evidence, Outcome};
use serde_json::json;

use super::Api;
use super::answer::{Answer, Failure, body, to_the_end};
use super::strangers::note;
use crate::changes::{Planned, Which};
use crate::{Actor, ChangeError};

pub(super) async fn plan(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Result<Answer<PlanResponse>, Failure> {
    let PlanRequest { files } = body(request).await?;
    let planned = api.changes.plan(files).await;
    let record = record(&planned, actor, api.observatory.clock.now());
    note(&api, &record).await;
    let planned = planned?;
    Ok(Answer(PlanResponse {
        plan: planned.document,
        revision: planned.current.as_ref().map(|revision| revision.number),
        current_policy_version: planned.current.map(|revision| revision.policy_version),
    }))
}

/// That a plan was made, and what it would do.
fn record(
    planned: &Result<Planned, ChangeError>,
    Actor(actor): Actor,
    now: Timestamp,
) -> AuditRecord {
    match planned {
        Ok(Planned { document, current }) => {
            let evidence = Evidence {
                registry_version: Some(document.registry_version.clone()),
                policy_version: Some(document.policy_version.clone()),
                rules: Vec::new(),
            };
            let revision = current.as_ref().map(|revision| revision.number);
            let detail = json!({ "summary": document.summary, "revision": revision });
            AuditRecord::new(now, actor, "flowspec.plan", Outcome::Ok, detail).on(evidence)
        }
        Err(error) => {
            use ChangeError::{Current, Internal, Store};
            let is_ours = matches!(error, Store(_) | Current(_) | Internal(_));
            let outcome = if is_ours { Outcome::Failed } else { Outcome::Refused };
            let detail = json!({ "reason": error.to_string() });
            AuditRecord::new(now, actor, "flowspec.plan", outcome, detail)
        }
    }
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
