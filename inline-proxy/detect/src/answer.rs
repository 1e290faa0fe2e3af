//! What came back: an answer's octets as they pass → [`Answer`].

mod chat;
mod cohere;
mod converse;
mod gemini;
mod mcp;
mod messages;
mod ollama;
mod reader;
mod responses;
mod state;
mod values;

use sark_prices::{CountError, Counting, Reported, Usage};

pub(crate) use reader::Framing;
pub use reader::{AnswerReader, Passed};
pub(crate) use state::State;

/// What an answer said, as far as it has come. Nothing of its text is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// Tokens in the provider's own way of counting, the last that it said; none if it said nothing.
    pub reported: Option<Reported>,
    /// What is inside of what in them.
    pub counting: Counting,
    /// Names of the tools that the model calls, in order; those that the provider ran too.
    pub tool_calls: Vec<String>,
    /// Octets of text that were written: words, thoughts, what tools are called with.
    pub output_octets: u64,
    /// Why it ended, in the provider's word: `stop`, `end_turn`, `SAFETY`, ….
    pub finish: Option<String>,
    /// What went wrong, if the body says that something did.
    pub failure: Option<Failure>,
    /// Methods that an MCP server asks of its client: `sampling/createMessage` and the like.
    pub server_requests: Vec<String>,
    /// Whether it came to the end that its protocol has.
    pub is_complete: bool,
    /// Events of a stream, or the one document.
    pub events: u64,
    /// How many of them were not read: too long, damaged, or no JSON.
    pub unread: u64,
    /// Whether it is of a kind that is read at all.
    pub is_inspected: bool,
}

/// An error that a body tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The provider's word or number for it; its message is not kept.
    pub kind: String,
}

impl Answer {
    fn new(counting: Counting) -> Self {
        Self {
            model: None,
            reported: None,
            counting,
            tool_calls: Vec::new(),
            output_octets: 0,
            finish: None,
            failure: None,
            server_requests: Vec::new(),
            is_complete: false,
            events: 0,
            unread: 0,
            is_inspected: true,
        }
    }

    /// What it took, each token once, to be priced. None if the provider said nothing: a stream that
    /// broke off, or of whose usage nobody asked; [`Answer::output_octets`] is what there is then.
    pub fn usage(&self) -> Option<Result<Usage, CountError>> {
        self.reported.map(|reported| reported.usage(self.counting))
    }
}
