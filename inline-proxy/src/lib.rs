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
//! beside its way, and what it would have the client do waits for a decision of its own. Decisions are
//! made in this process, by the set that `sarkd` has in use or by one from a directory: no other program
//! is waited for. A collector of traces, if there is one, is told afterwards (`traced`).

mod alpn;
mod answers;
pub mod args;
mod begun;
mod body;
mod clients;
pub mod config;
mod conversation;
mod dial;
pub mod entrance;
mod flow;
mod handover;
mod held;
mod ids;
mod judge;
mod lookups;
mod metrics;
mod opening;
mod overload;
mod passage;
mod pins;
mod proxy;
mod proxy_protocol;
mod records;
mod redact;
mod refusals;
mod renew;
mod replay;
mod run;
pub mod sarkd;
mod splice;
mod spools;
mod steer;
mod terminate;
mod traced;
mod unpack;
mod upstream;
mod watch;

pub use alpn::{Alpn, Offer};
pub use answers::{Acts, Answers, Usage};
pub use clients::{Clients, OneClient, TooMany};
pub use conversation::Conversation;
pub use dial::{DialError, Dialer, Reach};
pub use flow::{Entrance, Flow, Target};
pub use handover::{HandoverError, Inherited, Program};
pub use held::Watcher;
pub use judge::{Fail, Judge, Known, SourceMap};
pub use metrics::Metrics;
pub use overload::{Budget, Busy, Overload, Room, Turn};
pub use pins::{PinPolicy, PinSettings, Pins};
pub use proxy::{FailPolicy, Limits, Proxy};
pub use proxy_protocol::{Header, HeaderError, Told};
pub use redact::{Nobody, Redact};
pub use refusals::{More, Reason, Refusals};
pub use run::{RunError, run};
pub use steer::{Course, Courses, Steered, Why, steer};
pub use terminate::Termination;
pub use upstream::{Keep, LinkError, Server, Trust, Upstreams};
