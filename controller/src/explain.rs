//! audit, policy, registry → [explain] → who asked, what steered it, what was decided, what came back
//!
//! All records about one request, joined with the rule that steered its flow: the revision that was in
//! use when the first record was made is compiled anew, on the registry version that the record names,
//! and asked about the flow's first packet. The trail has the one, the store the other; nothing is kept
//! for it.

mod steering;

use std::collections::BTreeSet;

use sark_api::{Explanation, NumberedRecord};
use sark_core::audit::{Page, Search};
use sark_core::storage::StorageError;

use crate::{Observatory, Registrar};

/// Characters of an id's beginning, at least.
const SHORTEST: usize = 4;
/// Records about one request that are told.
const MOST: u32 = 1000;
/// Ids that are named where a beginning is that of several.
const NAMED: usize = 5;

/// Why there is no story.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// It could be anything.
    #[error(
        "{0:?} is no id of a request, nor the beginning of one: {SHORTEST} characters at least"
    )]
    Short(String),
    /// Nobody knows it.
    #[error("no record is about a request {0:?}")]
    Unknown(String),
    /// Several begin so.
    #[error("{text:?} is the beginning of several requests: {}", .ids.join(", "))]
    Ambiguous {
        /// As given.
        text: String,
        /// Some of them.
        ids: Vec<String>,
    },
    /// The store does not answer.
    #[error("cannot read the store")]
    Store(#[from] StorageError),
    /// A defect.
    #[error("the rules of then were not compiled")]
    Failed(#[from] tokio::task::JoinError),
}

/// The story of the request with this id, or of the one whose id begins so.
pub async fn explain(
    observatory: &Observatory,
    registrar: &Registrar,
    text: &str,
) -> Result<Explanation, ExplainError> {
    if text.chars().count() < SHORTEST {
        return Err(ExplainError::Short(text.to_owned()));
    }
    let search = Search { request: Some(text.to_owned()), ..Search::default() };
    let page = Page::On { after: 0, limit: MOST };
    let mut found = observatory.store.search(&search, page).await?;
    let is_cut = found.len() >= MOST as usize;
    let ids: BTreeSet<String> =
        found.iter().filter_map(|(_, record)| record.about.request.clone()).collect();
    let id = match ids.len() {
        0 => return Err(ExplainError::Unknown(text.to_owned())),
        // One id may be the beginning of another.
        _ if ids.contains(text) => text.to_owned(),
        1 => ids.into_iter().next().unwrap_or_default(),
        _ => {
            let ids = ids.into_iter().take(NAMED).collect();
            return Err(ExplainError::Ambiguous { text: text.to_owned(), ids });
        }
    };
    found.retain(|(_, record)| record.about.request.as_ref() == Some(&id));
    let numbered = |(sequence, record)| NumberedRecord { sequence, record };
    let mut told = Explanation::of(id, found.into_iter().map(numbered).collect());
    if is_cut {
        told.notes.push(format!("only the first {MOST} records were read"));
    }
    steering::add(&mut told, observatory, registrar).await?;
    Ok(told)
}
