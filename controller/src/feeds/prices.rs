//! The one feed that brings no endpoints but prices.

use std::sync::Arc;

use sark_prices::PriceList;
use sark_registry::feed::{Content, Feed, Format, PRICE_LIST};

use super::{FeedError, Feeds};
use crate::Actor;
use crate::chain;
use crate::registrar::OURSELVES;

/// What a feed of prices said, if this is one.
pub(super) fn list(content: &Content) -> Option<&Arc<PriceList>> {
    match content {
        Content::Prices(list) => Some(list),
        _ => None,
    }
}

/// Asked whether or not other feeds are: who names it wants it.
pub(super) fn is_prices(feed: &Feed) -> bool {
    matches!(feed.format, Format::PriceList(_))
}

impl Feeds {
    /// What was in use before a restart is in use after it.
    pub async fn begin(&self) {
        if let Some(asked) = self.asked.get(PRICE_LIST) {
            self.settle_prices(&asked.feed).await;
        }
    }

    /// Uses the list of the copy in use, if it is another: after a start, or where it could not be
    /// stored before. If that fails it is tried again with the next question.
    pub(super) async fn settle_prices(&self, feed: &Feed) {
        if !is_prices(feed) {
            return;
        }
        let copy = self.registrar.copy_in_use(&feed.name).await;
        let Some(list) = copy.as_ref().and_then(|copy| list(&copy.parsed.content)) else { return };
        let ourselves = Actor(OURSELVES.to_owned());
        if let Err(error) = self.use_prices(&feed.name, list, &ourselves).await {
            tracing::error!(error = chain(&error), "the price list in use stays as it was");
        }
    }

    /// A list comes into use; the store has its copy already.
    pub(super) async fn use_prices(
        &self,
        feed: &str,
        list: &Arc<PriceList>,
        actor: &Actor,
    ) -> Result<(), FeedError> {
        if self.prices.uses(list.hash()) {
            return Ok(());
        }
        let Some(copy) = self.store.copy_in_use(feed).await? else { return Ok(()) };
        let octets: Vec<u8> = copy.parts.into_iter().flat_map(|part| part.octets).collect();
        let unreadable = |why: String| FeedError::Unreadable { feed: feed.to_owned(), why };
        let document = String::from_utf8(octets).map_err(|error| unreadable(error.to_string()))?;
        if sark_core::ContentHash::of(document.as_bytes()) != *list.hash() {
            return Err(unreadable("the stored copy is another one".to_owned()));
        }
        let cause = format!("feed {feed}");
        Ok(self.prices.use_list(Arc::clone(list), &document, &cause, actor).await?)
    }
}
