//! What rules have counted on routers.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use sark_api::{CountersRequest, CountersTaken, ErrorBody, ErrorCode};
use sark_core::identity::{Identity, Scope, is_name};

use super::Api;
use super::answer::{Answer, Failure, body};
use crate::enforcers::CountersError;

pub(super) async fn counters(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    Path(enforcer): Path<String>,
    request: Request,
) -> Result<Answer<CountersTaken>, Failure> {
    if !is_name(&enforcer) {
        return Err(CountersError::Name(enforcer).into());
    }
    if !may_count_for(&identity, &enforcer) {
        let who = identity.name.clone();
        return Err(CountersError::Other { who, enforcer }.into());
    }
    let CountersRequest { rules } = body(request).await?;
    let taken = api.observatory.enforcers.take(&enforcer, &rules, api.observatory.now())?;
    Ok(Answer(CountersTaken { rules: taken }))
}

/// Who is an enforcer counts for itself alone, whatever else it may do.
fn may_count_for(identity: &Identity, enforcer: &str) -> bool {
    let is_enforcer = identity.rights.scopes.contains(&Scope::Enforcer);
    let own = identity.name.split_once(':').map(|(_, name)| name);
    !is_enforcer || own == Some(enforcer)
}

impl From<CountersError> for Failure {
    fn from(error: CountersError) -> Self {
        let body = |code| ErrorBody::new(code, error.to_string());
        Self(match &error {
            CountersError::Other { .. } => {
                body(ErrorCode::Refused).with_help("report.name is the name of the token")
            }
            CountersError::Name(_) | CountersError::Rule(_) => body(ErrorCode::BadInput),
            CountersError::Rules => body(ErrorCode::TooLarge),
            CountersError::Enforcers => body(ErrorCode::TooMany),
        })
    }
}
