//! What a client asks of a model or of a tool, as decisions see it: small and flat, no prompt text.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A request to a model's API or to an MCP server. What is not known is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Ours, for the record.
    pub id: String,
    /// What is asked for.
    pub operation: Operation,
    /// Who asks, as the identity source knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Groups the identity source names, beside those of the policy set's own data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The agent, such as `claude-code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The client's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// The client's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Name of the program that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// Slug of the provider, such as `openai`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Endpoint of the registry, such as `openai/api`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Host name the client asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The model, as the client names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether the answer is streamed.
    #[serde(default)]
    pub stream: bool,
    /// Octets of the body.
    #[serde(default)]
    pub body_bytes: u64,
    /// Whether all of the body was read by the detectors.
    #[serde(default)]
    pub inspected: bool,
    /// Names of the tools offered to the model; of a `tool_call` without a `call`, the tool that its answer
    /// calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// The tool or other thing called, of a request to an MCP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// What it costs, and what was spent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend: Option<Spend>,
    /// What the detectors found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Operation {
    Chat,
    Completion,
    Embedding,
    Image,
    Audio,
    File,
    Batch,
    Models,
    ToolCall,
    ToolList,
    ResourceRead,
    PromptGet,
    Sampling,
    Elicitation,
    #[default]
    Other,
}

/// What is called at an MCP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The server: its origin and path, or its command. Never the name it gives itself.
    pub server: String,
    /// Tool, resource or prompt.
    pub name: String,
    /// Whether its definition is the one that was approved.
    #[serde(default)]
    pub pinned: bool,
}

/// Money, in millionths of a US dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Spend {
    /// Of this request, as far as it can be told beforehand; absent if the model has no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_microusd: Option<u64>,
    /// By this user today.
    pub day_microusd: u64,
    /// By this user this month.
    pub month_microusd: u64,
}

/// Something a detector found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// `secret`, `personal`, `injection`, `link` or a detector's own.
    pub class: String,
    /// What exactly, such as `aws_access_key`.
    pub kind: String,
    /// How often.
    pub count: u32,
    /// How sure, 0 to 1.
    pub confidence: Confidence,
}

/// How sure something is, 0 to 1, in steps of a thousandth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Confidence(u16);

/// A number that is no confidence.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{0} is not between 0 and 1")]
pub struct ConfidenceError(pub f64);

impl TryFrom<f64> for Confidence {
    type Error = ConfidenceError;

    fn try_from(value: f64) -> Result<Self, ConfidenceError> {
        if !(0.0..=1.0).contains(&value) {
            return Err(ConfidenceError(value));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 1000, as checked"
        )]
        Ok(Self((value * 1000.0).round() as u16))
    }
}

impl From<Confidence> for f64 {
    fn from(confidence: Confidence) -> Self {
        Self::from(confidence.0) / 1000.0
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Confidence {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Confidence".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::Confidence;

    #[test]
    fn a_confidence_keeps_its_decimals_and_its_bounds() {
        for (written, read) in [("0.7", "0.7"), ("0.7004", "0.7"), ("1", "1.0"), ("0", "0.0")] {
            let confidence: Confidence = serde_json::from_str(written).unwrap();
            assert_eq!(serde_json::to_string(&confidence).unwrap(), read);
        }
        for wrong in ["-0.1", "1.01", "70", "\"high\""] {
            assert!(serde_json::from_str::<Confidence>(wrong).is_err(), "{wrong}");
        }
    }
}
