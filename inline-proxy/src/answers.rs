//! What is done with answers beside reading them.

use serde::Deserialize;

/// `answers`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Answers {
    /// How many tokens a stream took, where a server says it only if it is asked.
    pub usage: Usage,
    /// Tools that an answer calls.
    pub tool_calls: ToolCalls,
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

/// Of requests that offer tools to a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolCalls {
    /// Each tool that the answer calls is decided on before the client sees the call.
    #[default]
    Decide,
    /// They are recorded.
    Leave,
}
