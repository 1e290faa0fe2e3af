//! Who asks, and tokens.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use sark_api::{
    ErrorBody, ErrorCode, RouteView, TokenMade, TokenRequest, TokenView, TokensResponse,
    WhoamiResponse,
};
use sark_core::identity::{Access, Identity, Rights, Scope};

use super::Api;
use super::answer::{Answer, Failure, body, to_the_end};
use super::describe::needs;
use super::table::table;
use crate::chain;
use crate::identities::{NewToken, TokenError};

/// Seconds for which a token holds unless it is said.
const LIFE: u64 = 90 * 24 * 60 * 60;

pub(super) async fn whoami(
    Extension(identity): Extension<Arc<Identity>>,
) -> Answer<WhoamiResponse> {
    let view = |access: Access, method: String, path: &str, about: &str| {
        let kind = identity.rights.scopes.iter().find_map(|scope| match scope {
            Scope::Reports(kind) => Some(kind.as_str()),
            Scope::Line(_) | Scope::Decide | Scope::Proxy | Scope::Enforcer => None,
        });
        RouteView {
            method,
            path: path.to_owned(),
            about: about.to_owned(),
            needs: needs(access),
            line: access.line.as_str().to_owned(),
            allowed: identity.may(access, kind).is_ok(),
        }
    };
    let routes = table().into_iter();
    let routes = routes.map(|r| view(r.access, r.method.to_string(), r.path, r.about)).collect();
    Answer(WhoamiResponse {
        name: identity.name.clone(),
        known: identity.known,
        roles: identity.rights.roles.clone(),
        scopes: identity.rights.scopes.clone(),
        routes,
    })
}

pub(super) async fn tokens(State(api): State<Api>) -> Result<Answer<TokensResponse>, Failure> {
    let now = api.observatory.now();
    let tokens = api.identities.list().await?;
    let tokens = tokens.into_iter().map(|token| TokenView::of(token, now)).collect();
    Ok(Answer(TokensResponse { tokens }))
}

pub(super) async fn token(
    State(api): State<Api>,
    Path(which): Path<String>,
) -> Result<Answer<TokenView>, Failure> {
    let token = api.identities.find(&which).await?;
    Ok(Answer(TokenView::of(token, api.observatory.now())))
}

pub(super) async fn make(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    request: Request,
) -> Result<Response, Failure> {
    let TokenRequest { name, roles, scopes, seconds } = body(request).await?;
    let seconds = i64::try_from(seconds.unwrap_or(LIFE)).unwrap_or(i64::MAX);
    let life = SignedDuration::from_secs(seconds);
    let new = NewToken { name, rights: Rights { roles, scopes }, life };
    let identities = Arc::clone(&api.identities);
    let made = to_the_end(&api, async move { identities.make(new, &identity).await }).await?;
    let (token, secret) = made;
    let token = TokenView::of(token, api.observatory.now());
    let made = TokenMade { token, secret: secret.reveal().to_owned() };
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(made)).into_response())
}

pub(super) async fn revoke(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    Path(which): Path<String>,
) -> Result<Answer<TokenView>, Failure> {
    let identities = Arc::clone(&api.identities);
    let token = to_the_end(&api, async move { identities.revoke(&which, &identity).await }).await?;
    Ok(Answer(TokenView::of(token, api.observatory.now())))
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let body = |code| ErrorBody::new(code, chain(&error));
        Self(match &error {
            TokenError::Input(_) => body(ErrorCode::BadInput),
            TokenError::Beyond(_) => body(ErrorCode::Forbidden)
                .with_help("fewer roles, or scopes that are among your own"),
            TokenError::Taken(_) => {
                body(ErrorCode::Conflict).with_help("revoke that one first, or take another name")
            }
            TokenError::Absent(_) => {
                body(ErrorCode::NotFound).with_help("sarkctl auth token list shows them")
            }
            TokenError::Revoked(_) => body(ErrorCode::Conflict),
            TokenError::Store(_) => body(ErrorCode::Unavailable)
                .with_help("nothing was changed; check the disk of state.directory"),
            TokenError::Random(_) => body(ErrorCode::Internal),
        })
    }
}
