//! The BGP daemon that announces for us.
//!
//! With the feature `test-util`: [`fake`], a speaker in memory that can be told to fail, and
//! [`contract`], what every speaker must do.

use std::net::IpAddr;

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::{Nlri, Observed, Route};

#[cfg(feature = "test-util")]
pub mod contract;
#[cfg(feature = "test-util")]
pub mod fake;

/// A BGP speaker with a FlowSpec table. Small on purpose: what a reconciler needs.
///
/// There is no call that withdraws "everything": an empty slice withdraws nothing.
#[async_trait]
pub trait Speaker: Send + Sync {
    /// Who answers.
    async fn info(&self) -> Result<SpeakerInfo, SpeakerError>;

    /// Announces in bulk. A route whose NLRI is there already replaces its attributes; the same
    /// route again is no UPDATE. Fails without having announced some of them: read the table.
    async fn announce(&self, routes: &[Route]) -> Result<(), SpeakerError>;

    /// Withdraws these NLRIs; one that is not there is no error.
    async fn withdraw(&self, nlris: &[Nlri]) -> Result<(), SpeakerError>;

    /// Both families' tables, local and learned paths.
    async fn table(&self) -> Result<Vec<Observed>, SpeakerError>;

    /// Sessions.
    async fn peers(&self) -> Result<Vec<PeerStatus>, SpeakerError>;

    /// Notices that say "look now" and carry no more. Ends when the speaker is gone.
    async fn watch(&self) -> Result<BoxStream<'static, SpeakerEvent>, SpeakerError>;
}

/// Who a speaker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeakerInfo {
    /// Its program and API generation, such as `gobgp v3`.
    pub program: String,
    /// Its AS; 0 while BGP is not started.
    pub asn: u32,
    /// Its router id, if BGP is started.
    pub router_id: Option<std::net::Ipv4Addr>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerStatus {
    /// The neighbour's address.
    pub address: IpAddr,
    /// The neighbour's AS.
    pub asn: u32,
    /// Where the session is.
    pub state: PeerState,
    /// Times it went down.
    pub flaps: u32,
    /// FlowSpec rules advertised to it: IPv4, IPv6.
    pub advertised: (u64, u64),
}

/// BGP finite state machine (RFC 4271 section 8.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the RFC's names")]
pub enum PeerState {
    Unknown,
    Idle,
    Connect,
    Active,
    OpenSent,
    OpenConfirm,
    Established,
}

/// Something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpeakerEvent {
    /// A FlowSpec path came or went.
    Table,
    /// This session changed state.
    Peer(IpAddr),
}

/// Why a speaker did not do it.
#[derive(Debug, thiserror::Error)]
pub enum SpeakerError {
    /// Nobody answers, or the connection broke: try again next round.
    #[error("cannot reach the BGP speaker at {at}")]
    Unreachable {
        /// Where it should be.
        at: String,
        /// Cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time.
    #[error("the BGP speaker did not answer {call} within {seconds} s")]
    Timeout {
        /// The call.
        call: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// It answered with an error.
    #[error("the BGP speaker refused {call}: {message}")]
    Refused {
        /// The call.
        call: &'static str,
        /// Its words.
        message: String,
    },
    /// It answered something that cannot be read.
    #[error("the BGP speaker's answer to {call} cannot be read: {message}")]
    Answer {
        /// The call.
        call: &'static str,
        /// What is wrong.
        message: String,
    },
    /// It is not a speaker we can talk to.
    #[error("the BGP speaker at {at} is not supported: {reason}")]
    Unsupported {
        /// Where it is.
        at: String,
        /// What it is, and what to do.
        reason: String,
    },
    /// The rule would harm the speaker or its peers, and was not sent.
    #[error("rule {rule} cannot be sent: {reason}")]
    Unsendable {
        /// Text form.
        rule: String,
        /// Why.
        reason: String,
    },
}
