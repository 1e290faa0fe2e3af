//! One round.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use sark_compiler::Plan;
use sark_flowspec::{Nlri, Observed, Route, Speaker, SpeakerError};

use super::{Keeper, KeeperError};
use crate::{DesiredError, DesiredState};

/// No round lasts longer; what it did not do, the next one does.
#[must_use]
pub fn round_deadline() -> Duration {
    Duration::from_secs(60)
}

/// What a round saw and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Revision it worked for; `None` when nothing was ever applied.
    pub revision: Option<u64>,
    /// Rules that should be there.
    pub desired: u64,
    /// Of these, there before the round.
    pub in_place: u64,
    /// Announced now.
    pub announced: u64,
    /// Withdrawn now.
    pub withdrawn: u64,
    /// In the table and not ours.
    pub foreign: u64,
    /// In the table and ours, while no revision says what should be there.
    pub orphaned: u64,
    /// When the rules next change by themselves.
    pub next_change: Option<Timestamp>,
}

impl Report {
    /// There was nothing to do.
    #[must_use]
    pub fn converged(&self) -> bool {
        self.announced == 0 && self.withdrawn == 0
    }
}

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// It is not known what should be there.
    #[error(transparent)]
    Desired(#[from] DesiredError),
    /// The revision was accepted once and is refused now. Nothing is touched.
    #[error("revision {revision} is refused now: {policy}: {why}")]
    Refused {
        /// The revision.
        revision: u64,
        /// The first policy that is refused.
        policy: String,
        /// Why.
        why: String,
    },
    /// The speaker does not run, or its sessions are not as configured.
    #[error("could not {what}")]
    Keeper {
        /// Such as `keep gobgpd running`.
        what: &'static str,
        /// Cause.
        source: KeeperError,
    },
    /// The speaker did not do it.
    #[error("could not {what}")]
    Speaker {
        /// Such as `read the table`.
        what: &'static str,
        /// Cause.
        source: SpeakerError,
    },
    /// It took too long.
    #[error("the round did not end within {seconds} s")]
    Deadline {
        /// The limit.
        seconds: u64,
    },
}

/// Reads all it needs, compares, and moves the speaker's table. Stopped at any point it leaves a
/// table that the next round reads again.
pub(super) async fn run(
    desired: &DesiredState,
    speaker: &dyn Speaker,
    keeper: &mut dyn Keeper,
    now: Timestamp,
) -> Result<Report, RoundError> {
    let limit = round_deadline();
    tokio::time::timeout(limit, unlimited(desired, speaker, keeper, now))
        .await
        .unwrap_or(Err(RoundError::Deadline { seconds: limit.as_secs() }))
}

async fn unlimited(
    state: &DesiredState,
    speaker: &dyn Speaker,
    keeper: &mut dyn Keeper,
    now: Timestamp,
) -> Result<Report, RoundError> {
    let environment = state.environment();
    let (asn, instance) = (environment.asn, environment.instance);
    let unkept = |what| move |source| RoundError::Keeper { what, source };
    keeper.ensure().await.map_err(unkept("keep the BGP speaker running"))?;
    let desired = state.at(now).await?;
    let failed = |what| move |source| RoundError::Speaker { what, source };
    let observed = speaker.table().await.map_err(failed("read the table"))?;
    let ours = count(&observed, |o| is_ours(o, asn, instance));
    let foreign = observed.len() as u64 - ours;
    let Some(desired) = desired else {
        // A lost database must not take rules away: without a revision no rule is touched.
        keeper.open_sessions().await.map_err(unkept("open the BGP sessions"))?;
        return Ok(Report { foreign, orphaned: ours, ..Report::default() });
    };
    if let Some(refusal) = desired.compiled.refused.first() {
        return Err(RoundError::Refused {
            revision: desired.revision.number,
            policy: refusal.policy.clone(),
            why: refusal.why.clone(),
        });
    }
    let plan = Plan::between(&desired.compiled, &observed, asn, instance);
    let report = Report {
        revision: Some(desired.revision.number),
        desired: desired.compiled.rules.len() as u64,
        in_place: plan.document.summary.keep,
        announced: plan.announce.len() as u64,
        withdrawn: plan.withdraw.len() as u64,
        foreign,
        orphaned: 0,
        next_change: desired.next_change,
    };
    // Make before break, and what protects first in and last out: at no moment does a rule act on
    // packets that an accept rule of the old or the new set would have kept from it.
    let (accepting, acting): (Vec<Route>, Vec<Route>) =
        plan.announce.into_iter().partition(|route| route.actions.is_empty());
    let accepted: HashSet<&Nlri> = observed
        .iter()
        .filter(|o| o.communities.is_empty())
        .filter_map(|o| o.nlri.as_ref().ok())
        .collect();
    let (accepting_before, acting_before): (Vec<Nlri>, Vec<Nlri>) =
        plan.withdraw.into_iter().partition(|nlri| accepted.contains(nlri));
    for routes in [accepting, acting] {
        if !routes.is_empty() {
            speaker.announce(&routes).await.map_err(failed("announce the rules"))?;
        }
    }
    for nlris in [acting_before, accepting_before] {
        if !nlris.is_empty() {
            speaker.withdraw(&nlris).await.map_err(failed("withdraw the rules"))?;
        }
    }
    keeper.open_sessions().await.map_err(unkept("open the BGP sessions"))?;
    Ok(report)
}

/// A path is ours if it is local and the first two parts of a large community match.
pub(crate) fn is_ours(observed: &Observed, asn: u32, instance: u32) -> bool {
    observed.local
        && observed.large_communities.iter().any(|c| c.global == asn && c.local1 == instance)
}

fn count(observed: &[Observed], wanted: impl Fn(&Observed) -> bool) -> u64 {
    observed.iter().filter(|o| wanted(o)).count() as u64
}
