//! Everything that only looks.

use axum::extract::{Path, Query, State};
use sark_api::{
    EndpointsResponse, ErrorBody, ErrorCode, LookupResponse, PeersResponse, PoliciesResponse,
    RevisionView, RevisionsResponse, RuleView, RulesResponse, StatusResponse,
};

use super::answer::{Answer, Failure, bad};
use super::{Api, pools};
use crate::pools::problems;

pub(super) type Pairs = Query<Vec<(String, String)>>;

/// Revisions or versions listed unless asked for more, and at most.
const LISTED: u32 = 20;
const MOST_LISTED: u32 = 1000;
/// Questions in one lookup.
pub(super) const MOST_QUERIES: usize = 1000;

pub(super) async fn status(State(api): State<Api>) -> Answer<StatusResponse> {
    let mut status = api.observatory.status().await;
    status.problems.extend(api.names.iter().flat_map(|names| names.problems()));
    status.problems.extend(api.decisions.problems());
    status.problems.extend(problems(&pools::of(&api).await).into_iter().map(Into::into));
    status.problems.extend(api.alerts.iter().flat_map(|alerts| alerts.problems()));
    Answer(status)
}

pub(super) async fn peers(State(api): State<Api>) -> Answer<PeersResponse> {
    Answer(PeersResponse { peers: api.observatory.peers().await })
}

pub(super) async fn rules(State(api): State<Api>) -> Result<Answer<RulesResponse>, Failure> {
    Ok(Answer(api.observatory.rules().await?))
}

pub(super) async fn rule(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Answer<RuleView>, Failure> {
    api.observatory.rule(&id).await?.map(Answer).ok_or_else(|| {
        Failure(
            ErrorBody::new(ErrorCode::NotFound, format!("there is no rule {id}"))
                .with_help("sarkctl flowspec list shows the rules"),
        )
    })
}

pub(super) async fn revisions(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<RevisionsResponse>, Failure> {
    let [most] = known(pairs, ["limit"])?;
    Ok(Answer(RevisionsResponse { revisions: api.observatory.revisions(limit(most)?).await? }))
}

pub(super) async fn revision(
    State(api): State<Api>,
    Path(number): Path<String>,
) -> Result<Answer<RevisionView>, Failure> {
    let number = number.parse().map_err(|_| bad(format!("{number:?} is no revision number")))?;
    api.observatory.revision(number).await?.map(Answer).ok_or_else(|| {
        Failure(
            ErrorBody::new(ErrorCode::NotFound, format!("there is no revision {number}"))
                .with_help("sarkctl flowspec revisions shows them"),
        )
    })
}

pub(super) async fn policies(State(api): State<Api>) -> Result<Answer<PoliciesResponse>, Failure> {
    Ok(Answer(api.observatory.policies().await?))
}

pub(super) async fn endpoints(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<EndpointsResponse>, Failure> {
    let [provider, kind] = known(pairs, ["provider", "kind"])?;
    Ok(Answer(api.observatory.endpoints(provider.as_deref(), kind.as_deref())))
}

pub(super) async fn lookup(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<LookupResponse>, Failure> {
    let mut queries = Vec::new();
    for (key, value) in pairs {
        match key.as_str() {
            "q" if value.trim().is_empty() => return Err(bad("q is empty")),
            "q" => queries.push(value),
            _ => return Err(bad(format!("there is no parameter {key:?}"))),
        }
    }
    if queries.is_empty() || queries.len() > MOST_QUERIES {
        return Err(bad(format!("1 to {MOST_QUERIES} parameters q")));
    }
    // Answers may be long: not on a thread that others wait for.
    let answers = tokio::task::spawn_blocking(move || api.observatory.lookup(&queries)).await;
    answers.map(Answer).map_err(|error| {
        Failure(ErrorBody::new(ErrorCode::Internal, format!("the lookup failed: {error}")))
    })
}

/// How many to list.
pub(super) fn limit(text: Option<String>) -> Result<u32, Failure> {
    let Some(text) = text else { return Ok(LISTED) };
    let limit = text.parse().ok().filter(|limit| (1..=MOST_LISTED).contains(limit));
    limit.ok_or_else(|| bad(format!("limit {text:?} is not 1 to {MOST_LISTED}")))
}

/// A parameter that is `true` or `false`; missing is `false`.
pub(super) fn flag(name: &str, text: Option<String>) -> Result<bool, Failure> {
    match text.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(bad(format!("{name} is true or false, not {other:?}"))),
    }
}

/// These parameters, each at most once, and no others.
pub(super) fn known<const N: usize>(
    pairs: Vec<(String, String)>,
    names: [&str; N],
) -> Result<[Option<String>; N], Failure> {
    let mut values = [const { None }; N];
    for (key, value) in pairs {
        let slot = names.iter().position(|name| *name == key);
        match slot.and_then(|slot| values.get_mut(slot)) {
            None => return Err(bad(format!("there is no parameter {key:?}"))),
            Some(Some(_)) => return Err(bad(format!("{key} is given twice"))),
            Some(empty) => *empty = Some(value),
        }
    }
    Ok(values)
}
