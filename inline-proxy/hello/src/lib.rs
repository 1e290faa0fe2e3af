//! packet → [proxy] → request → decision → audit
//!
//! The first octets of a connection → what is being spoken, and the ClientHello if it is TLS.
//! [`Reader`] takes octets in any portions and gives one verdict ([`Progress`]): a [`ClientHello`],
//! a [`Protocol`] that is not TLS, or a [`Refusal`]. It keeps what it was given, for whoever goes on
//! with the connection.
//!
//! ```text
//!    octets ─→ Reader ─┬─→ NeedMore            ask the socket again, within a time of the caller's
//!                      ├─→ Hello(ClientHello)  name, ALPN, ECH, JA3, JA4 …
//!                      ├─→ NotTls(Protocol)    plain HTTP, h2's preface, SSH, other
//!                      └─→ Refused(Refusal)    TLS that no server should answer, or too much of it
//! ```
//!
//! Read [`Reader`] first, then [`ClientHello`]. What is refused, and why: [`Refusal`] for records and
//! bounds, [`Malformed`] for the hello's fields, [`NameError`] for the name that it asks for.
//!
//! Sources: RFC 8446 §4.1.2 and §4.2 (the hello and its extensions), §5.1 (records), RFC 5246
//! §7.4.1.2, RFC 6066 §3 (server name), RFC 7301 §3.1 (ALPN), RFC 8422 §5.1 (groups, point formats),
//! RFC 8701 (GREASE), RFC 9849 §5 (ECH), FoxIO's JA4 (the client's fingerprint alone, under BSD) and
//! Salesforce's JA3.
//!
//! The verdict depends on the octets, never on how they were cut. Work is linear in the octets, but
//! for sorting lists of codes; memory grows with octets that came, never with lengths that were
//! claimed. Whether a hello is acceptable to a server, and what its name may reach, is not asked here.
//! No I/O, no clock, no panic on octets from outside.
//!
//! [proxy]: Reader

mod cursor;
mod error;
mod extensions;
mod fingerprint;
mod hello;
pub mod iana;
mod list;
mod name;
mod parse;
mod protocol;
mod reader;

pub use error::{Malformed, Part, Refusal};
pub use hello::{ClientHello, Ech, Extension};
pub use iana::is_grease;
pub use list::Codes;
pub use name::NameError;
pub use protocol::Protocol;
pub use reader::{Limits, Progress, Reader, SoFar};
