//! What happened on a host, as the EDR line sees it, and sightings of tunnels.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::request::Confidence;

/// Something a process did that concerns models, agents or tunnels. What is not known is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Ours, for the record.
    pub id: String,
    /// What happened.
    pub kind: ActivityKind,
    /// The connector it came by, such as `osquery`.
    pub connector: String,
    /// Where.
    pub host: Host,
    /// Whose process it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What did it.
    pub process: Process,
    /// What started it, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ancestors: Vec<Process>,
    /// The agent or tool the process, or one above it, was recognised as: `claude-code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Whether it was told to ask nobody.
    #[serde(default)]
    pub unattended: bool,
    /// Slug of the provider it talks to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Endpoint of the registry, such as `openai/api`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Address it talks to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<IpAddr>,
    /// Names of environment variables that hold keys. Never their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_names: Vec<String>,
    /// The MCP server that was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp: Option<McpServer>,
    /// How sure the recognition is.
    pub confidence: Confidence,
}

/// Kinds of activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// A connection to a model's API.
    LlmConnection,
    /// A look-up of a name of a model's API.
    LlmLookup,
    /// A key of a model's API in a process's environment.
    KeyInEnvironment,
    /// An MCP server was started.
    McpStarted,
    /// An agent was started.
    AgentStarted,
    /// A process below an agent was started.
    AgentChild,
    /// A tunnel's process was started.
    TunnelProcess,
    /// A model is run on the host itself.
    LocalModel,
}

/// A host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// The connector's id of it.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Tags, such as `server`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// A process. Its command line is no part of it: command lines hold secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Name of the program, without directories.
    pub name: String,
    /// Path of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The operating system's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// SHA-256 of the program, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Who signed the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
}

/// An MCP server on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct McpServer {
    /// Package or program, without version.
    pub package: String,
    /// Whether a version is named: one that is not is fetched anew at each start.
    #[serde(default)]
    pub pinned: bool,
    /// What it can do: `write`, `execute`, `data`, `repository`, `browser`, `infrastructure`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abilities: Vec<String>,
}

/// A tunnel, VPN or Tor circuit that was seen, with what is known of what it carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TunnelSighting {
    /// Ours, for the record.
    pub id: String,
    /// Slug of the service, such as `ngrok`, `cloudflare-tunnel`, `tor`; absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What it is.
    pub kind: TunnelKind,
    /// How sure that it is one.
    pub confidence: Confidence,
    /// What says so, such as `endpoint`, `server_name`, `handshake`, `process`, `rhythm`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Groups the identity source names, beside those of the policy set's own data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Name of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// The host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// To where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<IpAddr>,
    /// Whether it is the organisation's own.
    #[serde(default)]
    pub corporate: bool,
    /// How sure that model traffic goes through it; absent if nobody can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llm_confidence: Option<Confidence>,
    /// Slug of the provider, if the traffic inside can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llm_provider: Option<String>,
}

/// Kinds of tunnels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum TunnelKind {
    Tunnel,
    Vpn,
    Tor,
    Proxy,
    Ssh,
    Dns,
    Icmp,
    Unknown,
}
