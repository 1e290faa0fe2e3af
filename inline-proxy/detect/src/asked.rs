//! What a request asks for: its body → [`Asked`].

mod body;
mod error;
mod prompt;
mod tools;
mod usage;

use sark_core::Request;
use sark_core::request::Operation;

pub use error::Unreadable;
pub use tools::{Tool, ToolKind};
pub use usage::{UsageAsked, ask_for_usage};

pub(crate) use body::Body;
pub(crate) use error::{document, text, unreadable};

use crate::mcp::Message;
use crate::{Dialect, Limits};

/// What is asked of a model or of a tool. Nothing of the prompt itself is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// What for.
    pub operation: Operation,
    /// The model, as the client names it: of the URL, if it names one, else of the body.
    pub model: Option<String>,
    /// Others that may answer as well: fallbacks that a gateway chooses from, or those of a batch's
    /// other requests. A policy on models is about each of them.
    pub other_models: Vec<String>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Tools offered to the model, also those that the provider runs itself.
    pub tools: Vec<Tool>,
    /// Results of tools that go back to the model.
    pub tool_results: u32,
    /// Octets of text in the prompt, instructions and results of tools included, definitions of tools
    /// and what is in base64 left out.
    pub prompt_octets: u64,
    /// The most tokens that the answer may have, if the client says.
    pub max_output_tokens: Option<u64>,
    /// Pictures in the prompt.
    pub images: u32,
    /// Documents, sounds, films and other files in the prompt.
    pub files: u32,
    /// Whether the prompt goes on from what the provider keeps, so that it is not all here.
    pub continues: bool,
    /// Whether the answer will say how many tokens it took.
    pub usage: UsageAsked,
    /// JSON-RPC messages, of a request to an MCP server; several in a batch.
    pub messages: Vec<Message>,
    /// Octets of the body.
    pub body_octets: u64,
}

impl Asked {
    /// Names of the tools offered, each once, in order.
    pub fn tool_names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.tools.iter().map(|tool| tool.name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Fills in what a decision sees of it. Who asks, from where and at what price is the caller's;
    /// what is called at an MCP server is [`Recognised::call`](crate::Recognised::call)'s to say, for
    /// each message.
    pub fn describe(&self, request: &mut Request) {
        request.operation = self.operation;
        request.model.clone_from(&self.model);
        request.stream = self.stream;
        request.tools = self.tool_names();
        request.body_bytes = self.body_octets;
        request.inspected = true;
    }
}

/// Reads a body that is one JSON object for a model, as all dialects write it.
pub(crate) fn read_body(octets: &[u8], limits: &Limits) -> Result<Body, Unreadable> {
    let text = text(octets, limits)?;
    let mut body = Body::new(limits.tools);
    document(text, &mut body)?;
    Ok(body)
}

/// Whether what is streamed comes with its usage only if that is asked for.
pub(crate) fn wants_asking(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Chat | Dialect::Completions)
}
