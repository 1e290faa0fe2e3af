//! Chunks of an answer as they pass.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde::Deserialize;

use super::state::{Seen, State, Unread};
use super::{Answer, chat, cohere, converse, gemini, mcp, messages, ollama, responses};
use crate::framing::{eventstream, lines, sequence, sse};
use crate::{Asked, Dialect, Family, Limits, Recognised, UsageAsked};

/// What of an answer may be sent on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passed {
    /// How many octets, from the answer's beginning: to the end of the last event that is whole. All,
    /// of what comes in no events or is not read.
    pub sendable: u64,
    /// Octets that the client did not ask for, within those that may be sent: an event with the usage
    /// that [`ask_for_usage`](crate::ask_for_usage) asked for. They are to be left out.
    pub unasked: Option<Range<u64>>,
    /// Where the first event begins that calls a tool, or asks something of an MCP server's client, of
    /// those that came just now; of framings other
    /// than [`sse`], where what came before ends. Nothing from there on has to go before the calls are
    /// decided on.
    pub called: Option<u64>,
}

/// Reads an answer's body, already decompressed, beside its way to the client.
///
/// It keeps one event, or the one document, within [`Limits`]; what is longer passes unread and is
/// counted in [`Answer::unread`].
#[derive(Debug)]
pub struct AnswerReader {
    shape: Shape,
    framing: Framing,
    state: State,
    drops_usage: bool,
    at: u64,
    sendable: u64,
}

/// What events look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Chat,
    Responses,
    Messages,
    Gemini,
    Converse,
    Cohere,
    Ollama,
    Mcp,
}

/// Where one ends and the next begins.
#[derive(Debug)]
pub(crate) enum Framing {
    Sse(sse::Decoder),
    Lines(lines::Decoder),
    /// Of elements of an array.
    Sequence(sequence::Decoder),
    EventStream(eventstream::Decoder),
    /// One document, and how long it may be.
    Document(Vec<u8>, usize),
    /// Nothing is read: too long a document, or none of these.
    Opaque,
}

impl AnswerReader {
    /// Of an answer whose head is here. What is read depends on its `content-type`; a body that is
    /// still compressed is not read.
    #[must_use]
    pub fn new(
        recognised: &Recognised,
        asked: &Asked,
        headers: &HeaderMap,
        limits: &Limits,
    ) -> Self {
        let shape = shape(recognised.dialect, asked.model.as_deref());
        let framing = match shape {
            Some(shape) => framing(shape, asked.stream, headers, limits),
            None => Framing::Opaque,
        };
        let counting = match shape {
            Some(Shape::Chat) => sark_prices::Counting::Inside,
            _ => recognised.dialect.counting(),
        };
        let mut state = State::new(counting, limits.tools);
        state.answer.is_inspected = !matches!(framing, Framing::Opaque);
        if let [message] = &*asked.messages {
            state.request = Some((message.clone(), recognised.is_modern(message)));
        }
        let drops_usage = asked.usage == UsageAsked::Missing;
        Self {
            shape: shape.unwrap_or(Shape::Chat),
            framing,
            state,
            drops_usage,
            at: 0,
            sendable: 0,
        }
    }

    /// Of one of the answers of a session, which come in messages: see [`message`](Self::message).
    #[must_use]
    pub fn of_session(recognised: &Recognised, limits: &Limits) -> Self {
        let mut state = State::new(sark_prices::Counting::Inside, limits.tools);
        // Gemini's come in another way.
        state.answer.is_inspected = recognised.family != Family::Gemini;
        let (shape, framing) = (Shape::Responses, Framing::Opaque);
        Self { shape, framing, state, drops_usage: false, at: 0, sendable: 0 }
    }

    /// Takes a server's message; it is an event of the answer.
    pub fn message<E>(&mut self, payload: Result<&[u8], E>) {
        if self.state.answer.is_inspected {
            piece(self.shape, &mut self.state, payload);
        }
    }

    /// Takes what comes next.
    pub fn push(&mut self, portion: &[u8]) -> Passed {
        self.at += portion.len() as u64;
        let (shape, state, drops) = (self.shape, &mut self.state, self.drops_usage);
        let (before, acts) = (self.sendable, state.acts());
        let (mut unasked, mut called) = (None, None);
        let sendable = match &mut self.framing {
            Framing::Sse(decoder) => decoder.push(portion, |event| {
                let range = event.as_ref().map_or(0..0, |event| event.start..event.end);
                let seen = sse_event(shape, state, event);
                if called.is_none() && state.acts() > acts {
                    called = Some(range.start);
                }
                if seen == Some(Seen::UsageAlone) && drops {
                    unasked = Some(range);
                }
            }),
            Framing::Lines(decoder) => decoder.push(portion, |line| _ = piece(shape, state, line)),
            Framing::Sequence(decoder) => {
                decoder.push(portion, |element| _ = piece(shape, state, element))
            }
            Framing::EventStream(decoder) => {
                decoder.push(portion, |message| aws_message(shape, state, message))
            }
            Framing::Document(document, most) => {
                if document.len() + portion.len() > *most {
                    self.state.answer.unread += 1;
                    self.framing = Framing::Opaque;
                } else {
                    document.extend_from_slice(portion);
                }
                self.at
            }
            Framing::Opaque => self.at,
        };
        self.sendable = sendable;
        let acts = self.state.acts() > acts;
        Passed { sendable, unasked, called: called.or(acts.then_some(before)) }
    }

    /// The body is over: all that was held may be sent on, but what is unasked.
    pub fn finish(&mut self) -> Passed {
        let (shape, state, drops) = (self.shape, &mut self.state, self.drops_usage);
        let (before, acts) = (self.sendable, state.acts());
        let mut unasked = None;
        match &mut self.framing {
            Framing::Sse(decoder) => decoder.finish(|event| {
                let range = event.as_ref().map_or(0..0, |event| event.start..event.end);
                if sse_event(shape, state, event) == Some(Seen::UsageAlone) && drops {
                    unasked = Some(range);
                }
            }),
            Framing::Lines(decoder) => decoder.finish(|line| _ = piece(shape, state, line)),
            Framing::Sequence(decoder) if decoder.is_open() => state.answer.unread += 1,
            Framing::EventStream(decoder) if decoder.is_open() => state.answer.unread += 1,
            Framing::Document(document, _) => {
                let document = std::mem::take(document);
                if !document.is_empty() {
                    let read = whole(shape, state, &document);
                    state.answer.is_complete |= read.is_ok();
                    count(state, read);
                }
            }
            Framing::Sequence(_) | Framing::EventStream(_) | Framing::Opaque => {}
        }
        self.framing = match std::mem::replace(&mut self.framing, Framing::Opaque) {
            // How it was framed still matters to whoever has something to add.
            framing @ (Framing::Sequence(_) | Framing::Sse(_)) => framing,
            _ => Framing::Opaque,
        };
        let acts = self.state.acts() > acts;
        Passed { sendable: self.at, unasked, called: acts.then_some(before) }
    }

    /// Whether it comes in events, each of which is read when it is whole.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        !matches!(self.framing, Framing::Document(..) | Framing::Opaque)
    }

    /// Whether it is one document, which is read when it is whole.
    #[must_use]
    pub fn is_document(&self) -> bool {
        matches!(self.framing, Framing::Document(..))
    }

    /// What it said so far.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.state.answer
    }

    /// See the type.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        self.state.answer
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn framing(&self) -> &Framing {
        &self.framing
    }
}

fn shape(dialect: Dialect, model: Option<&str>) -> Option<Shape> {
    Some(match dialect {
        Dialect::Chat | Dialect::Completions | Dialect::Embeddings => Shape::Chat,
        Dialect::Responses => Shape::Responses,
        Dialect::Messages => Shape::Messages,
        Dialect::GenerateContent => Shape::Gemini,
        Dialect::Converse => Shape::Converse,
        Dialect::Cohere => Shape::Cohere,
        Dialect::Ollama => Shape::Ollama,
        Dialect::Mcp => Shape::Mcp,
        // The model's own. Names have a place in front, `us.`, and are in ARNs.
        Dialect::Invoke => match model.unwrap_or_default() {
            model if model.contains("anthropic.") => Shape::Messages,
            model if model.contains("amazon.") => Shape::Converse,
            model if model.contains("cohere.") => Shape::Cohere,
            _ => Shape::Chat,
        },
        Dialect::Other => return None,
    })
}

fn framing(shape: Shape, stream: bool, headers: &HeaderMap, limits: &Limits) -> Framing {
    let header = |name: &str| {
        let value = headers.get(name).map_or(&b""[..], |value| value.as_bytes());
        let value = value.split(|octet| *octet == b';').next().unwrap_or_default();
        value.trim_ascii().to_ascii_lowercase()
    };
    if !matches!(&*header("content-encoding"), b"" | b"identity") {
        return Framing::Opaque;
    }
    match &*header("content-type") {
        b"text/event-stream" => Framing::Sse(sse::Decoder::new(limits.event)),
        b"application/x-ndjson" | b"application/jsonl" | b"application/stream+json" => {
            Framing::Lines(lines::Decoder::new(limits.event))
        }
        b"application/vnd.amazon.eventstream" => {
            Framing::EventStream(eventstream::Decoder::new(limits.event))
        }
        b"" | b"application/json" if stream && shape == Shape::Ollama => {
            Framing::Lines(lines::Decoder::new(limits.event))
        }
        b"application/json" if stream && shape == Shape::Gemini => {
            Framing::Sequence(sequence::Decoder::new(limits.event))
        }
        // As Cohere's first version streams.
        b"application/json" if stream && shape == Shape::Cohere => {
            Framing::Lines(lines::Decoder::new(limits.event))
        }
        b"" | b"application/json" | b"application/problem+json" => {
            Framing::Document(Vec::new(), limits.answer)
        }
        _ => Framing::Opaque,
    }
}

fn count(state: &mut State, read: Result<Seen, Unread>) -> Option<Seen> {
    state.answer.events += 1;
    if read.is_err() {
        state.answer.unread += 1;
    }
    read.ok()
}

fn sse_event(
    shape: Shape,
    state: &mut State,
    event: Result<sse::Event<'_>, crate::framing::TooLong>,
) -> Option<Seen> {
    let data = event.map(|event| event.data);
    piece(shape, state, data)
}

/// One of several.
fn piece<E>(shape: Shape, state: &mut State, data: Result<&[u8], E>) -> Option<Seen> {
    let read = data.map_err(|_| Unread).and_then(|data| match shape {
        Shape::Chat => chat::event(state, data),
        Shape::Responses => responses::event(state, data),
        Shape::Messages => messages::event(state, data),
        Shape::Gemini => gemini::event(state, data),
        Shape::Converse => converse::wrapped(state, data),
        Shape::Cohere => cohere::event(state, data),
        Shape::Ollama => ollama::event(state, data),
        Shape::Mcp => mcp::event(state, data),
    });
    count(state, read)
}

/// The only one.
fn whole(shape: Shape, state: &mut State, data: &[u8]) -> Result<Seen, Unread> {
    match shape {
        Shape::Chat => chat::event(state, data),
        Shape::Responses => responses::whole(state, data),
        Shape::Messages => messages::whole(state, data),
        Shape::Gemini => gemini::event(state, data),
        Shape::Converse => converse::event(state, "", data),
        Shape::Cohere => cohere::event(state, data),
        Shape::Ollama => ollama::event(state, data),
        Shape::Mcp => mcp::event(state, data),
    }
}

/// Invoke's chunks carry the model's own events.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    bytes: std::borrow::Cow<'a, str>,
}

fn aws_message(
    shape: Shape,
    state: &mut State,
    message: Result<eventstream::Message<'_>, eventstream::Wrong>,
) {
    let Ok(message) = message else {
        _ = count(state, Err(Unread));
        return;
    };
    if message.message_type != "event" {
        state.fail(Some(super::values::cut(message.kind).to_owned()));
        _ = count(state, Ok(Seen::Something));
        return;
    }
    if message.kind != "chunk" {
        let read = converse::event(state, message.kind, message.payload);
        _ = count(state, read);
        return;
    }
    let chunk = serde_json::from_slice::<Chunk<'_>>(message.payload).ok();
    let inner = chunk.and_then(|chunk| STANDARD.decode(chunk.bytes.as_bytes()).ok());
    piece(shape, state, inner.as_deref().ok_or(Unread));
}
