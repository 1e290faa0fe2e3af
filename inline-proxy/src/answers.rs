//! What is done with answers beside reading them.

use serde::Deserialize;

/// `answers`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Answers {
    /// How many tokens a stream took, where a server says it only if it is asked.
    pub usage: Usage,
    /// Tools that a model's answer calls.
    pub tool_calls: Acts,
    /// What an MCP server asks of its client: that its model writes something, that its user says
    /// something.
    pub server_requests: Acts,
}

/// Of servers that say how many tokens a stream took only if `stream_options.include_usage` asks for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Usage {
    /// It is asked for, and what is said because of that is kept from the client.
    #[default]
    Ask,
    /// The request is left as it is.
    Leave,
}

/// What an answer would have the client do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Acts {
    /// Each is decided on before the client sees it.
    #[default]
    Decide,
    /// They are recorded.
    Leave,
}
