//! What goes on beside decisions: the store is followed, the source asked, problems are said.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use sark_api::Problem;
use sark_core::ContentHash;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{Decisions, DecisionsError, TakeError};
use crate::chain;
use crate::registrar::OURSELVES;

/// How long what shadows said is gathered.
const GATHER: Duration = Duration::from_millis(500);
/// How old what is in use may be, where several `sarkd` share a store.
const LOOK: Duration = Duration::from_secs(2);
/// Mistakes that a problem names.
const NAMED: usize = 5;

impl Decisions {
    /// Asks the source when it is due, or when it is told to, until `stop`. For the leader alone.
    pub async fn ask(self: Arc<Self>, stop: CancellationToken) {
        let interval = self.parts.sets.source.as_ref().and_then(|source| source.interval());
        loop {
            let due = async {
                match interval {
                    Some(interval) => tokio::time::sleep(interval).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = due => {}
                () = self.ask.notified() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                // What goes wrong is a problem, and said there.
                _ = self.refresh(OURSELVES) => {}
            }
        }
    }

    /// Has the source asked, if there is one.
    pub fn ask_soon(&self) {
        if self.parts.sets.source.is_some() {
            self.ask.notify_one();
        }
    }

    /// Until `stop`: what the store has is in use, a canary that is over is so in the store, and what
    /// shadows said is told.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.tell_shadows().await,
                () = self.decider.has_compared() => {
                    // Many in one transaction: they do not compete with what was decided.
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(GATHER) => {}
                    }
                    self.tell_shadows().await;
                    continue;
                }
                _ = look.tick() => {}
                () = self.left.notified() => {}
            }
            if let Err(error) = self.follow().await {
                tracing::warn!(error = chain(&error), "the newest rollout is not in use");
            }
            self.take_back().await;
            self.look_at_workers();
        }
    }

    /// What was in use before, and then what is on the disk, if that is the source. A server is asked
    /// soon after, so that nobody waits for it. What goes wrong is a problem: what was in use stays.
    pub async fn begin(&self, leads: bool) {
        if let Err(error) = self.follow().await {
            tracing::error!(error = chain(&error), "the newest rollout is not in use");
        }
        let source = self.parts.sets.source.as_ref().filter(|_| leads);
        match source.map(|source| source.interval()) {
            None => {}
            Some(None) => drop(self.refresh(OURSELVES).await),
            Some(Some(_)) => self.ask_soon(),
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        problems.values().cloned().collect()
    }

    /// The source, or what it gave.
    pub(super) fn refused(&self, error: &DecisionsError) {
        match error {
            DecisionsError::Take(take) => {
                let message = format!("the set of decisions.source is refused: {}", mistakes(take));
                let help = "what was in use stays; sarkctl policy check SET shows each mistake";
                self.problem("decisions-refused", message, help);
            }
            error => {
                let help = "what was in use stays; it is asked again, or by sarkctl policy refresh";
                self.problem("decisions-source", chain(error), help);
            }
        }
    }

    pub(super) fn unreadable(&self, version: &ContentHash, error: &DecisionsError) {
        let why = match error {
            DecisionsError::Take(take) => mistakes(take),
            error => chain(error),
        };
        let message = format!("the decision set {} cannot be put to use: {why}", version.short());
        let help = "what was in use stays; sarkctl policy activate puts another to use";
        self.problem("decisions-unreadable", message, help);
    }

    fn look_at_workers(&self) {
        let lost = self.decider.lost();
        if lost == 0 {
            return self.resolved("decisions-hang");
        }
        let message = format!("{lost} workers do not come back from a decision");
        let help = "a policy takes too long: sarkctl policy bench SET finds which";
        self.problem("decisions-hang", message, help);
    }

    fn problem(&self, code: &'static str, message: String, help: &str) {
        let help = Some(help.to_owned());
        let new = Problem { code: code.to_owned(), message, help };
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.get(code) != Some(&new) {
            tracing::error!(code, message = new.message);
            problems.insert(code, new);
        }
    }

    pub(super) fn resolved(&self, code: &'static str) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).remove(code);
    }
}

fn mistakes(error: &TakeError) -> String {
    let TakeError::Mistakes(mistakes) = error else { return chain(error) };
    let named = mistakes.iter().take(NAMED);
    let mut text: Vec<String> =
        named.map(|mistake| mistake.to_string().replace('\n', " ")).collect();
    if mistakes.len() > NAMED {
        text.push(format!("and {} more", mistakes.len() - NAMED));
    }
    text.join("; ")
}
