//! Signals.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What the process is told.
#[derive(Debug)]
pub(crate) struct Told {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signalled {
    /// SIGTERM or SIGINT: end well.
    Stop,
    /// SIGHUP: read the overlays again.
    Reload,
}

impl Told {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Signalled {
        tokio::select! {
            _ = self.terminate.recv() => Signalled::Stop,
            _ = self.interrupt.recv() => Signalled::Stop,
            _ = self.hangup.recv() => Signalled::Reload,
        }
    }
}
