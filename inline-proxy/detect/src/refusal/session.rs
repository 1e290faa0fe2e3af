//! Ending a session over WebSocket.

use serde_json::{Value, json};

use super::{Refusal, clean};
use crate::framing::websocket::{self, Kind};
use crate::{Family, Recognised};

/// RFC 6455 §7.4.1: the server does not go on because of its policy.
const POLICY: u16 = 1008;

impl Refusal {
    /// The last octets that a client of a session gets: the provider's error, where there is a message for
    /// it, and the close.
    #[must_use]
    pub fn in_session(&self, recognised: &Recognised) -> Vec<u8> {
        let error = match recognised.family {
            Family::OpenAi => websocket::write(Kind::Text, self.event().to_string().as_bytes()),
            _ => Vec::new(),
        };
        [error, websocket::close(POLICY, &self.text())].concat()
    }

    /// As OpenAI's realtime and responses say it.
    fn event(&self) -> Value {
        let mut event = self.body(Family::OpenAi);
        if let Some(fields) = event.as_object_mut() {
            fields.insert("type".to_owned(), "error".into());
            fields.insert("event_id".to_owned(), clean(&self.request_id, super::ID).into());
            fields.insert("status".to_owned(), json!(self.kind.status().as_u16()));
        }
        event
    }
}
