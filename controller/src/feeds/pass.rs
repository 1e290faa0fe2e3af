//! One question to one feed, from the request to what is in use.

use std::sync::Arc;

use jiff::Timestamp;
use sark_api::{ProblemView, RefreshOutcome, RefreshResult};
use sark_core::ContentHash;
use sark_core::audit::{AuditRecord, Outcome};
use sark_feed_formats::{ParseLimits, parse};
use sark_registry::doubt::{Doubt, Verdict, judge};
use sark_registry::feed::{Feed, Fetched, Parsed, Validators};
use sark_registry::storage::{Check, CheckOutcome, FeedCopy, FeedState, Part};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::prices::list;
use super::{Asked, FeedError, Feeds};
use crate::Actor;
use crate::chain;
use crate::events::{Event, FeedFailed, FeedHeld};
use crate::registrar::CopyInUse;

/// Why a copy is held, and what it would change: stored beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Held {
    pub(super) entries: u64,
    pub(super) added: u64,
    pub(super) removed: u64,
    pub(super) added_sample: Vec<String>,
    pub(super) removed_sample: Vec<String>,
    pub(super) doubts: Vec<ProblemView>,
}

/// A copy as it came, and what the store knows of its feed.
struct Fresh<'a> {
    feed: &'a Arc<Feed>,
    state: FeedState,
    copy: FeedCopy,
    hash: ContentHash,
    actor: &'a Actor,
    now: Timestamp,
}

impl Feeds {
    /// Asks one feed now, whether or not it is on. Fails only if there is none: what goes wrong
    /// with it is in the result, in the log and in the metrics.
    pub async fn refresh(&self, name: &str, actor: &Actor) -> Result<RefreshResult, FeedError> {
        let asked = self.known(name)?;
        let _turn = asked.turn.lock().await;
        let outcome = self.pass(asked, actor).await;
        let result = match outcome {
            Ok(result) => result,
            Err(error) => {
                let help = "the copy in use stays; check the disk of state.directory".to_owned();
                failed(name, ProblemView { code: "store".to_owned(), message: chain(&error), help })
            }
        };
        match (result.outcome, result.problems.as_slice()) {
            (RefreshOutcome::Failed, [problem, ..]) => {
                FeedFailed { feed: name, problem }.emit(&self.metrics);
            }
            (RefreshOutcome::Held, problems) => {
                FeedHeld { feed: name, doubts: problems }.emit(&self.metrics);
            }
            _ => {}
        }
        self.plan_next(asked).await;
        Ok(result)
    }

    async fn plan_next(&self, asked: &Asked) {
        let state = self.store.feed(&asked.feed.name).await.ok().flatten();
        let failures = state.and_then(|state| state.last_check).map_or(0, |check| check.failures);
        let now = self.clock.now();
        let next = asked.feed.schedule.next_attempt(&asked.feed.name, now, failures);
        asked.set_next(self.is_on(&asked.feed).then_some(next));
        asked.done.notify_one();
    }

    async fn pass(&self, asked: &Asked, actor: &Actor) -> Result<RefreshResult, FeedError> {
        let (feed, store) = (&asked.feed, &self.store);
        self.settle_prices(feed).await;
        let state = store.feed(&feed.name).await?.unwrap_or_default();
        // Of the newest copy that was seen, so that a held one is not fetched again and again.
        let seen = state.pending.as_ref().map(|pending| &pending.validators);
        let seen = seen.or(state.in_use.as_ref().map(|copy| &copy.validators));
        let have = seen.and_then(|seen| serde_json::from_value::<Validators>(seen.clone()).ok());
        let fetched = self.source.fetch(feed, have.as_ref()).await;
        let now = self.clock.now();
        match fetched {
            Err(error) => {
                let (code, message) = (error.code().to_owned(), chain(&error));
                let help = error.help().to_owned();
                let problem = ProblemView { code, message, help };
                self.note_failure((feed, actor), &state, problem, now).await
            }
            Ok(Fetched::Unchanged) => {
                let check = Check { at: now, outcome: CheckOutcome::Unchanged, failures: 0 };
                // Of the copy in use, unless another was asked about.
                let confirmed = state.in_use.as_ref().filter(|_| state.pending.is_none());
                let confirmed = confirmed.map(|copy| &copy.validators);
                store.checked(&feed.name, &check, confirmed, None).await?;
                Ok(still(&feed.name, &state))
            }
            Ok(Fetched::Copy { parts, validators }) => {
                let parts =
                    parts.into_iter().map(|part| Part { name: part.name, octets: part.octets });
                let copy = FeedCopy {
                    parts: parts.collect(),
                    validators: serde_json::to_value(validators).unwrap_or_default(),
                    fetched_at: now,
                };
                let hash = copy.hash();
                self.weigh(Fresh { feed, state, copy, hash, actor, now }).await
            }
        }
    }

    /// What to do with a copy.
    async fn weigh(&self, fresh: Fresh<'_>) -> Result<RefreshResult, FeedError> {
        let Fresh { feed, state, copy, hash, now, .. } = &fresh;
        let name = &feed.name;
        let check = |outcome| Check { at: *now, outcome, failures: 0 };
        if state.in_use.as_ref().is_some_and(|copy| copy.hash == *hash) {
            // Also drops a held one: the publisher has gone back on it.
            self.store.use_copy(name, copy, &check(CheckOutcome::Unchanged), None).await?;
            return Ok(result(name, RefreshOutcome::Unchanged));
        }
        if state.pending.as_ref().is_some_and(|pending| pending.hash == *hash) {
            self.store.checked(name, &check(CheckOutcome::Held), None, None).await?;
            return Ok(still(name, state));
        }
        if state.rejected.as_ref().is_some_and(|rejected| rejected.hash == *hash) {
            self.store.checked(name, &check(CheckOutcome::Rejected), None, None).await?;
            return Ok(result(name, RefreshOutcome::Unchanged));
        }
        let parsed = match read(Arc::clone(feed), copy.parts.clone(), *now).await {
            Ok(parsed) => Arc::new(parsed),
            Err(problem) => {
                return self.note_failure((feed, fresh.actor), state, problem, *now).await;
            }
        };
        let current = self.registrar.copy_in_use(name).await.map(|copy| copy.parsed);
        let verdict = judge(feed, current.as_deref(), &parsed, &self.protected);
        let entries = parsed.content.count();
        match verdict {
            Verdict::Hold { change, reasons } => {
                let held = Held {
                    entries,
                    added: change.added,
                    removed: change.removed,
                    added_sample: change.added_sample,
                    removed_sample: change.removed_sample,
                    doubts: reasons.iter().map(problem).collect(),
                };
                self.hold(&fresh, held).await
            }
            Verdict::Accept { change, warnings } => {
                for warning in &warnings {
                    tracing::warn!(feed = name, code = warning.code(), "{warning}");
                }
                let changed = check(CheckOutcome::Changed);
                self.store.use_copy(name, copy, &changed, None).await?;
                self.put_in_use(feed, parsed, fresh.actor).await?;
                let (added, removed) = (change.added, change.removed);
                Ok(RefreshResult { added, removed, ..result(name, RefreshOutcome::Updated) })
            }
        }
    }

    async fn hold(&self, fresh: &Fresh<'_>, held: Held) -> Result<RefreshResult, FeedError> {
        let Fresh { feed, copy, hash, actor, now, .. } = fresh;
        let record = AuditRecord::new(
            *now,
            &actor.0,
            "registry.feed.held",
            Outcome::Refused,
            json!({
                "feed": feed.name, "copy": hash.to_string(), "entries": held.entries,
                "added": held.added, "removed": held.removed,
                "doubts": held.doubts.iter().map(|doubt| &doubt.code).collect::<Vec<_>>(),
            }),
        );
        let check = Check { at: *now, outcome: CheckOutcome::Held, failures: 0 };
        let doubts = serde_json::to_value(&held).unwrap_or_default();
        self.store.hold(&feed.name, copy, &doubts, &check, Some(&record)).await?;
        let moved = moved(&feed.name, RefreshOutcome::Held, Some(&held));
        Ok(RefreshResult { problems: held.doubts, ..moved })
    }

    /// The store has it already.
    pub(super) async fn put_in_use(
        &self,
        feed: &Feed,
        parsed: Arc<Parsed>,
        actor: &Actor,
    ) -> Result<(), FeedError> {
        let state = self.store.feed(&feed.name).await?.unwrap_or_default();
        let Some(in_use) = state.in_use else { return Ok(()) };
        let (first_seen, changed_at) = (in_use.first_seen, in_use.last_changed);
        let copy = CopyInUse { parsed: Arc::clone(&parsed), first_seen, changed_at };
        self.registrar.use_copy(&feed.name, copy, actor).await?;
        match list(&parsed.content) {
            Some(list) => self.use_prices(&feed.name, list, actor).await,
            None => Ok(()),
        }
    }

    /// On record when it begins and when it becomes another failure: not each time, for a feed may
    /// fail for weeks.
    async fn note_failure(
        &self,
        asked: (&Feed, &Actor),
        state: &FeedState,
        problem: ProblemView,
        now: Timestamp,
    ) -> Result<RefreshResult, FeedError> {
        let (feed, actor) = asked;
        let before = state.last_check.as_ref();
        let failures = before.map_or(0, |check| check.failures).saturating_add(1);
        let is_known = before.is_some_and(|check| match &check.outcome {
            CheckOutcome::Failed { code, .. } => *code == problem.code,
            _ => false,
        });
        let record = (!is_known).then(|| {
            AuditRecord::new(
                now,
                &actor.0,
                "registry.feed.failed",
                Outcome::Failed,
                json!({
                    "feed": feed.name, "code": problem.code, "message": problem.message,
                }),
            )
        });
        let (code, message) = (problem.code.clone(), problem.message.clone());
        let check = Check { at: now, outcome: CheckOutcome::Failed { code, message }, failures };
        self.store.checked(&feed.name, &check, None, record.as_ref()).await?;
        Ok(failed(&feed.name, problem))
    }
}

/// Parses on a thread where it may take its time.
pub(super) async fn read(
    feed: Arc<Feed>,
    parts: Vec<Part>,
    now: Timestamp,
) -> Result<Parsed, ProblemView> {
    let problem = |code: &str, message: String| ProblemView {
        code: code.to_owned(),
        message,
        help: "the copy in use stays; see whether the publisher changed its form, and `format` of \
               the feed"
            .to_owned(),
    };
    let work = move || {
        let parts: Vec<_> = parts
            .iter()
            .map(|part| sark_feed_formats::Part { name: &part.name, octets: &part.octets })
            .collect();
        let limits = ParseLimits { most_entries: feed.limits.most_entries };
        parse(&feed.format, &parts, &limits, now)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(parsed)) => Ok(parsed),
        Ok(Err(error)) => Err(problem("unreadable", chain(&error))),
        Err(error) => Err(problem("defect", format!("the parser failed: {error}"))),
    }
}

pub(super) fn problem(doubt: &Doubt) -> ProblemView {
    ProblemView {
        code: doubt.code().to_owned(),
        message: doubt.to_string(),
        help: doubt.help().to_owned(),
    }
}

pub(super) fn result(feed: &str, outcome: RefreshOutcome) -> RefreshResult {
    RefreshResult { feed: feed.to_owned(), outcome, added: 0, removed: 0, problems: Vec::new() }
}

fn failed(feed: &str, problem: ProblemView) -> RefreshResult {
    RefreshResult { problems: vec![problem], ..result(feed, RefreshOutcome::Failed) }
}

/// Why a copy waits, and what it would change.
pub(super) fn held(state: &FeedState) -> Option<Held> {
    state.pending.as_ref().and_then(|pending| Held::deserialize(&pending.doubts).ok())
}

/// With what came and went, or would.
pub(super) fn moved(feed: &str, outcome: RefreshOutcome, held: Option<&Held>) -> RefreshResult {
    let (added, removed) = held.map_or((0, 0), |held| (held.added, held.removed));
    RefreshResult { added, removed, ..result(feed, outcome) }
}

/// Nothing new: what was held still is.
fn still(feed: &str, state: &FeedState) -> RefreshResult {
    if state.pending.is_none() {
        return result(feed, RefreshOutcome::Unchanged);
    }
    let held = held(state);
    let still = moved(feed, RefreshOutcome::Held, held.as_ref());
    RefreshResult { problems: held.map(|held| held.doubts).unwrap_or_default(), ..still }
}
