//! What an answer does is asked about before the client sees it: each tool that the model calls.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderMap;
use sark_core::Request;
use sark_core::audit::Flow as FiveTuple;
use sark_core::request::Operation;
use sark_detect::{Kind, Refusal};
use serde_json::{Map, Value};

use super::ask::{self, Read};
use super::{Conversation, Taken};
use crate::answers::ToolCalls;
use crate::proxy::Proxy;

/// Decides on the calls of one answer, each tool once.
pub struct Gate {
    proxy: Arc<Proxy>,
    /// As the request was asked about.
    request: Request,
    flow: Option<FiveTuple>,
    aside: Map<String, Value>,
    /// Calls that were seen.
    seen: usize,
    names: BTreeSet<String>,
}

/// Comes to why a call may not be; nothing if it may.
pub type Asking = Pin<Box<dyn Future<Output = Option<Refusal>> + Send>>;

impl Conversation {
    /// Of the answer to a request that offers tools, or goes on from one that may have.
    pub(super) fn gate(&self, taken: &Taken, headers: &HeaderMap, read: &Read) -> Option<Gate> {
        let asked =
            read.asked.as_ref().filter(|asked| !asked.tools.is_empty() || asked.continues)?;
        let asks = self.proxy.answers.tool_calls == ToolCalls::Decide;
        // What it cost was decided on, and is not spent again.
        let (operation, spend) = (Operation::ToolCall, None);
        asks.then(|| Gate {
            proxy: Arc::clone(&self.proxy),
            request: Request { operation, spend, ..self.request(taken, headers, read) },
            flow: self.five_tuple(),
            aside: self.aside(&taken.recognised, Some(asked)),
            seen: 0,
            names: BTreeSet::new(),
        })
    }
}

impl Gate {
    /// Asks about those of the answer's calls that are new; nothing if none is.
    pub fn ask(&mut self, calls: &[String]) -> Option<Asking> {
        let new = calls.get(self.seen..).unwrap_or_default();
        let new: Vec<String> =
            new.iter().filter(|name| self.names.insert((*name).clone())).cloned().collect();
        self.seen = calls.len();
        // Of more than these nothing is remembered.
        let is_full = self.seen >= self.proxy.limits.detect.tools;
        if new.is_empty() && !is_full {
            return None;
        }
        let (proxy, base) = (Arc::clone(&self.proxy), self.request.clone());
        let (flow, aside) = (self.flow, self.aside.clone());
        Some(Box::pin(async move {
            if is_full {
                let message = "the answer calls too many tools".to_owned();
                let (kind, request_id) = (Kind::Unreadable, base.id);
                return Some(Refusal { kind, message, request_id, rule: None });
            }
            for name in new {
                let request = Request { tools: vec![name], ..base.clone() };
                let decision = proxy.judge.decide(request, flow, aside.clone()).await;
                proxy.metrics.decided(&decision);
                if let Some(refusal) = ask::refusal(&[decision], &base.id) {
                    return Some(refusal);
                }
            }
            None
        }))
    }
}
