//! Whoever keeps the speaker running and its sessions as configured.

use async_trait::async_trait;

/// Why the speaker or its sessions are not as they should be.
pub type KeeperError = Box<dyn std::error::Error + Send + Sync>;

/// Called in every round, in this order: [`ensure`](Self::ensure), then the rules, then
/// [`open_sessions`](Self::open_sessions). So a speaker that was just started has its rules before
/// it has peers, and a router gets the whole set first.
#[async_trait]
pub trait Keeper: Send + Sync {
    /// Makes sure that the speaker runs.
    async fn ensure(&mut self) -> Result<(), KeeperError>;

    /// Makes its sessions the configured ones; called only when its rules are there.
    async fn open_sessions(&mut self) -> Result<(), KeeperError>;

    /// We stop.
    async fn stop(self: Box<Self>);

    /// Another leads, and has a speaker of its own: one that is ours alone goes, with its rules.
    async fn retire(self: Box<Self>) -> Result<(), KeeperError>;
}

/// For a speaker that is somebody else's: neither it nor its sessions are touched.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unkept;

#[async_trait]
impl Keeper for Unkept {
    async fn ensure(&mut self) -> Result<(), KeeperError> {
        Ok(())
    }

    async fn open_sessions(&mut self) -> Result<(), KeeperError> {
        Ok(())
    }

    async fn stop(self: Box<Self>) {}

    async fn retire(self: Box<Self>) -> Result<(), KeeperError> {
        Ok(())
    }
}
