//! One look at what is wanted and what is there, and one step from the one to the other.

mod log;
mod resume;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use sark_enforcer::{Kernel, KernelError, Options, OptionsError, Program, Redirect};
use sark_flowspec::{Nlri, PeerState, Speaker, SpeakerError};
use sark_gobgp::{BestPath, Gobgp};

use crate::config::Then;
use crate::state::{StoredRefusal, refused};
use crate::{Counted, Directory, Freshness, Heard, Status, Stored, Totals, Unread, chain};

/// One part in this many of the time goes into reading counters.
const COUNTING_SHARE: u32 = 20;

/// The reconciler. It holds no truth: paths are gobgpd's, the table is the kernel's.
#[derive(Debug)]
pub struct Enforcer {
    speaker: Gobgp,
    kernel: Kernel,
    options: Options,
    directory: Directory,
    then: Then,
    freshness: Freshness,
    losses: u64,
    /// What gobgpd had last, and when.
    known: HashMap<Nlri, (BestPath, Instant)>,
    unread: Vec<Unread>,
    /// The program that is in the kernel, as far as we know.
    applied: Option<Program>,
    /// Where marks lead in the kernel.
    redirects: Vec<Redirect>,
    totals: Totals,
    refused: Vec<StoredRefusal>,
    unreachable: BTreeMap<IpAddr, String>,
    /// Reading counters of large tables takes long.
    count_after: Instant,
    /// The hold ended and the rules went.
    removed: bool,
    status: Status,
}

/// Why a round did not end well; the next one is the retry.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// The kernel did not do as it was told.
    #[error("the kernel's rules are as they were")]
    Kernel(#[from] KernelError),
    /// The options cannot be used; found at the start.
    #[error(transparent)]
    Options(#[from] OptionsError),
}

impl Enforcer {
    /// Reads, compares, and applies where they differ. `losses` is how often the watch broke, asked
    /// after gobgpd has answered; a `full` round also reads counters and finds next hops again.
    pub async fn round(
        &mut self,
        losses: impl Fn() -> u64,
        now: Instant,
        full: bool,
    ) -> Result<(), RoundError> {
        let listed = self.speaker.best_paths().await;
        let losses = losses();
        if std::mem::replace(&mut self.losses, losses) != losses {
            self.freshness.lost(now);
        }
        let outcome = match listed {
            Ok(paths) => self.heard(paths, now, full).await,
            Err(error) => self.unheard(&error, now, full).await,
        };
        self.status.phase = self.freshness.word();
        self.status.stale_since = self.freshness.stale_since();
        match &outcome {
            Err(_) => self.status.failed += 1,
            Ok(()) if self.status.stale_since.is_some() => self.status.unanswered += 1,
            Ok(()) => self.status.rounds += 1,
        }
        outcome
    }

    /// How things are after the last round.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// When a round is due although nothing was noticed.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.freshness.deadline()
    }

    /// Removes everything.
    pub async fn remove(&mut self) -> Result<(), RoundError> {
        self.kernel.remove(&self.options).await?;
        if let Err(error) = self.directory.clear() {
            tracing::warn!(error = chain(&error), "the stored state cannot be removed");
        }
        (self.applied, self.totals) = (None, Totals::default());
        self.known.clear();
        self.unread.clear();
        self.redirects.clear();
        self.refused.clear();
        self.unreachable.clear();
        self.status.rules = Arc::default();
        (self.status.refused, self.status.unreachable, self.status.kept) = (0, 0, 0);
        Ok(())
    }

    async fn heard(
        &mut self,
        paths: Vec<BestPath>,
        now: Instant,
        full: bool,
    ) -> Result<(), RoundError> {
        let up = self.freshness.is_settled() || self.sessions_are_up().await;
        log::answered(&self.freshness);
        self.freshness.answered(now, up);
        self.removed = false;
        let mut heard = Heard::of(paths);
        let mut known: HashMap<_, _> =
            heard.paths.iter().map(|(nlri, path)| (nlri.clone(), (path.clone(), now))).collect();
        self.status.kept = 0;
        for (nlri, (path, had)) in std::mem::take(&mut self.known) {
            if !known.contains_key(&nlri) && self.freshness.keeps(had, now) {
                heard.paths.insert(nlri.clone(), path.clone());
                known.insert(nlri, (path, had));
                self.status.kept += 1;
            }
        }
        self.known = known;
        self.unread.clone_from(&heard.unread);
        let program = Program::compile_after(&heard.rules(), &self.options, &self.redirects)?;
        self.enforce(program, &heard, full).await
    }

    async fn unheard(
        &mut self,
        error: &SpeakerError,
        now: Instant,
        full: bool,
    ) -> Result<(), RoundError> {
        log::unanswered(&self.freshness, error);
        let over = self.freshness.failed(now);
        if self.removed {
            return Ok(());
        }
        if over && self.then == Then::Remove {
            tracing::warn!("gobgpd has not answered for stale.hold: the rules are removed");
            self.remove().await?;
            self.removed = true;
            return Ok(());
        }
        let Some(program) = self.applied.clone() else { return Ok(()) };
        let paths = self.known.iter().map(|(nlri, (path, _))| (nlri.clone(), path.clone()));
        let heard = Heard { paths: paths.collect(), unread: self.unread.clone() };
        self.enforce(program, &heard, full).await
    }

    /// The kernel's table becomes this one, if it is not.
    async fn enforce(
        &mut self,
        program: Program,
        heard: &Heard,
        full: bool,
    ) -> Result<(), RoundError> {
        let installed = self.kernel.installed(&self.options).await?;
        let fingerprint = installed.and_then(|installed| installed.fingerprint);
        let there = fingerprint.as_deref() == Some(program.fingerprint())
            && self.redirects == program.redirects();
        if there && !full && self.applied.is_some() {
            self.told(program, heard, false, false);
            return Ok(());
        }
        let count = !there || Instant::now() >= self.count_after;
        if count {
            self.count(fingerprint.as_deref()).await?;
        }
        let applied = if there {
            self.kernel.reroute(&program).await?
        } else {
            let began = Instant::now();
            let applied = self.kernel.apply(&program).await?;
            self.totals.replaced(program.rules());
            self.redirects = program.redirects().to_vec();
            self.status.applies += 1;
            let took = began.elapsed();
            self.status.last_apply = Some(took);
            tracing::info!(
                rules = program.rules().len(),
                refused = program.refusals().len(),
                milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "applied"
            );
            applied
        };
        let rerouted = self.unreachable != applied.unreachable;
        log::unreachable(&self.unreachable, &applied.unreachable);
        self.unreachable = applied.unreachable;
        self.told(program, heard, !there || rerouted, count);
        Ok(())
    }

    /// Reads what was counted by now, if the kernel has the table that we applied.
    async fn count(&mut self, fingerprint: Option<&str>) -> Result<(), RoundError> {
        let Some(applied) = &self.applied else { return Ok(()) };
        if fingerprint == Some(applied.fingerprint()) {
            let began = Instant::now();
            let counters = self.kernel.counters(applied).await?;
            self.totals.read(applied.rules(), &counters);
            self.count_after = Instant::now() + began.elapsed() * COUNTING_SHARE;
        }
        Ok(())
    }

    /// The program is in the kernel: whoever asks is told so.
    fn told(&mut self, program: Program, heard: &Heard, news: bool, counted: bool) {
        let refused = refused(&program, &heard.unread);
        let news = news || refused != self.refused || self.applied.as_ref() != Some(&program);
        if news {
            log::refused(&self.refused, &refused);
            let stored = Stored::of(&program, heard, &self.totals, &self.unreachable);
            if let Err(error) = self.directory.store(&stored) {
                tracing::warn!(error = chain(&error), "the state cannot be stored");
            }
        }
        if news || counted {
            let rules = program.rules().iter();
            let counted = rules.map(|rule| Counted::new(&rule.nlri, self.totals.of(&rule.nlri)));
            self.status.rules = Arc::new(counted.collect());
        }
        self.status.refused = refused.len();
        self.status.unreachable = self.unreachable.len();
        self.refused = refused;
        self.applied = Some(program);
    }

    async fn sessions_are_up(&self) -> bool {
        match self.speaker.peers().await {
            Ok(peers) => peers.iter().all(|peer| peer.state == PeerState::Established),
            Err(_) => false,
        }
    }
}
