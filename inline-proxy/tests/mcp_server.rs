//! An MCP server, which asks of its client too.

use http::Response;
use serde_json::{Value, json};

use crate::server::{Body, events, json as whole};

fn message(data: &Value) -> String {
    format!("event: message\ndata: {data}\n\n")
}

/// A server whose tool `ask` has the client's model write something first.
pub fn answer(streams: bool, asked: &Value) -> Response<Body> {
    let sampling = json!({ "jsonrpc": "2.0", "id": 7, "method": "sampling/createMessage" });
    if asked.is_null() {
        let ping = json!({ "jsonrpc": "2.0", "id": 6, "method": "ping" });
        return events(("text/event-stream", vec![message(&ping), message(&sampling)]));
    }
    let text = json!([{ "type": "text", "text": "done" }]);
    let mut result = json!({ "content": text, "isError": false });
    if asked["params"]["name"] == "input" {
        let wanted = json!({ "a": { "method": "sampling/createMessage", "params": {} } });
        result = json!({ "resultType": "input_required", "inputRequests": wanted });
    }
    let last = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
    if !streams {
        return whole(&last);
    }
    let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress" });
    let mut all = vec![message(&progress)];
    if asked["params"]["name"] == "ask" {
        all.push(message(&sampling));
    }
    all.push(message(&last));
    events(("text/event-stream", all))
}
