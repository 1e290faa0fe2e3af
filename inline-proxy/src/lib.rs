//! packet → [proxy → request → decision → audit]
//!
//! The inline proxy: what a router redirects here, or a client sends here, is understood, decided on,
//! and sent on or refused.
//!
//! ```text
//!   entrance ─ Flow ─▶ opening ─▶ steer ─┬─ splice ──────────────────────────────▶ server
//!   tproxy, redirect,   (hello)          ├─ deny
//!   explicit, reverse                    └─ terminate ─▶ Conversation, for each request:
//!                                              head ─ body ─ Asked ─ Judge ─┬─ refusal, natively
//!                                              (sark-detect)   │            └─ Upstreams ─▶ server
//!                                                              └─▶ Trail        │ Watch ─▶ Trail
//! ```
//!
//! Read [`Proxy`] first, then [`steer()`] and [`Conversation`]. Nothing goes to a server before it was
//! decided on and recorded; servers are always verified; an answer is passed on as it comes and read
//! beside its way. Decisions are made in this process, by the set that `sarkd` has in use or by one from
//! a directory: no other program is waited for.

mod alpn;
pub mod args;
mod body;
mod clients;
pub mod config;
mod conversation;
mod dial;
pub mod entrance;
mod flow;
mod head;
mod ids;
mod judge;
pub mod log;
mod metrics;
mod opening;
mod overload;
mod pins;
mod proxy;
mod replay;
mod run;
pub mod sarkd;
mod splice;
mod steer;
mod terminate;
mod upstream;
mod watch;

pub use alpn::{Alpn, Offer};
pub use clients::{Clients, TooMany};
pub use conversation::Conversation;
pub use dial::{DialError, Dialer, Reach};
pub use flow::{Entrance, Flow, Target};
pub use judge::{Fail, Judge, Known, SourceMap};
pub use metrics::Metrics;
pub use overload::Overload;
pub use pins::{PinPolicy, PinSettings, Pins};
pub use proxy::{FailPolicy, Limits, Proxy};
pub use run::{RunError, run};
pub use steer::{Course, Courses, Steered, Why, steer};
pub use terminate::Termination;
pub use upstream::{Keep, LinkError, Server, Trust, Upstreams};
