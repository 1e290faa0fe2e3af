//! A gobgpd of our own, and its sessions.
//!
//! [`Supervised::ensure`] makes one run, or finds the one that an earlier process of ours left;
//! it outlives us. A new one knows neither rules nor peers, so the order of every round is
//!
//! ```text
//! ensure → announce what is missing → reconcile_peers
//! ```
//!
//! Peers are added when the rules are there: the first thing a router gets is the whole set, and
//! the End-of-RIB after it. If announcing failed, leave the peers for the next round.
//!
//! Beside the API socket lie `.pid`, `.log` and `.lock` files of the same name. The socket's
//! directory belongs to us alone: the interface has no other authentication.

mod files;
mod peers;
mod process;
mod settings;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use gobgp_api::v3 as api;
use sark_flowspec::SpeakerError;
use tokio::time::Instant;

pub use settings::{OnStop, Password, Peer, Settings};

use crate::generation::Generation;
use crate::{Address, Config, Gobgp, v3};
use files::Files;
use process::Process;

/// From spawning to answering.
const START_LIMIT: Duration = Duration::from_secs(15);
/// A daemon that answers nothing for this long is killed: its sessions have failed as well.
const HANG_LIMIT: Duration = Duration::from_secs(60);
/// Wait before the second start in a row; doubles from there.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
/// A daemon that ran for this long is not failing in a row.
const STEADY: Duration = Duration::from_secs(60);

/// A supervised gobgpd. Dropping it leaves the daemon running.
#[derive(Debug)]
pub struct Supervised {
    settings: Settings,
    files: Files,
    speaker: Gobgp,
    process: Option<Process>,
    silent_since: Option<Instant>,
    starts: u32,
    last_start: Option<Instant>,
}

/// What [`Supervised::ensure`] found or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ensured {
    /// It runs as in the last round.
    Running,
    /// It ran already, with its rules and peers; now it is ours.
    Adopted,
    /// It was started: no rules and no peers.
    Started,
}

/// What [`Supervised::reconcile_peers`] changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerChanges {
    /// New sessions.
    pub added: Vec<IpAddr>,
    /// Sessions that are not configured any more.
    pub removed: Vec<IpAddr>,
    /// Sessions whose configuration changed: taken down and added again.
    pub replaced: Vec<IpAddr>,
}

/// Why gobgpd does not run as it should.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Two of us would fight over one daemon.
    #[error("another process supervises gobgpd here (it holds {})", .0.display())]
    Locked(PathBuf),
    /// A file beside the socket.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Others could speak BGP in our name.
    #[error("{} is open to other users: gobgpd's socket needs a directory of mode 0700", .0.display())]
    OpenDirectory(PathBuf),
    /// The program did not start at all.
    #[error("cannot start {}; is gobgpd installed?", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// It ended during its start.
    #[error("gobgpd ended during its start ({status}): {last_words}")]
    Died {
        /// Exit status.
        status: String,
        /// The end of its log.
        last_words: String,
    },
    /// It failed in a row and will be started again later.
    #[error("gobgpd ended again; the next start is in {} s", wait.as_secs() + 1)]
    Backoff {
        /// Until then.
        wait: Duration,
    },
    /// Something else listens at the socket.
    #[error("process {pid} answers at {} and is not our gobgpd: stop it, or choose another socket", socket.display())]
    Foreign {
        /// The socket.
        socket: PathBuf,
        /// Its process.
        pid: i32,
    },
    /// It runs and does not do what it is told.
    #[error("gobgpd: {what}")]
    Call {
        /// What was asked.
        what: String,
        /// Cause.
        source: SpeakerError,
    },
}

impl Supervised {
    /// Takes the lock; starts nothing yet. Must be called inside a tokio runtime.
    pub fn new(settings: Settings) -> Result<Self, DaemonError> {
        let files = Files::prepare(&settings.socket)?;
        let speaker = Gobgp::new(&Config {
            address: Address::Unix(settings.socket.clone()),
            timeout_seconds: settings.timeout_seconds,
        });
        Ok(Self {
            settings,
            files,
            speaker,
            process: None,
            silent_since: None,
            starts: 0,
            last_start: None,
        })
    }

    /// A handle that stays good across restarts of the daemon.
    #[must_use]
    pub fn speaker(&self) -> Gobgp {
        self.speaker.clone()
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.process.as_ref().map(Process::pid)
    }

    /// For the next [`Supervised::reconcile_peers`].
    pub fn set_peers(&mut self, peers: Vec<Peer>) {
        self.settings.peers = peers;
    }

    /// Makes sure that it runs, answers, and speaks BGP with our AS, router id and addresses.
    /// One with others (the configuration changed) is replaced.
    pub async fn ensure(&mut self) -> Result<Ensured, DaemonError> {
        let known = self.pid();
        let Some(pid) = self.listener().await? else {
            return self.start().await;
        };
        if known != Some(pid) {
            self.process = Some(Process::adopt(pid));
            self.files.write_pid(pid)?;
        }
        let global = match self.global().await {
            Ok(global) => global,
            Err(error) => return self.silent(error).await,
        };
        self.silent_since = None;
        if self.last_start.is_some_and(|start| start.elapsed() > STEADY) {
            self.starts = 0;
        }
        if global.asn == 0 {
            // We were ended between start and configuration.
            self.start_bgp().await?;
            return Ok(Ensured::Started);
        }
        if !self.settings.matches(&global) {
            tracing::warn!(pid, "gobgpd runs with another AS, router id or address: restarting it");
            self.end().await;
            return self.start().await;
        }
        Ok(if known == Some(pid) {
            Ensured::Running
        } else {
            tracing::info!(pid, "adopted the gobgpd that was running");
            Ensured::Adopted
        })
    }

    /// Adds the peers that are missing, removes those that are not configured, and replaces those
    /// whose configuration differs. Call it when the rules are announced.
    pub async fn reconcile_peers(&mut self) -> Result<PeerChanges, DaemonError> {
        self.v3().await?;
        let connection = self.speaker.connection();
        let found =
            v3::calls::list_peer(connection).await.map_err(call("cannot list its peers"))?;
        let todo = peers::changes(&self.settings, &found);
        for address in todo.removed.iter().chain(&todo.replaced) {
            v3::calls::delete_peer(connection, *address)
                .await
                .map_err(call(format!("cannot remove peer {address}")))?;
            tracing::info!(peer = %address, "removed a peer");
        }
        for peer in &self.settings.peers {
            if todo.added.contains(&peer.address) || todo.replaced.contains(&peer.address) {
                v3::calls::add_peer(connection, peer.message())
                    .await
                    .map_err(call(format!("cannot add peer {}", peer.address)))?;
                tracing::info!(peer = %peer.address, asn = peer.asn, "added a peer");
            }
        }
        Ok(todo)
    }

    /// Ends our supervision, and the daemon with it if the settings say `withdraw`: its peers get
    /// a Cease and drop our rules.
    pub async fn stop(mut self) {
        match self.settings.on_stop {
            OnStop::Keep => {}
            OnStop::Withdraw => {
                if let Err(error) = v3::calls::stop_bgp(self.speaker.connection()).await {
                    tracing::warn!(%error, "gobgpd did not stop BGP; ending it all the same");
                }
                self.end().await;
            }
        }
    }

    /// Ends the daemon, if it runs, whatever the settings say; starts none. For a controller that
    /// another has taken over from.
    pub async fn retire(mut self) -> Result<bool, DaemonError> {
        let Some(pid) = self.listener().await? else { return Ok(false) };
        self.process = Some(Process::adopt(pid));
        if let Err(error) = v3::calls::stop_bgp(self.speaker.connection()).await {
            tracing::warn!(%error, "gobgpd did not stop BGP; ending it all the same");
        }
        self.end().await;
        Ok(true)
    }

    /// The process behind the socket, if it is a gobgpd that we started.
    async fn listener(&mut self) -> Result<Option<i32>, DaemonError> {
        let Some(pid) = self.files.listener().await? else { return Ok(None) };
        if Process::was_started_for(pid, &self.settings.socket) {
            Ok(Some(pid))
        } else {
            Err(DaemonError::Foreign { socket: self.settings.socket.clone(), pid })
        }
    }

    async fn start(&mut self) -> Result<Ensured, DaemonError> {
        self.leave_behind().await;
        self.back_off()?;
        self.starts += 1;
        self.last_start = Some(Instant::now());
        self.silent_since = None;

        self.files.clear_socket()?;
        let mut process = Process::spawn(&self.settings, self.files.log()?)?;
        let pid = process.pid();
        self.files.write_pid(pid)?;
        tracing::info!(pid, program = %self.settings.program.display(), "started gobgpd");
        let deadline = Instant::now() + START_LIMIT;
        while self.files.listener().await? != Some(pid) {
            if let Some(status) = process.ended() {
                return Err(DaemonError::Died { status, last_words: self.files.last_words() });
            }
            if Instant::now() > deadline {
                process.end().await;
                return Err(DaemonError::Died {
                    status: "it did not open its socket".to_owned(),
                    last_words: self.files.last_words(),
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.process = Some(process);
        self.files.close_socket_to_others()?;
        self.start_bgp().await?;
        Ok(Ensured::Started)
    }

    /// Whatever ran before: reaped if it ended, ended if it lost its socket. Two daemons with one
    /// router id would disturb each other's sessions.
    async fn leave_behind(&mut self) {
        let orphan = self.files.read_pid();
        let orphan = orphan.filter(|pid| Process::was_started_for(*pid, &self.settings.socket));
        let old = self.process.take().or_else(|| orphan.map(Process::adopt));
        if let Some(mut old) = old {
            match old.ended() {
                Some(status) => tracing::warn!(pid = old.pid(), status, "gobgpd ended"),
                None => {
                    tracing::warn!(pid = old.pid(), "gobgpd lost its socket: ending it");
                    old.end().await;
                }
            }
        }
    }

    fn back_off(&self) -> Result<(), DaemonError> {
        let (Some(last), Some(doublings)) = (self.last_start, self.starts.checked_sub(1)) else {
            return Ok(());
        };
        if last.elapsed() > STEADY {
            return Ok(());
        }
        let wait = FIRST_BACKOFF.saturating_mul(1 << doublings.min(6)).min(LONGEST_BACKOFF);
        match wait.checked_sub(last.elapsed()) {
            Some(wait) if !wait.is_zero() => Err(DaemonError::Backoff { wait }),
            _ => Ok(()),
        }
    }

    /// It is there and gave an error instead of an answer.
    async fn silent(&mut self, error: SpeakerError) -> Result<Ensured, DaemonError> {
        let since = *self.silent_since.get_or_insert_with(Instant::now);
        if matches!(error, SpeakerError::Timeout { .. }) && since.elapsed() > HANG_LIMIT {
            tracing::warn!(pid = self.pid(), "gobgpd hangs: restarting it");
            self.end().await;
            return self.start().await;
        }
        Err(call("it does not answer")(error))
    }

    async fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.end().await;
        }
        self.files.forget();
    }

    async fn v3(&self) -> Result<(), DaemonError> {
        match self.speaker.generation().await.map_err(call("it does not answer"))? {
            Generation::V3 => Ok(()),
        }
    }

    async fn global(&self) -> Result<api::Global, SpeakerError> {
        match self.speaker.generation().await? {
            Generation::V3 => v3::calls::get_bgp(self.speaker.connection()).await,
        }
    }

    async fn start_bgp(&self) -> Result<(), DaemonError> {
        self.v3().await?;
        v3::calls::start_bgp(self.speaker.connection(), self.settings.global())
            .await
            .map_err(call("cannot start BGP"))
    }
}

fn call(what: impl Into<String>) -> impl FnOnce(SpeakerError) -> DaemonError {
    move |source| DaemonError::Call { what: what.into(), source }
}
