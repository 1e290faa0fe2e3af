//! The start, after an earlier process or none.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use sark_enforcer::{Installed, Program};
use sark_gobgp::Gobgp;

use super::{Enforcer, RoundError};
use crate::config::Config;
use crate::{Directory, Freshness, Heard, Status, Stored, Totals, chain};

impl Enforcer {
    /// Begins with what an earlier process left in the kernel.
    pub async fn resume(config: &Config, speaker: Gobgp, now: Instant) -> Result<Self, RoundError> {
        let stale = &config.stale;
        let (hold, settle) = (stale.hold.unsigned_abs(), stale.settle.unsigned_abs());
        let mut enforcer = Self {
            speaker,
            kernel: config.kernel(),
            options: config.options(),
            directory: Directory::new(&config.state.directory),
            then: stale.then,
            freshness: Freshness::new(hold, settle, now),
            losses: 0,
            known: HashMap::new(),
            unread: Vec::new(),
            applied: None,
            redirects: Vec::new(),
            totals: Totals::default(),
            refused: Vec::new(),
            unreachable: BTreeMap::new(),
            count_after: now,
            removed: false,
            status: Status::default(),
        };
        let Some(installed) = enforcer.kernel.installed(&enforcer.options).await? else {
            // Routes without a table are cleared up by the first apply.
            return Ok(enforcer);
        };
        let stored = enforcer.directory.load().unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "the stored state cannot be read");
            None
        });
        match stored {
            Some(stored) => enforcer.take_over(&stored, &installed, now)?,
            None => tracing::warn!("there is a table, and nothing is stored about it"),
        }
        if enforcer.applied.is_none() {
            enforcer.redirects = enforcer.kernel.redirects(&enforcer.options).await?;
        }
        Ok(enforcer)
    }

    fn take_over(
        &mut self,
        stored: &Stored,
        installed: &Installed,
        now: Instant,
    ) -> Result<(), RoundError> {
        let heard = Heard { paths: stored.paths(), unread: Vec::new() };
        let program = Program::compile_after(&heard.rules(), &self.options, &stored.redirects())?;
        self.known = heard.paths.into_iter().map(|(nlri, path)| (nlri, (path, now))).collect();
        self.totals = stored.totals();
        if installed.fingerprint.as_deref() == Some(program.fingerprint()) {
            tracing::info!(rules = program.rules().len(), "took over the table that was there");
            self.redirects = program.redirects().to_vec();
            self.applied = Some(program);
        }
        Ok(())
    }
}
