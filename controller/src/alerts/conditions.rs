//! What a person has to look at, as records that begin and end.
//!
//! Level-triggered: each look compares how everything is with what was told. A notice that was
//! missed and a restart take the same way as everything else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sark_api::{FeedState, FeedView, FeedsResponse, PoliciesResponse, Problem, StatusResponse};
use sark_core::Clock;
use sark_core::audit::{AuditRecord, Notice, Outcome};
use sark_core::decision::Severity;
use sark_core::storage::StorageError;
use sark_core::storage::alerts::{AlertStore, Group};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Alerts, Before};
use crate::decisions::Decisions;
use crate::events::{AlertStoreFailed, Event};
use crate::feeds::Feeds;
use crate::names::Names;
use crate::pools::{PoolProblem, Pools, problems};
use crate::registrar::OURSELVES;
use crate::{Metrics, Observatory, Storage};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(15);
/// Looks for which something has to hold before it counts; sessions need time after a start.
const STEADY: u32 = 2;
const SESSION: u32 = 4;
/// Failures in a row of a feed before a person has to look: feeds fail now and then.
const FEED_FAILURES: u32 = 3;
/// A policy that ends within this time.
const ENDS_SOON: SignedDuration = SignedDuration::from_hours(24);
/// Records of conditions have events that begin so, and their keys begin with the event.
const PREFIX: &str = "health.";

/// Something that a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `peer-down`.
    pub code: String,
    /// Of which: `edge1`. Empty if there is one alone.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// What to do.
    pub help: Option<String>,
    /// Page of the runbook.
    pub runbook: &'static str,
    /// Looks for which it has to hold.
    pub looks: u32,
}

impl Condition {
    fn new(code: &str, subject: &str, severity: Severity, title: String) -> Self {
        let (code, subject) = (code.to_owned(), subject.to_owned());
        Self { code, subject, severity, title, help: None, runbook: "health", looks: STEADY }
    }

    /// `health.peer-down:edge1`.
    #[must_use]
    pub fn key(&self) -> String {
        match self.subject.is_empty() {
            true => format!("{PREFIX}{}", self.code),
            false => format!("{PREFIX}{}:{}", self.code, self.subject),
        }
    }
}

/// What `sarkd` knows of itself, as conditions.
#[must_use]
pub fn conditions(
    status: &StatusResponse,
    names: &[Problem],
    feeds: Option<&FeedsResponse>,
    policies: Option<&PoliciesResponse>,
    pools: &[PoolProblem],
    now: Timestamp,
) -> Vec<Condition> {
    let mut found: Vec<Condition> = Vec::new();
    for peer in &status.peers {
        let Some(name) = &peer.name else { continue };
        if !matches!(peer.state.as_str(), "established" | "unknown") {
            let title = format!("BGP session with {name} ({}) is {}", peer.address, peer.state);
            let down = Condition::new("peer-down", name, Severity::High, title);
            found.push(Condition { looks: SESSION, ..down });
        }
    }
    // What only follows from another problem is not told beside it: one cause is one alert.
    let is_cut_off = |problem: &Problem| {
        matches!(problem.code.as_str(), "speaker-unreachable" | "store-unavailable")
    };
    let follows = match status.problems.iter().any(is_cut_off) {
        true => ["peer-down", "reconcile-failed"].as_slice(),
        false => &["peer-down"],
    };
    let problems =
        status.problems.iter().filter(|problem| !follows.contains(&problem.code.as_str()));
    let mut seen = BTreeSet::new();
    for problem in problems.chain(names) {
        // One alert for each code: what else has it is in the status.
        if !seen.insert(&problem.code) {
            continue;
        }
        let of_names = names.iter().any(|named| named.code == problem.code);
        let severity = match problem.code.as_str() {
            "store-unavailable" => Severity::Critical,
            "speaker-unreachable"
            | "speaker-idle"
            | "reconcile-failed"
            | "resolver-down"
            | "audit-key-differs" => Severity::High,
            // Decisions are refused, or their records do not reach the store.
            code if code.starts_with("audit-spool-") => Severity::High,
            "names-unasked" => Severity::Low,
            _ => Severity::Medium,
        };
        found.push(Condition {
            help: problem.help.clone(),
            runbook: match problem.code.as_str() {
                _ if of_names => "names",
                code if code.starts_with("decisions-") => "decisions",
                code if code.starts_with("alerts-") => "alerts",
                code if code.starts_with("audit-") => "audit",
                _ => "health",
            },
            ..Condition::new(&problem.code, "", severity, problem.message.clone())
        });
    }
    found.extend(feeds.iter().flat_map(|feeds| &feeds.feeds).filter_map(feed));
    found.extend(pools.iter().map(pool));
    for policy in policies.iter().flat_map(|policies| &policies.policies) {
        let Some(at) = policy.expires_at.filter(|at| *at > now && *at <= now + ENDS_SOON) else {
            continue;
        };
        let title = format!("Policy {} ends at {at}: its rules are withdrawn then", policy.name);
        found.push(Condition {
            help: Some("apply it again with a later `expires`, or let it end".to_owned()),
            ..Condition::new("policy-ends", &policy.name, Severity::Low, title)
        });
    }
    found
}

fn pool(problem: &PoolProblem) -> Condition {
    let severity = match problem.code {
        "pool-down" => Severity::High,
        _ => Severity::Medium,
    };
    let PoolProblem { code, subject, message, help } = problem;
    Condition {
        help: Some(help.clone()),
        runbook: "pools",
        // What flaps is held down: no more has to be waited for.
        looks: 1,
        ..Condition::new(code, subject, severity, message.clone())
    }
}

fn feed(feed: &FeedView) -> Option<Condition> {
    let (code, severity, title) = match feed.state {
        FeedState::Held => {
            let why = feed.pending.as_ref().and_then(|pending| pending.doubts.first());
            let why = why.map_or("it is doubted", |doubt| doubt.message.as_str());
            ("feed-held", Severity::Medium, format!("A copy of feed {} waits: {why}", feed.name))
        }
        FeedState::Failing if feed.failures >= FEED_FAILURES => {
            let why = feed.problem.as_ref().map_or("no answer", |problem| problem.message.as_str());
            let title = format!("Feed {} fails since {} times: {why}", feed.name, feed.failures);
            ("feed-failing", Severity::Low, title)
        }
        _ => return None,
    };
    let help = Some(format!("sarkctl registry feeds show {}", feed.name));
    Some(Condition { help, runbook: "feeds", ..Condition::new(code, &feed.name, severity, title) })
}

/// What was seen and told; pure.
#[derive(Debug, Default)]
pub struct Told {
    /// Looks for which it held and was not told.
    seen: BTreeMap<String, u32>,
    /// Told, and looks for which it did not hold.
    told: BTreeMap<String, (Condition, u32)>,
}

impl Told {
    /// What was told before a restart: our conditions among what is open.
    #[must_use]
    pub fn before(open: Vec<Group>) -> Self {
        let told = open.into_iter().filter_map(|Group { key, title, severity, .. }| {
            let rest = key.strip_prefix(PREFIX)?;
            let (code, subject) = rest.split_once(':').unwrap_or((rest, ""));
            let condition = Condition::new(code, subject, severity, title);
            Some((key, (condition, 0)))
        });
        Self { seen: BTreeMap::new(), told: told.collect() }
    }

    /// One look. What begins, and what ends.
    pub fn look(&mut self, found: Vec<Condition>) -> (Vec<Condition>, Vec<Condition>) {
        let found: BTreeMap<String, Condition> =
            found.into_iter().map(|condition| (condition.key(), condition)).collect();
        let mut begins = Vec::new();
        self.seen.retain(|key, _| found.contains_key(key));
        for (key, condition) in &found {
            if let Some((_, gone)) = self.told.get_mut(key) {
                *gone = 0;
                continue;
            }
            let looks = self.seen.entry(key.clone()).or_default();
            *looks += 1;
            if *looks >= condition.looks {
                begins.push(condition.clone());
            }
        }
        for condition in &begins {
            self.seen.remove(&condition.key());
            self.told.insert(condition.key(), (condition.clone(), 0));
        }
        let mut ends = Vec::new();
        self.told.retain(|key, (condition, gone)| {
            if found.contains_key(key) {
                return true;
            }
            *gone += 1;
            if *gone >= STEADY {
                ends.push(condition.clone());
                return false;
            }
            true
        });
        (begins, ends)
    }
}

/// Looks, and writes records of what begins and ends.
pub struct Watch {
    /// How everything is.
    pub observatory: Arc<Observatory>,
    /// How feeds are.
    pub feeds: Arc<Feeds>,
    /// How decision sets are.
    pub decisions: Arc<Decisions>,
    /// How names are.
    pub names: Option<Arc<Names>>,
    /// How proxies are.
    pub pools: Arc<Pools>,
    /// How alerts are told.
    pub dispatcher: Option<Arc<Alerts>>,
    /// What was told before.
    pub alerts: Arc<dyn AlertStore>,
    /// Where records go.
    pub trail: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

impl Watch {
    /// Until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let (mut told, mut before) = (None, Before::default());
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            if let Err(error) = self.look(&mut told, &mut before).await {
                // What is not stored was not told: the next look begins with what the store has.
                (told, before) = (None, Before::default());
                AlertStoreFailed { what: "conditions", error: &error }.emit(&self.metrics);
            }
        }
    }

    async fn look(&self, told: &mut Option<Told>, before: &mut Before) -> Result<(), StorageError> {
        let told = match told {
            Some(told) => told,
            None => match before.open(&*self.alerts, &*self.trail).await? {
                Some(open) => told.insert(Told::before(open)),
                None => return Ok(()),
            },
        };
        let now = self.clock.now();
        let mut status = self.observatory.status().await;
        status.problems.extend(self.decisions.problems());
        status.problems.extend(self.dispatcher.iter().flat_map(|alerts| alerts.problems()));
        let names = self.names.as_ref().map_or_else(Vec::new, |names| names.problems());
        let feeds = self.feeds.views().await.ok();
        let policies = self.observatory.policies().await.ok();
        let steering = self.observatory.steering().await;
        let pools = problems(&self.pools.view(&steering, true));
        let found = conditions(&status, &names, feeds.as_ref(), policies.as_ref(), &pools, now);
        let (begins, ends) = told.look(found);
        for (condition, resolved) in
            begins.iter().map(|it| (it, false)).chain(ends.iter().map(|it| (it, true)))
        {
            self.trail.append(&record(condition, resolved, now)).await?;
        }
        Ok(())
    }
}

fn record(condition: &Condition, resolved: bool, now: Timestamp) -> AuditRecord {
    let outcome = if resolved { Outcome::Ok } else { Outcome::Failed };
    let event = format!("{PREFIX}{}", condition.code);
    let detail = json!({ "subject": condition.subject, "message": condition.title });
    let help = condition.help.iter().map(|help| ("what to do".to_owned(), help.clone()));
    let notice = Notice {
        key: condition.key(),
        title: condition.title.clone(),
        resolved,
        routes: Vec::new(),
        runbook: Some(condition.runbook.to_owned()),
        facts: help.collect(),
    };
    AuditRecord::new(now, OURSELVES, event, outcome, detail).told(condition.severity, notice)
}

#[cfg(test)]
mod tests {
    use sark_core::storage::alerts::{Group, MemoryAlerts, Taken};
    use sark_core::storage::{AuditStore as _, MemoryStore};

    use super::*;

    fn named(subject: &str, looks: u32) -> Condition {
        Condition { looks, ..Condition::new("peer-down", subject, Severity::High, "down".into()) }
    }

    fn keys(conditions: &[Condition]) -> Vec<String> {
        conditions.iter().map(Condition::key).collect()
    }

    #[test]
    fn what_flaps_is_not_told_and_what_stays_is_told_once() {
        let mut told = Told::default();
        let (a, b) = (named("a", 2), named("b", 4));
        let mut look = |found: &[&Condition]| {
            let (begins, ends) = told.look(found.iter().map(|&it| it.clone()).collect());
            (keys(&begins).join(" "), keys(&ends).join(" "))
        };
        let none = (String::new(), String::new());
        assert_eq!(look(&[&a]), none);
        assert_eq!(look(&[]), none);
        assert_eq!(look(&[&a, &b]), none);
        assert_eq!(look(&[&a, &b]).0, "health.peer-down:a");
        assert_eq!(look(&[&a, &b]), none);
        assert_eq!(look(&[&b]).0, "health.peer-down:b");
        // One look without it is no end.
        assert_eq!(look(&[&a, &b]), none);
        assert_eq!(look(&[&b]), none);
        assert_eq!(look(&[&b]), (String::new(), "health.peer-down:a".into()));
    }

    fn group(key: &str, title: &str) -> Group {
        let now = Timestamp::UNIX_EPOCH;
        Group {
            key: key.to_owned(),
            event: key.split(':').next().unwrap().to_owned(),
            title: title.to_owned(),
            severity: Severity::High,
            opened_at: now,
            last_at: now,
            told_at: now,
            count: 1,
            sinks: Vec::new(),
        }
    }

    /// Killed when the record was written and the dispatcher had not read it.
    #[tokio::test]
    async fn what_is_written_and_not_read_yet_is_waited_for() {
        let base: Arc<MemoryStore> = Arc::default();
        let alerts = MemoryAlerts::new(Arc::clone(&base));
        let (now, mut before) = (Timestamp::UNIX_EPOCH, Before::default());
        let down = named("a", 1);
        base.append(&record(&down, false, now)).await.unwrap();
        assert!(before.open(&alerts, &*base).await.unwrap().is_none());
        // What is written meanwhile is not waited for too: it would have no end.
        base.append(&record(&named("b", 1), false, now)).await.unwrap();
        let group = group(&down.key(), &down.title);
        let (deliveries, closed) = (Vec::new(), Vec::new());
        let taken = Taken { from: 0, to: 1, at: now, groups: vec![group], closed, deliveries };
        assert!(alerts.take(&taken).await.unwrap());
        let mut told = Told::before(before.open(&alerts, &*base).await.unwrap().unwrap());
        assert_eq!(told.look(vec![down]), (Vec::new(), Vec::new()), "it is not told anew");
    }

    #[test]
    fn what_was_told_before_a_restart_ends_after_it() {
        let open = vec![group("health.peer-down:a", "down"), group("llm.denied:x", "else")];
        let mut told = Told::before(open);
        assert_eq!(told.look(Vec::new()), (Vec::new(), Vec::new()));
        let (begins, ends) = told.look(Vec::new());
        assert_eq!((keys(&begins), keys(&ends)), (Vec::new(), vec!["health.peer-down:a".into()]));
        assert_eq!(told.look(Vec::new()), (Vec::new(), Vec::new()));
    }
}
