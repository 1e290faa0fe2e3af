//! What an answer would have the client do is asked about before the client sees it: each tool that a model
//! calls, each kind of thing that an MCP server asks of its client.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderMap;
use sark_core::Request;
use sark_core::audit::Flow as FiveTuple;
use sark_core::request::{Call, Operation};
use sark_detect::{Answer, Dialect, Kind, Refusal, mcp};
use serde_json::{Map, Value};

use super::ask::{self, Read};
use super::{Conversation, Taken};
use crate::answers::Acts;
use crate::proxy::Proxy;

/// Decides on what one answer does, each once.
pub struct Gate {
    proxy: Arc<Proxy>,
    /// As the request was asked about.
    request: Request,
    flow: Option<FiveTuple>,
    aside: Map<String, Value>,
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
    pub(super) fn gate(&self, taken: &Taken, headers: &HeaderMap, read: &Read) -> Option<Gate> {
        let (asked, answers) = (read.asked.as_ref()?, self.proxy.answers);
        let is_mcp = taken.recognised.dialect == Dialect::Mcp;
        let asks = match is_mcp {
            true => answers.server_requests == Acts::Decide,
            false => {
                let may_call = !asked.tools.is_empty() || asked.continues;
                may_call && answers.tool_calls == Acts::Decide
            }
        };
        asks.then(|| Gate {
            proxy: Arc::clone(&self.proxy),
            // What it cost was decided on, and is not spent again.
            request: Request { spend: None, ..self.request(taken, headers, read) },
            flow: self.five_tuple(),
            aside: self.aside(&taken.recognised, Some(asked)),
            server: is_mcp.then(|| taken.recognised.server.clone()),
            seen: 0,
            names: BTreeSet::new(),
        })
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
        let is_full = acts.len() >= self.proxy.limits.detect.tools;
        if new.is_empty() && !is_full {
            return None;
        }
        let (proxy, request_id) = (Arc::clone(&self.proxy), self.request.id.clone());
        let (flow, aside) = (self.flow, self.aside.clone());
        Some(Box::pin(async move {
            if is_full {
                proxy.metrics.refused(Kind::Unreadable);
                let message = "the answer does more than can be decided on".to_owned();
                return Some(Refusal { kind: Kind::Unreadable, message, request_id, rule: None });
            }
            for request in new {
                let decision = proxy.judge.decide(request, flow, aside.clone()).await;
                proxy.metrics.decided(&decision);
                if let Some(refusal) = ask::refusal(&[decision], &request_id, false) {
                    proxy.metrics.refused(refusal.kind);
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
