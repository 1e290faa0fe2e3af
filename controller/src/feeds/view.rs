//! How feeds are, for people.

use sark_api::{CopyView, FeedState, FeedView, FeedsResponse, PendingView, ProblemView};
use sark_registry::feed::{Feed, Location};
use sark_registry::storage::{CheckOutcome, Pending};

use super::pass::Held;
use super::{Asked, FeedError, Feeds};

impl Feeds {
    /// All, by name.
    pub async fn views(&self) -> Result<FeedsResponse, FeedError> {
        let mut feeds = Vec::with_capacity(self.asked.len());
        for asked in self.asked.values() {
            feeds.push(self.view_of(asked).await?);
        }
        Ok(FeedsResponse { enabled: self.is_enabled, feeds })
    }

    /// One.
    pub async fn view(&self, name: &str) -> Result<FeedView, FeedError> {
        self.view_of(self.known(name)?).await
    }

    async fn view_of(&self, asked: &Asked) -> Result<FeedView, FeedError> {
        let feed = &asked.feed;
        let stored = self.store.feed(&feed.name).await?.unwrap_or_default();
        let parsed = self.registrar.copy_in_use(&feed.name).await.map(|copy| copy.parsed);
        let copy = stored.in_use.as_ref().map(|copy| CopyView {
            hash: copy.hash.to_string(),
            changed_at: copy.last_changed,
            fetched_at: Some(copy.fetched_at),
            published: parsed.as_ref().and_then(|parsed| parsed.published.clone()),
            entries: parsed.as_ref().map_or(0, |parsed| parsed.content.count()),
            skipped: parsed.as_ref().map_or(0, |parsed| parsed.skipped_count),
        });
        let check = stored.last_check.as_ref();
        let problem = check.and_then(|check| match &check.outcome {
            CheckOutcome::Failed { code, message } => Some(ProblemView {
                code: code.clone(),
                message: message.clone(),
                help: "the copy in use stays; it is asked again by itself".to_owned(),
            }),
            _ => None,
        });
        let is_on = self.is_on(feed);
        let state = match (&stored.pending, &problem, check) {
            (Some(_), ..) => FeedState::Held,
            (None, Some(_), _) => FeedState::Failing,
            (None, None, Some(_)) if copy.is_some() => FeedState::Current,
            _ if is_on => FeedState::Waiting,
            _ => FeedState::Off,
        };
        Ok(FeedView {
            name: feed.name.clone(),
            title: feed.title.clone(),
            owner: feed.owner.clone(),
            licence: feed.licence.clone(),
            location: location(feed),
            format: format(feed),
            schedule: feed.schedule.to_string(),
            state,
            endpoints: feed.outputs.iter().map(|output| output.endpoint.clone()).collect(),
            copy,
            checked_at: check.map(|check| check.at),
            next_at: asked.next(),
            failures: check.map_or(0, |check| check.failures),
            problem,
            pending: stored.pending.map(pending),
        })
    }
}

fn pending(pending: Pending) -> PendingView {
    let held: Option<Held> = serde_json::from_value(pending.doubts).ok();
    let (hash, fetched_at) = (pending.hash.to_string(), pending.fetched_at);
    match held {
        Some(held) => PendingView {
            hash,
            fetched_at,
            entries: held.entries,
            added: held.added,
            removed: held.removed,
            added_sample: held.added_sample,
            removed_sample: held.removed_sample,
            doubts: held.doubts,
        },
        // Written by another version: it can be accepted or rejected all the same.
        None => PendingView {
            hash,
            fetched_at,
            entries: 0,
            added: 0,
            removed: 0,
            added_sample: Vec::new(),
            removed_sample: Vec::new(),
            doubts: Vec::new(),
        },
    }
}

fn location(feed: &Feed) -> String {
    match &feed.location {
        Location::Urls(urls) => urls.join(" "),
        Location::File(path) | Location::Directory(path) => path.display().to_string(),
        Location::Taxii { root, collection } => format!("{root}collections/{collection}/"),
    }
}

/// The first word: forms have details.
fn format(feed: &Feed) -> String {
    let text = format!("{:?}", feed.format);
    text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase()
}
