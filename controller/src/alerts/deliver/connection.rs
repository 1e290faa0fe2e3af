//! Syslog and CEF over TCP or TLS. Neither acknowledges anything: each message has a connection of
//! its own, and counts as delivered when the server has closed its end after ours, or has taken all
//! of it and does not break the connection for a second. A server that dies before it writes what it
//! has taken loses it, and nobody is told.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sark_alerts::sink::{Cef, Syslog};
use sark_alerts::{Message, Verdict, Words};
use sark_outbound::Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::Deliver;
use crate::chain;

/// For the server to close its end.
const GRACE: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct OverConnection {
    pub(super) stream: Stream,
    pub(super) form: Form,
}

/// What is said.
pub(super) enum Form {
    Syslog(Syslog),
    Cef(Cef),
}

#[async_trait]
impl Deliver for OverConnection {
    async fn deliver(&self, message: &Message, words: &Words, id: &str, _: Timestamp) -> Verdict {
        let frame = match &self.form {
            Form::Syslog(syslog) => syslog.frame(message, words, id),
            Form::Cef(cef) => cef.frame(message, words, id),
        };
        match self.send(&frame).await {
            Ok(said) => Verdict::Delivered { said: said.to_owned() },
            Err(why) => Verdict::Retry { after: None, why },
        }
    }
}

impl OverConnection {
    async fn send(&self, frame: &[u8]) -> Result<&'static str, String> {
        let mut stream = self.stream.connect().await.map_err(|error| chain(&error))?;
        let broken = |error: std::io::Error| format!("the connection broke: {error}");
        stream.write_all(frame).await.map_err(broken)?;
        stream.flush().await.map_err(broken)?;
        stream.shutdown().await.map_err(broken)?;
        let mut rest = [0; 256];
        match tokio::time::timeout(GRACE, stream.read(&mut rest)).await {
            Ok(Ok(_)) => Ok("taken"),
            // TLS servers often close without saying so.
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok("taken"),
            Ok(Err(error)) => Err(broken(error)),
            Err(_) => Ok("sent"),
        }
    }
}
