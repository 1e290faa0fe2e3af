//! Decisions, and the sets that make them.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, Request, State};
use sark_api::{
    ActivateRequest, ActivateResponse, DecideRequest, DecideResponse, ErrorBody, ErrorCode,
    RollbackRequest, RolloutResponse, SetView, SetsResponse, Wanted,
};
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::identity::Identity;
use sark_core::storage::PolicyFile;
use sark_decider::By;
use sark_policy::decision::{Input, Line, SetFile};
use serde_json::json;

use super::Api;
use super::answer::{Answer, Failure, bad, body, octets, to_the_end};
use super::questions::{Pairs, known};
use super::strangers::append;
use crate::chain;
use crate::decisions::{Asked, DecisionsError, Material, TakeError};

/// Of one question with its texts, 256 KiB: whatever is kept of it, its record is whole.
const LONGEST: usize = 256 << 10;
/// Octets of a name in it.
const LONGEST_NAME: usize = 1024;
/// Where a set is from that comes over the API.
const ORIGIN: &str = "api";

pub(super) async fn decide(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    request: Request,
) -> Result<Answer<DecideResponse>, Failure> {
    let octets = octets(request, "send less: counts and names, no prompts").await?;
    if octets.len() > LONGEST {
        let body = ErrorBody::new(ErrorCode::TooLarge, "a question has at most 256 KiB");
        return Err(Failure(body.with_help("send less: counts and names, no prompts")));
    }
    let asked: DecideRequest = serde_json::from_slice(&octets)
        .map_err(|error| bad(format!("the body is wrong: {error}")))?;
    let input = input(asked.line, asked.input)?;
    let decided = if asked.dry_run {
        api.decisions.look(input).await
    } else {
        let Some(trail) = &api.trail else {
            return Err(Failure(ErrorBody::new(ErrorCode::Unavailable, "there is no audit trail")));
        };
        let DecideRequest { texts, flow, durable, .. } = asked;
        let asked = Asked { input, by: identity.name.clone(), texts, flow, durable };
        api.decisions.decide_on(asked, trail, &api.keep).await
    };
    let Some(decided) = decided else {
        let body = ErrorBody::new(ErrorCode::Unavailable, "no decision set is in use");
        return Err(Failure(body.with_help(
            "name one in decisions.source, or put one to use: sarkctl policy activate SET",
        )));
    };
    Ok(Answer(DecideResponse {
        decision: decided.decision,
        policy_version: decided.version.to_string(),
        registry_version: api.decisions.registry_version(),
        canary: decided.by == By::Canary,
    }))
}

fn input(line: Line, fields: serde_json::Map<String, serde_json::Value>) -> Result<Input, Failure> {
    let is_long =
        |value: &serde_json::Value| value.as_str().is_some_and(|v| v.len() > LONGEST_NAME);
    if let Some((name, _)) = fields.iter().find(|(_, value)| is_long(value)) {
        return Err(bad(format!("input.{name} has more than {LONGEST_NAME} octets")));
    }
    let text = serde_json::Value::Object(fields).to_string();
    let input = Input::from_json(line, &text).map_err(|error| {
        let body = ErrorBody::new(ErrorCode::BadInput, format!("input: {error}"));
        Failure(body.with_help(format!("see policies/decision/schemas/{line}.schema.json")))
    })?;
    if input.line() == line {
        return Ok(input);
    }
    let body = ErrorBody::new(
        ErrorCode::BadInput,
        format!("the input is of the line {} and not {line}", input.line()),
    );
    Err(Failure(body.with_help("a request is of the line mcp if it has a `call`, else of llm")))
}

pub(super) async fn sets(State(api): State<Api>) -> Result<Answer<SetsResponse>, Failure> {
    Ok(Answer(api.decisions.sets().await.map_err(DecisionsError::from)?))
}

pub(super) async fn set(
    State(api): State<Api>,
    Path(version): Path<String>,
) -> Result<Answer<SetView>, Failure> {
    Ok(Answer(api.decisions.set(&version).await?))
}

pub(super) async fn rollout(State(api): State<Api>) -> Result<Answer<RolloutResponse>, Failure> {
    Ok(Answer(api.decisions.rollout().await.map_err(DecisionsError::from)?))
}

pub(super) async fn activate(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    request: Request,
) -> Result<Answer<ActivateResponse>, Failure> {
    let ActivateRequest { version, files, stage, percent, expect } = body(request).await?;
    let (decisions, by) = (Arc::clone(&api.decisions), identity.name.clone());
    let changed = async move {
        let taken = match version {
            Some(version) if files.is_empty() => decisions.stored(&version).await?,
            None if !files.is_empty() => {
                let file = |PolicyFile { name, text }| SetFile { path: name, octets: text.into() };
                let files = files.into_iter().map(file).collect();
                decisions.take(Material::Files(files), ORIGIN).await?
            }
            _ => return Err(DecisionsError::Input("give a version or files, and not both")),
        };
        decisions.activate(taken, stage, percent, expect, &by).await
    };
    let changed = recorded(&api, "policy.activate", &identity, changed).await?;
    answer(&api, changed).await
}

pub(super) async fn bundle(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    Query(pairs): Pairs,
    request: Request,
) -> Result<Answer<ActivateResponse>, Failure> {
    let [stage, percent, expect] = known(pairs, ["stage", "percent", "expect"])?;
    let stage = match stage.as_deref() {
        None | Some("active") => Wanted::Active,
        Some("shadow") => Wanted::Shadow,
        Some("canary") => Wanted::Canary,
        Some(_) => return Err(bad("stage: active, shadow or canary")),
    };
    let percent = percent.map(|text| text.parse()).transpose();
    let percent = percent.map_err(|_| bad("percent: 1 to 99"))?;
    let expect = expect.map(|text| text.parse()).transpose();
    let expect = expect.map_err(|_| bad("expect: the number of a rollout"))?;
    let octets = octets(request, "name it in decisions.source: there it may have 16 MiB").await?;
    let (decisions, by) = (Arc::clone(&api.decisions), identity.name.clone());
    let changed = async move {
        let taken = decisions.take(Material::Bundle(octets.to_vec()), ORIGIN).await?;
        decisions.activate(taken, stage, percent, expect, &by).await
    };
    let changed = recorded(&api, "policy.activate", &identity, changed).await?;
    answer(&api, changed).await
}

pub(super) async fn rollback(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    request: Request,
) -> Result<Answer<ActivateResponse>, Failure> {
    let RollbackRequest { expect } = body(request).await?;
    let (decisions, by) = (Arc::clone(&api.decisions), identity.name.clone());
    let changed = async move { decisions.rollback(expect, &by).await };
    recorded(&api, "policy.rollback", &identity, changed).await?;
    answer(&api, true).await
}

pub(super) async fn refresh(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
) -> Result<Answer<ActivateResponse>, Failure> {
    let (decisions, by) = (Arc::clone(&api.decisions), identity.name.clone());
    let changed = to_the_end(&api, async move { decisions.refresh(&by).await }).await?;
    answer(&api, changed).await
}

/// To the end; what is refused is recorded too. What is done is recorded where it is done.
async fn recorded<T: Send + 'static>(
    api: &Api,
    event: &'static str,
    identity: &Identity,
    change: impl Future<Output = Result<T, DecisionsError>> + Send + 'static,
) -> Result<T, Failure> {
    let (observatory, metrics) = (Arc::clone(&api.observatory), Arc::clone(&api.metrics));
    let actor = identity.name.clone();
    let change = async move {
        let done = change.await;
        if let Err(error) = &done {
            let (now, why) = (observatory.now(), chain(error));
            let record =
                AuditRecord::new(now, actor, event, Outcome::Refused, json!({ "why": why }));
            append(&*observatory.store, &record, &metrics).await;
        }
        done
    };
    to_the_end(api, change).await
}

async fn answer(api: &Api, changed: bool) -> Result<Answer<ActivateResponse>, Failure> {
    let now = api.decisions.rollout().await.map_err(DecisionsError::from)?;
    Ok(Answer(ActivateResponse { changed, now }))
}

impl From<DecisionsError> for Failure {
    fn from(error: DecisionsError) -> Self {
        let body = |code| ErrorBody::new(code, chain(&error));
        let unchanged = "what was in use stays";
        Self(match &error {
            DecisionsError::Take(TakeError::Mistakes(mistakes)) => {
                let mut answer = body(ErrorCode::BadInput).with_help(unchanged);
                answer.error.diagnostics = mistakes.iter().cloned().map(Into::into).collect();
                answer
            }
            DecisionsError::Take(TakeError::Unsigned) => body(ErrorCode::Refused)
                .with_help("activate a bundle that is signed: opa sign, or decisions.source"),
            DecisionsError::Take(TakeError::Changed(_)) => body(ErrorCode::Internal)
                .with_help("the store is damaged: activate the set from its files"),
            DecisionsError::Take(TakeError::Bundle(_)) => {
                body(ErrorCode::BadInput).with_help(unchanged)
            }
            DecisionsError::Unknown(_) => {
                body(ErrorCode::NotFound).with_help("sarkctl policy sets shows those that are kept")
            }
            DecisionsError::Input(_) => body(ErrorCode::BadInput),
            DecisionsError::Unexpected { .. }
            | DecisionsError::Store(sark_core::storage::StorageError::Conflict(_)) => {
                body(ErrorCode::Conflict)
                    .with_help("somebody changed it: look again by sarkctl policy sets")
            }
            DecisionsError::NothingBefore => body(ErrorCode::Refused)
                .with_help("sarkctl policy activate puts another set to use"),
            DecisionsError::Source(_) => body(ErrorCode::Unavailable).with_help(unchanged),
            DecisionsError::NoSource => body(ErrorCode::Refused)
                .with_help("name a directory, a bundle or a url in decisions.source"),
            DecisionsError::Store(_) => body(ErrorCode::Unavailable)
                .with_help("nothing was changed; check the disk of state.directory"),
            DecisionsError::Worker(_) | DecisionsError::Join(_) => body(ErrorCode::Internal),
        })
    }
}
