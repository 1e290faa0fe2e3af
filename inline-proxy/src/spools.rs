//! Which spool is whose: while one program takes over from another there are two on one state directory,
//! and no spool has two writers.
//!
//! ```text
//!   spool.lock ─ held ─ the one that ends: writes spool/
//!   spool-1.lock ─ held ─ the one that began: writes spool-1/, and takes spool/ over when its lock is free
//! ```
//!
//! A lock is the kernel's (`flock`): it ends with whoever held it, however that ended. Lock files stay.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sark_caller::Caller;
use sark_core::Clock;
use sark_trail::{Drain, Trail, TrailError, TrailMetrics, TrailSettings, WhenFull, Writer, trail};
use tokio_util::sync::CancellationToken;

use crate::sarkd::Deposit;

/// Records that wait to be spooled.
const QUEUE: usize = 16_384;
/// Spools of one state directory: as many programs, of which all but one end.
const MOST: u32 = 16;
/// How often those that others left are looked for.
const LOOK: Duration = Duration::from_secs(5);

/// A spool that nobody else has, as long as it is held.
#[derive(Debug)]
pub(crate) struct Claim {
    directory: PathBuf,
    /// How far `sarkd` has it.
    position: PathBuf,
    lock: Arc<File>,
}

/// What spools have in common.
#[derive(Clone)]
pub(crate) struct Spools {
    /// Where they are.
    pub(crate) state: PathBuf,
    /// Octets of each that wait for `sarkd`.
    pub(crate) most_octets: u64,
    pub(crate) caller: Caller,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counted: Arc<TrailMetrics>,
}

impl Spools {
    /// The first that nobody has.
    pub(crate) fn claim(&self) -> std::io::Result<Claim> {
        for number in 0..MOST {
            if let Some(claim) = claim(&self.state, number)? {
                return Ok(claim);
            }
        }
        Err(std::io::Error::other(format!("{MOST} programs write their records here")))
    }

    /// The trail that writes this one.
    pub(crate) async fn open(&self, claim: &Claim) -> Result<(Trail, Writer, Drain), TrailError> {
        let settings = TrailSettings {
            directory: claim.directory.clone(),
            queue: QUEUE,
            most_octets: self.most_octets,
            when_full: WhenFull::Block,
            program: "sark-proxy",
        };
        let lock = Arc::clone(&claim.lock);
        let deposit = Deposit::new(self.caller.clone(), claim.position.clone(), lock);
        let (clock, counted) = (Arc::clone(&self.clock), Arc::clone(&self.counted));
        trail(&settings, Arc::new(deposit), clock, counted, Arc::default()).await
    }

    /// Gives the records that others left to `sarkd`, once they have ended.
    pub(crate) async fn take_over(self, stop: CancellationToken) {
        let mut timer = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = timer.tick() => {}
                () = stop.cancelled() => return,
            }
            for number in 0..MOST {
                match left(&self.state, number) {
                    Ok(Some(claim)) => self.empty(claim, &stop).await,
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, number, "a spool cannot be looked at"),
                }
            }
        }
    }

    async fn empty(&self, claim: Claim, stop: &CancellationToken) {
        let directory = claim.directory.display().to_string();
        let (trail, writer, drain) = match self.open(&claim).await {
            Ok(opened) => opened,
            // It stays, and is looked at again.
            Err(error) => {
                let error = sark_core::chain(&error);
                tracing::warn!(directory, error, "records that were left wait");
                return;
            }
        };
        tracing::info!(directory, "takes over records that were left");
        trail.close().await;
        if tokio::task::spawn_blocking(move || writer.run()).await.is_err() {
            return;
        }
        drain.run(stop.clone()).await;
        if stop.is_cancelled() {
            return;
        }
        // Nothing is in it any more.
        let removed = std::fs::remove_dir_all(&claim.directory);
        let _ = std::fs::remove_file(&claim.position);
        match removed {
            Ok(()) => tracing::info!(directory, "sarkd has all records that were left"),
            Err(error) => tracing::warn!(directory, %error, "an empty spool stays"),
        }
    }
}

/// One that is there and that nobody has.
fn left(state: &Path, number: u32) -> std::io::Result<Option<Claim>> {
    if !state.join(name(number)).is_dir() {
        return Ok(None);
    }
    // It may have been emptied before it was claimed.
    Ok(claim(state, number)?.filter(|claim| claim.directory.is_dir()))
}

fn claim(state: &Path, number: u32) -> std::io::Result<Option<Claim>> {
    let name = name(number);
    let path = state.join(format!("{name}.lock"));
    let lock = File::options().create(true).append(true).mode(0o600).open(path)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // The first is where it was before there could be several.
    let position = if number == 0 { "position".to_owned() } else { format!("position-{number}") };
    Ok(Some(Claim {
        directory: state.join(name),
        position: state.join(position),
        lock: Arc::new(lock),
    }))
}

fn name(number: u32) -> String {
    if number == 0 { "spool".to_owned() } else { format!("spool-{number}") }
}

#[cfg(test)]
mod tests;
