//! The registry: versions, entries.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, Request, State};
use sark_api::{
    ChangeKind, DiagnosticBody, DifferenceResponse, EndpointDifference, EndpointView,
    EntriesChanged, EntriesRequest, EntriesResponse, EntryView, ErrorBody, ErrorCode,
    FieldDifference, HistoryResponse, HistoryStep, PinRequest, PinResponse, PinTarget,
    VersionResponse, VersionView, VersionsResponse,
};
use sark_core::document::Diagnostic;
use sark_registry::assemble::Note;
use sark_registry::difference;
use sark_registry::storage::{UserEntry, Version};

use super::Api;
use super::answer::{Answer, Failure, bad, body, to_the_end};
use super::questions::{Pairs, flag, known, limit};
use crate::Actor;
use crate::chain;
use crate::registrar::{
    EntriesError, EntryChange, How, PinError, PinnedTo, RegistrarError, VersionError,
};

pub(super) async fn versions(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<VersionsResponse>, Failure> {
    let [most] = known(pairs, ["limit"])?;
    let versions = api.registrar.versions(limit(most)?).await.map_err(VersionError::from)?;
    let (pinned, in_use) = api.registrar.in_use().await.map_err(VersionError::from)?;
    Ok(Answer(VersionsResponse {
        in_use: in_use.map(|version| version.number),
        pinned,
        versions: versions.into_iter().map(view).collect(),
    }))
}

pub(super) async fn version(
    State(api): State<Api>,
    Path(text): Path<String>,
) -> Result<Answer<VersionResponse>, Failure> {
    let version = api.registrar.version(&text).await?;
    let endpoints = api.registrar.endpoints_of(&version).await?;
    let endpoints = endpoints.iter().map(EndpointView::from).collect();
    Ok(Answer(VersionResponse { version: view(version), endpoints }))
}

pub(super) async fn difference(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<DifferenceResponse>, Failure> {
    let [Some(from), Some(to)] = known(pairs, ["from", "to"])? else {
        return Err(bad("from and to: two versions"));
    };
    let (from, to) = (api.registrar.version(&from).await?, api.registrar.version(&to).await?);
    let changes = api.registrar.difference(&from, &to).await?;
    let endpoints = changes.into_iter().map(difference_of).collect();
    Ok(Answer(DifferenceResponse { from: view(from), to: view(to), endpoints }))
}

pub(super) async fn history(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<HistoryResponse>, Failure> {
    let [Some(query)] = known(pairs, ["q"])? else {
        return Err(bad("q: an address, a prefix or a name"));
    };
    let registry = api.observatory.snapshot();
    let question = registry.answer(&query).map_err(|error| bad(error.to_string()))?.question;
    let (steps, truncated) = api.registrar.history(&question).await?;
    let one = |(endpoint, what): (String, String)| format!("{endpoint} by {what}");
    let steps = steps.into_iter().map(|step| HistoryStep {
        version: view(step.version),
        came: step.came.into_iter().map(one).collect(),
        went: step.went.into_iter().map(one).collect(),
    });
    Ok(Answer(HistoryResponse { query: question.to_string(), steps: steps.collect(), truncated }))
}

pub(super) async fn pin(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Result<Answer<PinResponse>, Failure> {
    let PinRequest { to } = body(request).await?;
    let to = match to {
        PinTarget::Version(number) => PinnedTo::Version(number),
        PinTarget::Previous => PinnedTo::Previous,
        PinTarget::Newest => PinnedTo::Newest,
    };
    let registrar = Arc::clone(&api.registrar);
    let in_use = to_the_end(&api, async move { registrar.pin(to, &actor).await }).await?;
    let (pinned, _) = api.registrar.in_use().await.map_err(VersionError::from)?;
    Ok(Answer(PinResponse { pinned, in_use: view(in_use) }))
}

pub(super) async fn entries(State(api): State<Api>) -> Result<Answer<EntriesResponse>, Failure> {
    let entries = api.registrar.entries().await.map_err(EntriesError::from)?;
    Ok(Answer(EntriesResponse { entries: entries.into_iter().map(entry).collect() }))
}

pub(super) async fn put_entries(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Result<Answer<EntriesChanged>, Failure> {
    let EntriesRequest { text, file, dry_run, expect } = body(request).await?;
    let registrar = Arc::clone(&api.registrar);
    let change = async move {
        let how = How { dry_run, expect: expect.as_deref() };
        registrar.put_entry(&file, &text, how, &actor).await
    };
    Ok(Answer(changed(to_the_end(&api, change).await?)))
}

pub(super) async fn delete_entry(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    Query(pairs): Pairs,
) -> Result<Answer<EntriesChanged>, Failure> {
    let [dry_run, expect] = known(pairs, ["dryRun", "expect"])?;
    let dry_run = flag("dryRun", dry_run)?;
    let registrar = Arc::clone(&api.registrar);
    let change = async move {
        let how = How { dry_run, expect: expect.as_deref() };
        registrar.delete_entry(&name, how, &actor).await
    };
    Ok(Answer(changed(to_the_end(&api, change).await?)))
}

fn changed(change: EntryChange) -> EntriesChanged {
    let note = |note: Note| DiagnosticBody::from(Diagnostic::of_file(&note.layer, note.message));
    EntriesChanged {
        entries: vec![change.entry],
        version: change.after.to_string(),
        notes: change.notes.into_iter().map(note).collect(),
        before: change.before.to_string(),
        endpoints: change.endpoints.into_iter().map(difference_of).collect(),
        pinned: change.pinned,
    }
}

fn view(version: Version) -> VersionView {
    VersionView {
        number: version.number,
        version: version.hash.to_string(),
        at: version.origin.at,
        cause: version.origin.cause,
        actor: version.origin.actor,
        endpoints: version.counts.endpoints,
    }
}

fn entry(entry: UserEntry) -> EntryView {
    let UserEntry { name, text, owner, created_at, actor, expires } = entry;
    EntryView { name, owner, expires, at: created_at, actor, text }
}

fn difference_of(change: difference::EndpointChange) -> EndpointDifference {
    EndpointDifference {
        id: change.id,
        change: match change.kind {
            difference::ChangeKind::Added => ChangeKind::Added,
            difference::ChangeKind::Removed => ChangeKind::Removed,
            difference::ChangeKind::Changed => ChangeKind::Changed,
        },
        added: change.added.texts().collect(),
        removed: change.removed.texts().collect(),
        fields: change
            .fields
            .into_iter()
            .map(|f| FieldDifference { field: f.field, from: f.from, to: f.to })
            .collect(),
    }
}

impl From<VersionError> for Failure {
    fn from(error: VersionError) -> Self {
        let code = match &error {
            VersionError::Unknown(_) => ErrorCode::NotFound,
            VersionError::Ambiguous { .. } => ErrorCode::BadInput,
            VersionError::Store(_) => ErrorCode::Unavailable,
        };
        Self(ErrorBody::new(code, chain(&error)).with_help("sarkctl registry versions shows them"))
    }
}

impl From<PinError> for Failure {
    fn from(error: PinError) -> Self {
        let code = match &error {
            PinError::Unknown(_) | PinError::First(_) => ErrorCode::NotFound,
            PinError::Store(_) | PinError::Registrar(RegistrarError::Store(_)) => {
                ErrorCode::Unavailable
            }
            PinError::Registrar(RegistrarError::Defect(_)) => ErrorCode::Internal,
        };
        Self(ErrorBody::new(code, chain(&error)).with_help("sarkctl registry versions shows them"))
    }
}

impl From<EntriesError> for Failure {
    fn from(error: EntriesError) -> Self {
        let message = chain(&error);
        let body = |code| ErrorBody::new(code, message.clone());
        Self(match error {
            EntriesError::Input(diagnostics) => {
                let mut answer = body(ErrorCode::BadInput);
                answer.error.diagnostics =
                    diagnostics.into_iter().map(DiagnosticBody::from).collect();
                answer
            }
            EntriesError::Unknown(_) => {
                body(ErrorCode::NotFound).with_help("sarkctl registry entries list shows them")
            }
            EntriesError::Unexpected { .. } => body(ErrorCode::Conflict)
                .with_help("a feed or somebody else changed it: look again, then decide"),
            EntriesError::Store(_) | EntriesError::Registrar(RegistrarError::Store(_)) => {
                body(ErrorCode::Unavailable)
                    .with_help("the registry stays as it was; check the disk of state.directory")
            }
            EntriesError::Registrar(RegistrarError::Defect(_)) => body(ErrorCode::Internal),
        })
    }
}
