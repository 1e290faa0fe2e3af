//! How the daemon, the BGP speaker and its peers are.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::RevisionView;

/// All that a person on call asks first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusResponse {
    /// Of `sarkd`.
    pub version: String,
    /// `sarkd`'s process id.
    pub pid: u32,
    /// Since when it runs.
    pub started_at: Timestamp,
    /// Ownership community, first part.
    pub asn: u32,
    /// Ownership community, second part.
    pub instance: u32,
    /// Profile that plans are compiled for.
    pub profile: String,
    /// Registry version.
    pub registry_version: String,
    /// Endpoints in the registry.
    pub endpoints: u64,
    /// The newest revision, without its files.
    pub revision: Option<RevisionView>,
    /// The database.
    #[serde(default)]
    pub store: StoreView,
    /// The BGP speaker.
    pub speaker: SpeakerView,
    /// Its peers, configured ones first.
    pub peers: Vec<PeerView>,
    /// The reconciler.
    pub reconcile: ReconcileView,
    /// What needs a person; empty when all is well.
    pub problems: Vec<Problem>,
}

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Such as `speaker-unreachable`, `peer-down`, `set-refused`, `store-unavailable`.
    pub code: String,
    /// The sentence.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// The database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreView {
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// The file, or server, database and user; never a password.
    pub place: String,
    /// `alone` (no other `sarkd` uses it), `leader`, `follower`, or `unknown` while it does not
    /// answer.
    #[serde(default)]
    pub role: String,
    /// What other `sarkd` call this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<String>,
    /// The number of the leader's time, if it is this one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// It answered just now.
    pub reachable: bool,
    /// Why it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The BGP speaker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpeakerView {
    /// `supervised` or `external`.
    pub mode: String,
    /// Where its API is.
    pub api: String,
    /// It answered last time.
    pub reachable: bool,
    /// Its program and API generation.
    pub program: Option<String>,
    /// Its AS.
    pub asn: Option<u32>,
    /// Its router id.
    pub router_id: Option<String>,
    /// Why it is not reachable.
    pub error: Option<String>,
}

/// A BGP session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PeerView {
    /// Its name in the configuration; `None` for a peer that somebody else configured.
    pub name: Option<String>,
    /// Address.
    pub address: IpAddr,
    /// AS.
    pub asn: u32,
    /// `established`, or another state of the BGP state machine in lower case; `absent` when the
    /// speaker does not have it; `unknown` when the speaker does not answer.
    pub state: String,
    /// Profile in the configuration.
    pub profile: Option<String>,
    /// Times it went down.
    pub flaps: u32,
    /// FlowSpec rules advertised to it.
    pub advertised: RuleCounts,
}

/// Per family.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[expect(missing_docs, reason = "the words say it")]
pub struct RuleCounts {
    pub ipv4: u64,
    pub ipv6: u64,
}

/// The reconciler.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReconcileView {
    /// The speaker's table was what the newest revision asks for when last compared.
    pub converged: bool,
    /// Revision of the last round.
    pub revision: Option<u64>,
    /// Rounds since start.
    pub rounds: u64,
    /// Rounds that failed since the last that did not.
    pub failures: u64,
    /// When the last round ended.
    pub last_round: Option<Timestamp>,
    /// When a round last ended well.
    pub last_success: Option<Timestamp>,
    /// How long the last round took.
    pub last_ms: Option<u64>,
    /// Rules that should be there.
    pub desired: u64,
    /// Of these, in the speaker's table.
    pub in_place: u64,
    /// Rules in the speaker's table that are not ours.
    pub foreign: u64,
    /// Rules in the speaker's table that carry our community while no revision says what should
    /// be there; they are left alone.
    pub orphaned: u64,
    /// Why the last round failed.
    pub error: Option<String>,
    /// When a policy next begins or ends by itself.
    pub next_change: Option<Timestamp>,
}

/// Sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PeersResponse {
    /// Configured ones first.
    pub peers: Vec<PeerView>,
}
