//! What is remembered of an answer while it comes.

use sark_prices::{Counting, Reported};

use super::values::{Length, Name, cut};
use super::{Answer, Failure};
use crate::mcp::Message;

/// The answer, and what is needed to go on with it or to end it in its own way.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) answer: Answer,
    /// Of the answer, which every chunk of a stream repeats.
    pub(crate) id: Option<String>,
    /// The last event's, of responses.
    pub(crate) sequence: Option<u64>,
    /// The block that has begun and not ended.
    pub(crate) open_block: Option<u64>,
    /// Whether the message has begun.
    pub(crate) has_begun: bool,
    /// Choice and index of the call that was seen last.
    pub(super) last_call: Option<(u64, u64)>,
    /// The request that an MCP server answers, unless there are several, and whether its answer has a
    /// `resultType`.
    pub(crate) request: Option<(Message, bool)>,
    /// Most names of calls that are kept.
    most: usize,
}

/// What an event is, beside what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Something,
    /// Usage, and nothing for which a client waits that did not ask for it.
    UsageAlone,
}

/// The event's octets are not JSON of this dialect.
#[derive(Debug)]
pub(super) struct Unread;

impl From<serde_json::Error> for Unread {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

impl State {
    pub(super) fn new(counting: Counting, most: usize) -> Self {
        Self {
            answer: Answer::new(counting),
            id: None,
            sequence: None,
            open_block: None,
            has_begun: false,
            last_call: None,
            request: None,
            most,
        }
    }

    pub(super) fn text(&mut self, Length(octets): Length) {
        self.answer.output_octets = self.answer.output_octets.saturating_add(octets);
    }

    pub(super) fn model(&mut self, name: Name) {
        if let Some(name) = name.some() {
            self.answer.model = Some(name);
        }
    }

    pub(super) fn finish(&mut self, word: Name) {
        if let Some(word) = word.some() {
            self.answer.finish = Some(word);
        }
    }

    pub(super) fn fail(&mut self, kind: Option<String>) {
        if let Some(kind) = kind {
            self.answer.failure = Some(Failure { kind });
        }
    }

    /// A tool that is called.
    pub(super) fn call(&mut self, name: &str) {
        if !name.is_empty() && self.answer.tool_calls.len() < self.most {
            self.answer.tool_calls.push(cut(name).to_owned());
        }
    }

    pub(super) fn server_asks(&mut self, method: &str) {
        if self.answer.server_requests.len() < self.most {
            self.answer.server_requests.push(cut(method).to_owned());
        }
    }

    /// What it would have the client do, so far.
    pub(super) fn acts(&self) -> usize {
        self.answer.tool_calls.len() + self.answer.server_requests.len()
    }

    pub(super) fn report(&mut self, reported: Reported) {
        self.answer.reported = Some(reported);
    }
}
