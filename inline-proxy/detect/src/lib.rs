//! packet → [proxy → request] → decision → audit
//!
//! Octets → what is asked of a model or of a tool and what came back, and how to say no in words that
//! the client's library understands.
//!
//! ```text
//!    head ─→ recognise ─→ Recognised ─┬─ read(body) ─→ Asked | Unreadable
//!                                     ├─ AnswerReader: chunks as they pass ─→ Answer
//!                                     └─ Refusal ─┬─ response    before anything was answered
//!                                                 └─ in_stream   after something was
//! ```
//!
//! Read [`Recognised`] first: which dialect is spoken, by its host, its path or the body's shape. Then
//! [`Asked`] (model, stream, tools, sizes; never the prompt's text), [`AnswerReader`] and its
//! [`Answer`] (tokens, tools called, how it ended), and [`Refusal`]. [`sse`] stands alone: an
//! incremental parser that says which octets may be sent on. [`agent`] says whose program asks, and
//! [`credentials`] which headers nobody may see.
//!
//! Sources: the providers' API references and what their current client libraries do; WHATWG HTML
//! §9.2 (event streams), AWS's event stream encoding, RFC 8259 (JSON), RFC 9457 (problem details),
//! JSON-RPC 2.0, and MCP's revisions from 2024-11-05 to 2026-07-28.
//!
//! What was read depends on the octets, never on how they were cut. Memory is bounded by [`Limits`],
//! whatever comes. A request that two parsers may read in two ways is refused; an answer is passed on
//! whatever it is, and says what of it was not read. No I/O, no clock, no panic on octets from outside.

mod agents;
mod answer;
mod asked;
pub mod credentials;
mod dialect;
pub mod framing;
mod grpc;
mod json;
mod limits;
pub mod mcp;
mod percent;
mod recognise;
mod refusal;
mod session;

pub use agents::agent;
pub use answer::{Answer, AnswerReader, Failure, Passed};
pub use asked::{Asked, Tool, ToolKind, Unreadable, UsageAsked, ask_for_usage};
pub use dialect::{Dialect, Family};
pub use framing::sse;
pub use limits::Limits;
pub use recognise::{By, Head, Recognised, recognise};
pub use refusal::{Form, Kind, Refusal};
