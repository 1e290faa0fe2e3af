//! A WebSocket to a model: what each side says goes when it is whole; what asks the model goes when it may, and
//! what the model answers is read, as of any other request.
//!
//! ```text
//!   client ─ up ─▶ asks? ─ decision ─┬─▶ server ─ down ─▶ calls a tool? ─ Gate ─┬─▶ client
//!                                    └─ the provider's error, and the close ◀──┘
//! ```

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use bytes::BytesMut;
use http::HeaderMap;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sark_core::audit::{AuditRecord, Outcome};
use sark_detect::framing::websocket::{Decoder, Kind as Frame, Side};
use sark_detect::{Kind, Refusal};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Mutex;

use super::ask::{self, Read};
use super::gate::Gate;
use super::{Conversation, DRAIN_WITHIN, Taken};
use crate::judge::Fail;
use crate::traced::InSession;
use crate::watch::{About, Watch};

/// Octets that are read at once.
const PORTION: usize = 16 << 10;

/// Both sides of a WebSocket, while it lasts.
pub(super) struct Session {
    conversation: Arc<Conversation>,
    taken: Taken,
    /// Of the request that opened it.
    headers: HeaderMap,
    since: Instant,
    /// What the client asked last.
    last: std::sync::Mutex<Read>,
    to_server: Moved,
    to_client: Moved,
    answers: AtomicU64,
    in_session: InSession,
}

/// What went one way.
#[derive(Default)]
struct Moved {
    messages: AtomicU64,
    octets: AtomicU64,
}

/// How it ended.
enum Ended {
    /// One side closed.
    Closed,
    /// One side broke off.
    Broken(io::Error),
    /// It may not go on.
    Refused(Refusal),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Session {
    /// Of a request that opens one, decided on by its head.
    pub(super) fn new(
        conversation: Arc<Conversation>,
        taken: Taken,
        headers: HeaderMap,
        in_session: InSession,
    ) -> Self {
        Self {
            conversation,
            taken,
            headers,
            since: Instant::now(),
            last: std::sync::Mutex::new(Read::head_alone()),
            to_server: Moved::default(),
            to_client: Moved::default(),
            answers: AtomicU64::new(0),
            in_session,
        }
    }

    /// Until one side is done, in a task of its own.
    pub(super) fn spawn(self, of_client: OnUpgrade, of_server: OnUpgrade) {
        let proxy = Arc::clone(&self.conversation.proxy);
        proxy.tasks.clone().spawn(async move {
            let (client, server) = match tokio::try_join!(of_client, of_server) {
                Ok((client, server)) => (TokioIo::new(client), TokioIo::new(server)),
                Err(error) => {
                    tracing::debug!(%error, "a connection did not become a WebSocket");
                    return;
                }
            };
            let ended = tokio::select! {
                ended = self.both(client, server) => Some(ended),
                () = proxy.cut.cancelled() => None,
            };
            self.record(ended.as_ref());
        });
    }

    async fn both(
        &self,
        client: impl AsyncRead + AsyncWrite,
        server: impl AsyncRead + AsyncWrite,
    ) -> Ended {
        let (mut from_client, to_client) = tokio::io::split(client);
        let (mut from_server, mut to_server) = tokio::io::split(server);
        // Both directions may have something to say to the client.
        let to_client = Mutex::new(to_client);
        let mut down = std::pin::pin!(self.down(&mut from_server, &to_client));
        let (ended, is_down) = tokio::select! {
            ended = self.up(&mut from_client, &mut to_server) => (ended, false),
            ended = down.as_mut() => (ended, true),
        };
        let to_client = match &ended {
            // What the server is saying just now is said before anything else is.
            Ended::Refused(_) if !is_down => tokio::select! {
                to_client = to_client.lock() => Some(to_client),
                _ = down.as_mut() => to_client.try_lock().ok(),
            },
            // The server may still answer the close.
            Ended::Closed if !is_down => {
                let _ = tokio::time::timeout(DRAIN_WITHIN, down.as_mut()).await;
                to_client.try_lock().ok()
            }
            _ => to_client.try_lock().ok(),
        };
        // Whoever is gone hears nothing.
        if let Some(mut to_client) = to_client {
            if let Ended::Refused(refusal) = &ended {
                let last = refusal.in_session(&self.taken.recognised);
                let _ = to_client.write_all(&last).await;
            }
            let _ = to_client.shutdown().await;
        }
        ended
    }

    /// What the client says.
    async fn up(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Ended {
        let proxy = &self.conversation.proxy;
        let mut decoder = Decoder::new(Side::Client, proxy.limits.inspect);
        let (mut held, mut portion) = (Held::default(), vec![0; PORTION]);
        let is_open = proxy.fail.unreadable == Fail::Open;
        let result: Result<(), Ended> = async {
            loop {
                let read = from.read(&mut portion).await?;
                let octets = portion.get(..read).filter(|octets| !octets.is_empty());
                let Some(octets) = octets else { return Ok(to.shutdown().await?) };
                held.octets.extend_from_slice(octets);
                let messages = decoder.push(octets);
                let messages = messages.map_err(|wrong| self.unreadable(&wrong.to_string()))?;
                for message in messages {
                    if matches!(message.kind, Frame::Text | Frame::Binary) {
                        self.to_server.messages.fetch_add(1, Ordering::Relaxed);
                        match message.payload {
                            Ok(payload) => self.asks(&payload).await?,
                            Err(_) if is_open => {}
                            Err(too_long) => return Err(self.unreadable(&too_long.to_string())),
                        }
                    }
                    self.to_server.sent(to, &held.until(message.end)).await?;
                }
                if decoder.is_too_long() {
                    if !is_open {
                        return Err(self.unreadable("a message is too long to be read"));
                    }
                    self.to_server.sent(to, &held.until(u64::MAX)).await?;
                }
            }
        }
        .await;
        result.err().unwrap_or(Ended::Closed)
    }

    /// Decides on a message of the client, if it asks for something.
    async fn asks(&self, payload: &[u8]) -> Result<(), Ended> {
        let (own, proxy) = (&self.conversation, &self.conversation.proxy);
        let asked = match self.taken.recognised.read_message(payload, &proxy.limits.detect) {
            Ok(None) => return Ok(()),
            Ok(Some(asked)) => asked,
            Err(error) if proxy.fail.unreadable == Fail::Open => {
                tracing::debug!(%error, "a message cannot be read, and goes on");
                return Ok(());
            }
            Err(error) => return Err(self.unreadable(&error.to_string())),
        };
        let read = Read::of_message(asked);
        let request = own.request(&self.taken, &self.headers, &read);
        let decisions = own.decide(&self.taken, &request, read.asked.as_ref()).await;
        if let Some(refusal) = ask::refusal(&decisions, &self.taken.id, false) {
            proxy.metrics.refused(refusal.kind);
            return Err(Ended::Refused(refusal));
        }
        if ask::redirected(&decisions, &proxy.judge.known().registry) != Ok(None) {
            let message = "what is another protocol already cannot be sent elsewhere".to_owned();
            return Err(self.refused(Kind::Denied, message));
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// What the server says.
    async fn down(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        to: &Mutex<impl AsyncWrite + Unpin>,
    ) -> Ended {
        let limits = self.conversation.proxy.limits;
        let mut decoder = Decoder::new(Side::Server, limits.detect.event);
        let (mut held, mut portion) = (Held::default(), vec![0; PORTION]);
        let mut answer = None;
        let result: Result<(), Ended> = async {
            loop {
                let read = from.read(&mut portion).await?;
                let octets = portion.get(..read).filter(|octets| !octets.is_empty());
                let Some(octets) = octets else { return Ok(()) };
                held.octets.extend_from_slice(octets);
                let messages = decoder.push(octets).map_err(|wrong| {
                    tracing::debug!(%wrong, "a server's messages cannot be read");
                    let message = "the server does not speak WebSocket as it should".to_owned();
                    self.refused(Kind::Upstream, message)
                })?;
                for message in messages {
                    if matches!(message.kind, Frame::Text | Frame::Binary) {
                        self.to_client.messages.fetch_add(1, Ordering::Relaxed);
                        let payload = message.payload.as_deref().ok();
                        self.answers(&mut answer, payload).await?;
                    }
                    let mut to = to.lock().await;
                    self.to_client.sent(&mut *to, &held.until(message.end)).await?;
                }
                if decoder.is_too_long() {
                    let mut to = to.lock().await;
                    self.to_client.sent(&mut *to, &held.until(u64::MAX)).await?;
                }
            }
        }
        .await;
        if let (Some(answer), Err(Ended::Refused(refusal))) = (answer, &result) {
            answer.watch.stopped(refusal);
        }
        result.err().unwrap_or(Ended::Closed)
    }

    /// Reads a message of the server; one that ends an answer is the last of it.
    async fn answers(
        &self,
        answer: &mut Option<Answer>,
        payload: Option<&[u8]>,
    ) -> Result<(), Ended> {
        let current = answer.get_or_insert_with(|| self.answer());
        current.watch.message(payload);
        let acts = current.gate.as_mut().zip(current.watch.answer());
        if let Some(asking) = acts.and_then(|(gate, answer)| gate.ask(answer))
            && let Some(refusal) = asking.await
        {
            return Err(Ended::Refused(refusal));
        }
        if current.watch.is_complete()
            && let Some(answer) = answer.take()
        {
            self.answers.fetch_add(1, Ordering::Relaxed);
            answer.watch.ended();
        }
        Ok(())
    }

    /// One that begins.
    fn answer(&self) -> Answer {
        let (own, last) = (&self.conversation, &self.last);
        let last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = last.asked.as_ref();
        let model = asked.and_then(|asked| asked.model.clone());
        let about = About {
            correlation: own.correlation(&self.taken),
            provider: own.provider(&self.taken),
            model: model.or_else(|| self.taken.recognised.model.clone()),
            status: http::StatusCode::SWITCHING_PROTOCOLS.as_u16(),
            since: Instant::now(),
            trace: self.taken.trace.clone(),
        };
        let limits = &own.proxy.limits.detect;
        let judge = Arc::clone(&own.proxy.judge);
        let watch = Watch::of_session(&self.taken.recognised, limits, about, judge);
        let request = own.request(&self.taken, &self.headers, &last);
        Answer { watch, gate: own.gate(&self.taken, request, last.asked.as_ref()) }
    }

    fn unreadable(&self, why: &str) -> Ended {
        self.refused(Kind::Unreadable, why.to_owned())
    }

    fn refused(&self, kind: Kind, message: String) -> Ended {
        self.conversation.proxy.metrics.refused(kind);
        let request_id = self.taken.id.clone();
        Ended::Refused(Refusal { kind, message, request_id, rule: None })
    }

    fn record(self, ended: Option<&Ended>) {
        let own = &self.conversation;
        let (outcome, how) = match ended {
            Some(Ended::Closed) => (Outcome::Ok, "closed"),
            Some(Ended::Broken(error)) => {
                tracing::debug!(%error, "a WebSocket broke off");
                (Outcome::Failed, "broken")
            }
            Some(Ended::Refused(refusal)) if refusal.kind == Kind::Upstream => {
                (Outcome::Failed, refusal.kind.code())
            }
            Some(Ended::Refused(refusal)) => (Outcome::Refused, refusal.kind.code()),
            None => (Outcome::Failed, "stopped"),
        };
        let moved = |moved: &Moved| {
            let [messages, octets] =
                [&moved.messages, &moved.octets].map(|count| count.load(Ordering::Relaxed));
            json!({ "messages": messages, "octets": octets })
        };
        let detail = json!({
            "endpoint": self.taken.endpoint.as_ref().map(|(id, _)| id),
            "toServer": moved(&self.to_server),
            "toClient": moved(&self.to_client),
            "answers": self.answers.load(Ordering::Relaxed),
            "ended": how,
            "milliseconds": u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        let judge = &own.proxy.judge;
        let record = AuditRecord::new(judge.now(), judge.actor(), "proxy.session", outcome, detail);
        judge.note(&record.about(own.correlation(&self.taken)));
        let refused = match ended {
            Some(Ended::Refused(refusal)) => Some(refusal.kind),
            _ => None,
        };
        self.in_session.over(how, refused);
    }
}

/// One answer of several.
struct Answer {
    watch: Watch,
    gate: Option<Box<Gate>>,
}

impl Moved {
    async fn sent(&self, to: &mut (impl AsyncWrite + Unpin), octets: &[u8]) -> io::Result<()> {
        if octets.is_empty() {
            return Ok(());
        }
        to.write_all(octets).await?;
        to.flush().await?;
        self.octets.fetch_add(octets.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// What came and did not go.
#[derive(Default)]
struct Held {
    octets: BytesMut,
    /// Where the first of them is in the stream.
    at: u64,
}

impl Held {
    /// Takes out what is before this place in the stream.
    fn until(&mut self, end: u64) -> BytesMut {
        let wanted = usize::try_from(end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let octets = self.octets.split_to(wanted.min(self.octets.len()));
        self.at += octets.len() as u64;
        octets
    }
}
