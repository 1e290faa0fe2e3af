//! Objects that several classes have.

use std::net::SocketAddr;

use sark_core::audit::Flow;
use serde_json::{Map, Value, json};

/// Who acted: `uid:0(root)` is a user, `sarkd` and a sensor are programs.
pub(super) fn actor(actor: &str) -> Value {
    match actor.split_once(':') {
        Some(("uid" | "token" | "cert", _)) => json!({ "user": user(actor) }),
        _ => json!({ "app_name": actor }),
    }
}

/// `uid:0(root)`, `token:ci`.
pub(super) fn user(actor: &str) -> Value {
    match actor.split_once(':') {
        Some(("uid", rest)) => match rest.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
            Some((uid, name)) if !name.is_empty() => json!({ "uid": uid, "name": name }),
            _ => json!({ "uid": rest }),
        },
        Some(("token", name)) => json!({ "name": name, "credential_uid": actor }),
        Some(("cert", name)) => json!({ "name": name }),
        _ => json!({ "name": actor }),
    }
}

/// `claude[4711]`.
pub(super) fn process(process: &str) -> Value {
    let parts = process.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    match parts.and_then(|(name, pid)| Some((name, pid.parse::<u32>().ok()?))) {
        Some((name, pid)) => json!({ "name": name, "pid": pid }),
        None => json!({ "name": process, "uid": process }),
    }
}

/// Type 0: nobody said which.
pub(super) fn device(host: &str) -> Value {
    json!({ "hostname": host, "name": host, "type_id": 0 })
}

pub(super) fn endpoint(address: SocketAddr, host: Option<&str>) -> Value {
    let mut endpoint = json!({ "ip": address.ip().to_string(), "port": address.port() });
    if let Some(host) = host {
        endpoint["hostname"] = json!(host);
    }
    endpoint
}

/// Its two ends and its protocol.
pub(super) fn flow(event: &mut Map<String, Value>, flow: &Flow) {
    event.insert("src_endpoint".into(), endpoint(flow.source, None));
    event.insert("dst_endpoint".into(), endpoint(flow.destination, None));
    // Direction 2 is outbound: clients of ours, asking outside.
    let info = json!({ "direction_id": 2, "protocol_num": flow.protocol });
    event.insert("connection_info".into(), info);
}
