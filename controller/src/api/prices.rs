//! What models cost.

use axum::extract::{Query, Request, State};
use sark_api::{
    CostRequest, CostResponse, ErrorBody, ErrorCode, PriceLookupResponse, PriceVersionView,
    PriceVersionsResponse, PricesResponse,
};
use sark_registry::storage::PriceVersion;

use super::Api;
use super::answer::{Answer, Failure, bad, body};
use super::questions::{MOST_QUERIES, Pairs, known, limit};
use crate::chain;
use crate::prices::PricesError;

pub(super) async fn prices(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<PricesResponse>, Failure> {
    let [provider, version] = known(pairs, ["provider", "version"])?;
    let used = api.prices.list(number(version)?).await?;
    Ok(Answer(sark_api::prices(&used.list, used.version, provider.as_deref())))
}

pub(super) async fn lookup(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<PriceLookupResponse>, Failure> {
    let (queries, rest): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| key == "q");
    let [provider, version] = known(rest, ["provider", "version"])?;
    let queries: Vec<String> = queries.into_iter().map(|(_, value)| value).collect();
    if queries.is_empty() || queries.len() > MOST_QUERIES {
        return Err(bad(format!("1 to {MOST_QUERIES} parameters q")));
    }
    let used = api.prices.list(number(version)?).await?;
    Ok(Answer(sark_api::price_lookup(&used.list, used.version, provider.as_deref(), &queries)))
}

pub(super) async fn cost(
    State(api): State<Api>,
    request: Request,
) -> Result<Answer<CostResponse>, Failure> {
    let request: CostRequest = body(request).await?;
    let used = api.prices.list(request.version).await?;
    Ok(Answer(sark_api::cost(&used.list, used.version, &request)))
}

pub(super) async fn versions(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<PriceVersionsResponse>, Failure> {
    let [most] = known(pairs, ["limit"])?;
    let versions = api.prices.versions(limit(most)?).await?;
    let in_use = api.prices.holder().current().version;
    Ok(Answer(PriceVersionsResponse { in_use, versions: versions.into_iter().map(view).collect() }))
}

fn view(version: PriceVersion) -> PriceVersionView {
    PriceVersionView {
        number: version.number,
        hash: version.hash.to_string(),
        at: version.origin.at,
        cause: version.origin.cause,
        actor: version.origin.actor,
    }
}

fn number(text: Option<String>) -> Result<Option<u64>, Failure> {
    let number = |text: String| text.parse().map_err(|_| bad(format!("{text:?} is no number")));
    text.map(number).transpose()
}

impl From<PricesError> for Failure {
    fn from(error: PricesError) -> Self {
        let body = |code| ErrorBody::new(code, chain(&error));
        Self(match error {
            PricesError::NoVersion(_) => body(ErrorCode::NotFound)
                .with_help("sarkctl registry prices versions shows those that are kept"),
            PricesError::Store(_) => {
                body(ErrorCode::Unavailable).with_help("check the disk of state.directory")
            }
            PricesError::Unreadable { .. } | PricesError::Defect(_) => body(ErrorCode::Internal),
        })
    }
}
