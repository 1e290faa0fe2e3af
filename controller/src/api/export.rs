//! The registry in the forms of other tools.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sark_api::{ErrorBody, ErrorCode, routes};
use sark_export::{Form, Selection, Spared};
use sark_registry::{Kind, Role, Snapshot};

use super::Api;
use super::answer::{Failure, bad};
use super::questions::{Pairs, flag};

pub(super) async fn export(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Response, Failure> {
    let Asked { form, selection, at } = Asked::read(pairs)?;
    let earlier = match at {
        None => None,
        Some(at) => {
            let version = api.registrar.version(&at).await?;
            Some(api.registrar.endpoints_of(&version).await?)
        }
    };
    let (in_use, now) = (api.observatory.snapshot(), api.observatory.now());
    // As given now, whichever version is exported.
    let environment = api.observatory.desired.environment();
    let protected = environment.protected.iter().map(|protected| protected.prefix);
    let spared = Spared::new(&api.registrar.never_touch().await, protected, now);
    let made = tokio::task::spawn_blocking(move || {
        let snapshot = earlier.map_or(in_use, |endpoints| Arc::new(Snapshot::build(endpoints)));
        selection.check(&snapshot).map_err(|error| {
            let help = match &error.nearest {
                Some(near) => format!("did you mean {near:?}?"),
                None => "sarkctl registry list shows all".to_owned(),
            };
            Failure(ErrorBody::new(ErrorCode::NotFound, error.to_string()).with_help(help))
        })?;
        let exported = sark_export::export(&snapshot, form, &selection, &spared, now);
        Ok::<_, Failure>((snapshot.version().to_string(), exported))
    });
    let (version, exported) = made.await.map_err(|error| {
        Failure(ErrorBody::new(ErrorCode::Internal, format!("the export failed: {error}")))
    })??;
    let mut response = Body::from(exported.text).into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static(form.media_type());
    headers.insert(header::CONTENT_TYPE, kind);
    let mut say = |name, text: &str| {
        // Both are ASCII.
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.append(HeaderName::from_static(name), value);
        }
    };
    say(routes::REGISTRY_VERSION, &version);
    exported.notes.iter().for_each(|note| say(routes::NOTE, note));
    Ok(response)
}

struct Asked {
    form: Form,
    selection: Selection,
    at: Option<String>,
}

impl Asked {
    fn read(pairs: Vec<(String, String)>) -> Result<Self, Failure> {
        let mut selection = Selection::default();
        let [mut form, mut verified, mut shared, mut at] = [const { None }; 4];
        for (key, value) in pairs {
            let once = match key.as_str() {
                "provider" => {
                    selection.providers.push(value);
                    continue;
                }
                "kind" => {
                    selection.kinds.push(word("kind", &value, Kind::ALL, Kind::as_str)?);
                    continue;
                }
                "role" => {
                    selection.roles.push(word("role", &value, Role::ALL, Role::as_str)?);
                    continue;
                }
                "form" => &mut form,
                "verified" => &mut verified,
                "shared" => &mut shared,
                "at" => &mut at,
                _ => return Err(bad(format!("there is no parameter {key:?}"))),
            };
            if once.replace(value).is_some() {
                return Err(bad(format!("{key} is given twice")));
            }
        }
        selection.verified = flag("verified", verified)?;
        selection.shared = flag("shared", shared)?;
        let form = word("form", &form.unwrap_or_default(), Form::ALL, Form::as_str)?;
        Ok(Self { form, selection, at })
    }
}

/// The value of this word.
fn word<T: Copy>(
    what: &str,
    text: &str,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> Result<T, Failure> {
    let found = all.iter().copied().find(|one| as_str(*one) == text);
    found.ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|one| as_str(*one)).collect();
        bad(format!("{what} {text:?} is none of {}", words.join(", ")))
    })
}
