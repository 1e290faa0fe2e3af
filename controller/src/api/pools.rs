//! Pools of proxies.

use axum::extract::State;
use sark_api::PoolsResponse;

use super::Api;
use super::answer::Answer;

pub(super) async fn pools(State(api): State<Api>) -> Answer<PoolsResponse> {
    Answer(of(&api).await)
}

/// How they are, and what policies do. Who follows asks nobody.
pub(super) async fn of(api: &Api) -> PoolsResponse {
    let steering = api.observatory.steering().await;
    api.pools.view(&steering, api.leadership.leads())
}
