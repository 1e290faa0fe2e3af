//! What an answer would have the client do is asked about before the client sees it: each tool that a model
//! calls, each kind of thing that an MCP server asks of its client.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use sark_core::Request;
use sark_core::request::{Call, Operation};
use sark_detect::{Answer, Asked, Dialect, Kind, Refusal, mcp};
use sark_traces::Trace;

use super::ask;
use super::{Conversation, Taken};
use crate::answers::Acts;
use crate::traced;

/// Decides on what one answer does, each once.
pub struct Gate {
    conversation: Arc<Conversation>,
    /// As it was asked about.
    request: Request,
    dialect: Dialect,
    prompt_octets: u64,
    trace: Trace,
    /// The MCP server that answers; else it is a model.
    server: Option<String>,
    /// Acts that were seen.
    seen: usize,
    names: BTreeSet<String>,
}

/// Comes to why something may not be done; nothing if it may.
pub type Asking = Pin<Box<dyn Future<Output = Option<Refusal>> + Send>>;

impl Conversation {
    /// Of the answer to a request that offers tools, or goes on from one that may have; and of an MCP
    /// server's.
    pub(super) fn gate(
        self: &Arc<Self>,
        taken: &Taken,
        request: Request,
        asked: Option<&Asked>,
    ) -> Option<Box<Gate>> {
        let (asked, answers) = (asked?, self.proxy.answers);
        let is_mcp = taken.recognised.dialect == Dialect::Mcp;
        let asks = match is_mcp {
            true => answers.server_requests == Acts::Decide,
            false => {
                let may_call = !asked.tools.is_empty() || asked.continues;
                may_call && answers.tool_calls == Acts::Decide
            }
        };
        let gate = || Gate {
            conversation: Arc::clone(self),
            // What it cost was decided on, and is not spent again.
            request: Request { spend: None, ..request },
            dialect: taken.recognised.dialect,
            prompt_octets: asked.prompt_octets,
            trace: taken.trace.clone(),
            server: is_mcp.then(|| taken.recognised.server.clone()),
            seen: 0,
            names: BTreeSet::new(),
        };
        asks.then(|| Box::new(gate()))
    }
}

impl Gate {
    /// Asks about what is new in the answer; nothing if nothing is.
    pub fn ask(&mut self, answer: &Answer) -> Option<Asking> {
        let acts = match self.server {
            Some(_) => &answer.server_requests,
            None => &answer.tool_calls,
        };
        let new = acts.get(self.seen..).unwrap_or_default();
        self.seen = acts.len();
        let names = &mut self.names;
        let new: Vec<&String> = new.iter().filter(|name| names.insert((*name).clone())).collect();
        let new: Vec<Request> = new.into_iter().filter_map(|name| self.request(name)).collect();
        // Of more than these nothing is remembered.
        let is_full = acts.len() >= self.conversation.proxy.limits.detect.tools;
        if new.is_empty() && !is_full {
            return None;
        }
        let (own, request_id) = (Arc::clone(&self.conversation), self.request.id.clone());
        let (dialect, prompt_octets) = (self.dialect, Some(self.prompt_octets));
        let trace = self.trace.clone();
        Some(Box::pin(async move {
            let (proxy, aside) = (&own.proxy, own.aside(dialect, prompt_octets));
            if is_full {
                proxy.metrics.refused(Kind::Unreadable);
                traced::refused(&trace, Kind::Unreadable);
                let message = "the answer does more than can be decided on".to_owned();
                return Some(Refusal { kind: Kind::Unreadable, message, request_id, rule: None });
            }
            for request in new {
                let mut span = traced::part(&trace, "decide");
                let decision = proxy.judge.decide(request, own.five_tuple(), aside).await;
                proxy.metrics.decided(&decision);
                span.about(|span| traced::decision(span, &decision));
                let refusal = ask::refusal(std::slice::from_ref(&decision), &request_id, false);
                if let Some(refusal) = refusal {
                    proxy.metrics.refused(refusal.kind);
                    traced::refused(&trace, refusal.kind);
                    trace.about(|span| traced::decision(span, &decision));
                    return Some(refusal);
                }
            }
            None
        }))
    }

    /// What is decided on; nothing of what a server may ask anyway, such as whether its client is there.
    fn request(&self, name: &str) -> Option<Request> {
        let base = self.request.clone();
        let Some(server) = &self.server else {
            let (operation, tools) = (Operation::ToolCall, vec![name.to_owned()]);
            return Some(Request { operation, tools, ..base });
        };
        let operation = mcp::operation(name);
        let call = Call { server: server.clone(), name: name.to_owned(), pinned: false };
        let is_asked = [Operation::Sampling, Operation::Elicitation].contains(&operation);
        is_asked.then_some(Request { operation, call: Some(call), ..base })
    }
}
