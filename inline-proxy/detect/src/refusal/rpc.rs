//! Saying no to a client of an MCP server.
//!
//! A tool that is not allowed is a result that says so: the model reads it and can do something else.
//! Anything else is an error with a code outside of those that JSON-RPC and MCP keep for themselves. A
//! notification gets no answer.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Kind, Refusal, clean};
use crate::mcp::Message;
use crate::{Asked, Recognised};

impl Refusal {
    pub(super) fn rpc_response(
        &self,
        recognised: &Recognised,
        asked: Option<&Asked>,
    ) -> Response<Bytes> {
        let messages = asked.map(|asked| &*asked.messages).unwrap_or_default();
        let is_batch = messages.len() > 1;
        let mut answers = messages
            .iter()
            .filter_map(|message| self.rpc_answer(message, recognised.is_modern(message)));
        let body = match (messages, is_batch) {
            ([], _) => Some(self.rpc_error(None)),
            (_, true) => Some(Value::from_iter(answers)).filter(|all| all != &json!([])),
            (_, false) => answers.next(),
        };
        let Some(body) = body else {
            return self.with_headers(StatusCode::ACCEPTED, "application/json", Bytes::new());
        };
        // Policy's no is the answer to a message; anything else is about the exchange.
        let status = match (self.kind, messages) {
            (Kind::Denied, [_, ..]) => StatusCode::OK,
            (kind, _) => kind.status(),
        };
        self.with_headers(status, "application/json", body.to_string().into())
    }

    /// What one message of a client gets for an answer; none, if it waits for none. Whoever refuses
    /// some messages of a batch and sends on the others puts these among theirs.
    #[must_use]
    pub fn rpc_answer(&self, message: &Message, is_modern: bool) -> Option<Value> {
        if !message.is_request() {
            return None;
        }
        let is_call = message.method.as_deref() == Some("tools/call");
        if !(is_call && self.kind == Kind::Denied) {
            return Some(self.rpc_error(Some(message)));
        }
        let text = json!({ "type": "text", "text": self.text() });
        let mut result = json!({ "content": [text], "isError": true });
        if let (true, Some(fields)) = (is_modern, result.as_object_mut()) {
            fields.insert("resultType".to_owned(), "complete".into());
        }
        Some(json!({ "jsonrpc": "2.0", "id": id(Some(message)), "result": result }))
    }

    pub(super) fn rpc_error(&self, message: Option<&Message>) -> Value {
        let code = match self.kind {
            Kind::Mirror => -32_020,
            kind => -31_000 - i32::from(kind.status().as_u16()),
        };
        let mut data = json!({
            "reason": self.kind.code(),
            "request_id": clean(&self.request_id, super::ID),
        });
        if let (Some(rule), Some(fields)) = (&self.rule, data.as_object_mut()) {
            fields.insert("rule".to_owned(), clean(rule, super::ID).into());
        }
        let error = json!({ "code": code, "message": self.text(), "data": data });
        json!({ "jsonrpc": "2.0", "id": id(message), "error": error })
    }
}

/// As the client wrote it.
fn id(message: Option<&Message>) -> Value {
    let id = message.and_then(|message| message.id.as_deref());
    id.and_then(|id| serde_json::from_str(id).ok()).unwrap_or(Value::Null)
}
