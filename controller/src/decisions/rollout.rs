//! Which set is in use: put there, taken back, followed.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use sark_api::Wanted;
use sark_core::ContentHash;
use sark_core::audit::{AuditRecord, Evidence, Notice, Outcome};
use sark_core::decision::Severity;
use sark_core::storage::{Candidate, Rollout, Stage, StoredSet};
use sark_decider::{Breach, Pool};
use sark_policy::decision::DecisionSet;
use serde_json::json;

use super::{Decisions, DecisionsError, TakeError, Taken, Turn, source, taken};
use crate::chain;
use crate::registrar::OURSELVES;

/// The cause of a rollout that a person, or a program of theirs, asked for.
const ASKED: &str = "activate";
/// The cause of one that the source brought.
const OF_SOURCE: &str = "source";
/// The cause of one with which a person went back.
const ROLLBACK: &str = "rollback";
/// Rollouts that are looked at for what was before.
const REMEMBERED: u32 = 1000;

impl Decisions {
    /// Puts a set to use.
    pub async fn activate(
        &self,
        taken: Taken,
        stage: Wanted,
        percent: Option<u8>,
        expect: Option<u64>,
        by: &str,
    ) -> Result<bool, DecisionsError> {
        let mut turn = self.turn.lock().await;
        self.put(taken, wanted(stage, percent)?, expect, by, ASKED, &mut turn).await
    }

    /// A stored set, to be put to use again.
    pub async fn stored(&self, version: &str) -> Result<Taken, DecisionsError> {
        let set = self.find(version).await?;
        if set.signed_by.is_none() && self.parts.sets.keys.are_needed() {
            return Err(TakeError::Unsigned.into());
        }
        again(set).await
    }

    /// By its version, or by the beginning of its hash: four digits or more.
    pub(super) async fn find(&self, version: &str) -> Result<StoredSet, DecisionsError> {
        let hex = version.strip_prefix("sha256:").unwrap_or(version);
        let unknown = || DecisionsError::Unknown(version.to_owned());
        if hex.len() < 4 {
            return Err(unknown());
        }
        let sets = self.parts.sets.store.decision_sets(1000).await?;
        let begins = |set: &&StoredSet| {
            set.version.as_str().strip_prefix("sha256:").is_some_and(|all| all.starts_with(hex))
        };
        let mut found = sets.iter().filter(begins);
        let (Some(one), None) = (found.next(), found.next()) else { return Err(unknown()) };
        self.parts.sets.store.decision_set(&one.version).await?.ok_or_else(unknown)
    }

    /// Takes the candidate back; without one, the active set.
    pub async fn rollback(&self, expect: Option<u64>, by: &str) -> Result<(), DecisionsError> {
        let mut turn = self.turn.lock().await;
        let before = self.newest(expect).await?.ok_or(DecisionsError::NothingBefore)?;
        let active = if before.candidate.is_some() {
            before.active.clone()
        } else {
            let rollouts = self.parts.sets.store.rollouts(REMEMBERED).await?;
            Some(set_before(&rollouts).ok_or(DecisionsError::NothingBefore)?)
        };
        // Everything that can fail is done before it counts.
        let mut made = None;
        if let Some(version) = &active {
            made = Some(self.pool_of(version, None).await?);
        }
        let rollout = Rollout {
            number: before.number + 1,
            at: self.parts.clock.now(),
            actor: by.to_owned(),
            cause: ROLLBACK.to_owned(),
            active,
            candidate: None,
        };
        let record = rolled_back(&before, &rollout);
        self.parts.sets.store.commit_rollout(None, &rollout, &record).await?;
        self.use_rollout(&rollout, made, &mut turn).await
    }

    /// Uses what the store has, if that is newer.
    pub async fn follow(&self) -> Result<(), DecisionsError> {
        let mut turn = self.turn.lock().await;
        match self.parts.sets.store.rollout().await? {
            Some(rollout) if rollout.number != turn.number => {
                let used = self.use_rollout(&rollout, None, &mut turn).await;
                if matches!(used, Err(DecisionsError::Take(_) | DecisionsError::Worker(_))) {
                    // It will not be better the next time: what is in use stays until there is another.
                    turn.number = rollout.number;
                }
                used
            }
            _ => Ok(()),
        }
    }

    /// Asks the source. Whether it has a set that was not taken before.
    pub async fn refresh(&self, by: &str) -> Result<bool, DecisionsError> {
        let Some(source) = &self.parts.sets.source else { return Err(DecisionsError::NoSource) };
        let mut seen = self.seen.lock().await;
        let had = match source.read(&mut seen).await {
            Ok(Some(material)) => self.take(material, &source.name()).await,
            Ok(None) => {
                // As it was, and so is what was said of it.
                self.resolved("decisions-source");
                return Ok(false);
            }
            Err(error) => Err(error),
        };
        let taken = had.inspect_err(|error| self.refused(error))?;
        let put = self.put_of_source(taken, by).await;
        put.inspect_err(|error| {
            // It is read again, although it is the same.
            *seen = source::Seen::default();
            self.refused(error);
        })
    }

    async fn put_of_source(&self, taken: Taken, by: &str) -> Result<bool, DecisionsError> {
        let mut turn = self.turn.lock().await;
        let rollouts = self.parts.sets.store.rollouts(REMEMBERED).await?;
        let last = rollouts.iter().find(|rollout| rollout.cause == OF_SOURCE);
        let version = taken.set.version();
        let known = last.is_some_and(|last| {
            let candidate = last.candidate.as_ref().map(|candidate| &candidate.version);
            candidate.or(last.active.as_ref()) == Some(version)
        });
        self.resolved("decisions-source");
        self.resolved("decisions-refused");
        if known {
            return Ok(false);
        }
        // The first set there is decides: there is nothing that it could be a candidate beside. And what
        // is active already stays so.
        let active = rollouts.first().and_then(|newest| newest.active.as_ref());
        let stage = match active {
            Some(active) if active != version => self.parts.stage,
            _ => Wanted::Active,
        };
        let stage = wanted(stage, Some(self.parts.percent))?;
        self.put(taken, stage, None, by, OF_SOURCE, &mut turn).await
    }

    async fn newest(&self, expect: Option<u64>) -> Result<Option<Rollout>, DecisionsError> {
        let newest = self.parts.sets.store.rollout().await?;
        let found = newest.as_ref().map_or(0, |newest| newest.number);
        match expect {
            Some(expected) if expected != found => {
                Err(DecisionsError::Unexpected { expected, found })
            }
            _ => Ok(newest),
        }
    }

    async fn put(
        &self,
        taken: Taken,
        stage: Option<Stage>,
        expect: Option<u64>,
        by: &str,
        cause: &str,
        turn: &mut Turn,
    ) -> Result<bool, DecisionsError> {
        let before = self.newest(expect).await?;
        let version = taken.set.version().clone();
        let active = before.as_ref().and_then(|before| before.active.clone());
        let candidate = stage.map(|stage| Candidate { version: version.clone(), stage });
        let (active, candidate) = match (active, candidate) {
            (_, None) => (Some(version.clone()), None),
            (None, Some(_)) => {
                let what = "no set is active: a candidate has nothing to stand beside";
                return Err(DecisionsError::Input(what));
            }
            (Some(active), Some(_)) if active == version => {
                return Err(DecisionsError::Input("this set is the active one"));
            }
            (active, candidate) => (active, candidate),
        };
        // That the source has what is in use is a rollout too: it is not taken from there again.
        let is_same =
            before.as_ref().is_some_and(|b| b.active == active && b.candidate == candidate);
        if is_same && cause != OF_SOURCE {
            return Ok(false);
        }
        // Everything that can fail is done before it counts.
        let made = self.pool(Arc::clone(&taken.set)).await?;
        let at = self.parts.clock.now();
        let number = before.as_ref().map_or(1, |before| before.number + 1);
        let (actor, cause) = (by.to_owned(), cause.to_owned());
        let rollout = Rollout { number, at, actor, cause, active, candidate };
        let stored = taken.stored(at, by);
        let was = before.and_then(|before| before.active);
        let detail = json!({
            "rollout": number, "set": stored.name, "origin": stored.origin,
            "revision": stored.revision, "signedBy": stored.signed_by, "cause": rollout.cause,
            "stage": rollout.candidate.as_ref().map(|candidate| candidate.stage), "before": was,
        });
        let evidence =
            Evidence { policy_version: Some(version.to_string()), ..Evidence::default() };
        let record = AuditRecord::new(at, by, "policy.activate", Outcome::Ok, detail).on(evidence);
        self.parts.sets.store.commit_rollout(Some(&stored), &rollout, &record).await?;
        self.use_rollout(&rollout, Some(made), turn).await?;
        Ok(true)
    }

    async fn pool(&self, set: Arc<DecisionSet>) -> Result<Arc<Pool>, DecisionsError> {
        let decider = Arc::clone(&self.decider);
        Ok(tokio::task::spawn_blocking(move || decider.pool(set)).await??)
    }

    /// Uses a rollout, or leaves in use what is. `made` is of one of its sets.
    async fn use_rollout(
        &self,
        rollout: &Rollout,
        made: Option<Arc<Pool>>,
        turn: &mut Turn,
    ) -> Result<(), DecisionsError> {
        let active = match &rollout.active {
            None => None,
            Some(version) => Some(self.pool_of(version, made.as_ref()).await?),
        };
        let candidate = match &rollout.candidate {
            None => None,
            Some(Candidate { version, stage }) => {
                match self.pool_of(version, made.as_ref()).await {
                    Ok(pool) => Some((pool, *stage)),
                    // The active set decides without it.
                    Err(DecisionsError::Take(_) | DecisionsError::Worker(_)) => None,
                    Err(error) => return Err(error),
                }
            }
        };
        if candidate.is_some() == rollout.candidate.is_some() {
            self.resolved("decisions-unreadable");
        }
        self.decider.put(active, candidate);
        self.put.send_replace(());
        turn.number = rollout.number;
        let version = rollout.active.as_ref().map(ContentHash::short);
        let candidate = rollout.candidate.as_ref().map(|candidate| candidate.version.short());
        let (number, cause) = (rollout.number, &rollout.cause);
        tracing::info!(number, cause, version, candidate, "decision sets are in use");
        Ok(())
    }

    async fn pool_of(
        &self,
        version: &ContentHash,
        made: Option<&Arc<Pool>>,
    ) -> Result<Arc<Pool>, DecisionsError> {
        if let Some(made) = made.filter(|made| made.set().version() == version) {
            return Ok(Arc::clone(made));
        }
        if let Some(pool) = self.decider.known(version) {
            return Ok(pool);
        }
        let set = self.parts.sets.store.decision_set(version).await?;
        let set = set.ok_or_else(|| DecisionsError::Unknown(version.to_string()))?;
        let made = match again(set).await {
            Ok(taken) => self.pool(taken.set).await,
            Err(error) => Err(error),
        };
        made.inspect_err(|error| self.unreadable(version, error))
    }

    /// Stores that a canary is over, if one is and that is not stored yet.
    pub(super) async fn take_back(&self) {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((version, breach)) = over else { return };
        match self.try_take_back(&version, breach).await {
            Ok(()) => *self.over.lock().unwrap_or_else(PoisonError::into_inner) = None,
            Err(error) => {
                tracing::error!(
                    error = chain(&error),
                    "a canary is over, and it is not stored yet"
                );
            }
        }
    }

    async fn try_take_back(
        &self,
        version: &ContentHash,
        breach: Breach,
    ) -> Result<(), DecisionsError> {
        let mut turn = self.turn.lock().await;
        let Some(before) = self.parts.sets.store.rollout().await? else { return Ok(()) };
        if before.candidate.as_ref().is_none_or(|candidate| candidate.version != *version) {
            return Ok(());
        }
        let rollout = Rollout {
            number: before.number + 1,
            at: self.parts.clock.now(),
            actor: OURSELVES.to_owned(),
            cause: format!("the canary left its band: {breach}"),
            active: before.active.clone(),
            candidate: None,
        };
        let notice = Notice {
            key: format!("policy.canary:{}", version.short()),
            title: format!("A canary of decision policies was taken back: {breach}"),
            resolved: false,
            routes: Vec::new(),
            runbook: Some("decisions".to_owned()),
            facts: [("set".to_owned(), version.short().to_owned())].into(),
        };
        let record = rolled_back(&before, &rollout).told(Severity::High, notice);
        self.parts.sets.store.commit_rollout(None, &rollout, &record).await?;
        self.use_rollout(&rollout, None, &mut turn).await
    }
}

async fn again(set: StoredSet) -> Result<Taken, DecisionsError> {
    Ok(tokio::task::spawn_blocking(move || taken::again(set)).await??)
}

/// The set to go back to, of rollouts that are newest first: the newest that was active before and was
/// not taken back itself since.
fn set_before(rollouts: &[Rollout]) -> Option<ContentHash> {
    let newest = rollouts.first()?.active.as_ref();
    let (mut taken_back, mut was): (BTreeSet<&ContentHash>, Option<&Rollout>) = Default::default();
    for rollout in rollouts.iter().rev() {
        let before = was.and_then(|was| was.active.as_ref());
        let is_back = rollout.cause == ROLLBACK && was.is_some_and(|was| was.candidate.is_none());
        match (before, &rollout.active) {
            (Some(before), _) if is_back => drop(taken_back.insert(before)),
            (_, Some(active)) => drop(taken_back.remove(active)),
            _ => {}
        }
        was = Some(rollout);
    }
    let mut active = rollouts.iter().filter_map(|rollout| rollout.active.as_ref());
    active.find(|active| Some(*active) != newest && !taken_back.contains(active)).cloned()
}

/// No stage is the active one.
fn wanted(stage: Wanted, percent: Option<u8>) -> Result<Option<Stage>, DecisionsError> {
    match (stage, percent) {
        (Wanted::Active, _) => Ok(None),
        (Wanted::Shadow, _) => Ok(Some(Stage::Shadow)),
        (Wanted::Canary, Some(percent @ 1..=99)) => Ok(Some(Stage::Canary { percent })),
        (Wanted::Canary, _) => {
            Err(DecisionsError::Input("a canary decides on 1 to 99 percent of the sources"))
        }
    }
}

fn rolled_back(before: &Rollout, after: &Rollout) -> AuditRecord {
    let detail = json!({
        "rollout": after.number, "cause": after.cause,
        "before": before.active, "candidate": before.candidate,
    });
    let policy_version = after.active.as_ref().map(ToString::to_string);
    let evidence = Evidence { policy_version, ..Evidence::default() };
    AuditRecord::new(after.at, &after.actor, "policy.rollback", Outcome::Ok, detail).on(evidence)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rollouts of these causes and sets, oldest first: `a:X`ctivate, `b:X` is a rollback to X.
    fn before(history: &str) -> Option<String> {
        let hash = |name: &str| ContentHash::of(name.as_bytes());
        let mut rollouts: Vec<Rollout> = (1..)
            .zip(history.split(' '))
            .map(|(number, step)| Rollout {
                number,
                at: jiff::Timestamp::UNIX_EPOCH,
                actor: "noc".into(),
                cause: if step.starts_with("b:") { ROLLBACK } else { ASKED }.into(),
                active: Some(hash(&step[2..])),
                candidate: None,
            })
            .collect();
        rollouts.reverse();
        let found = set_before(&rollouts)?;
        ["A", "B", "C"].into_iter().find(|name| hash(name) == found).map(str::to_owned)
    }

    #[test]
    fn a_rollback_does_not_go_forward_again() {
        for (history, to) in [
            ("a:A", None),
            ("a:A a:B", Some("A")),
            ("a:A a:B a:C", Some("B")),
            ("a:A a:B a:C b:B", Some("A")),
            ("a:A a:B a:C b:B b:A", None),
            ("a:A a:B b:A a:B", Some("A")),
            ("a:A a:B b:A a:C", Some("A")),
            ("a:A a:B a:A", Some("B")),
        ] {
            assert_eq!(before(history).as_deref(), to, "{history}");
        }
    }
}
