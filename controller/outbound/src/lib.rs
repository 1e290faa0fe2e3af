//! feed → registry → policy → plan → NLRI → GoBGP → router
//! packet → proxy → request → decision → audit
//! EDR event → activity → decision → response
//!
//! The one way out for everything of SARK that asks a server it does not own: feeds, policy
//! bundles, alerts, anchors. Read [`Client`] first: HTTP over rustls, with a proxy, authorities,
//! limits and the address guard ([`Reach`]). [`Stream`] is the same for what is not HTTP.
//!
//! A name is resolved once, each of its addresses is judged, and the connection is made to an
//! address that was judged: a name that answers otherwise the second time gains nothing. Nothing of
//! the environment counts, neither proxies nor certificates. Errors never hold an address: it may
//! be a secret (incoming webhooks), so the caller says in its own words what it asked.
//!
//! It keeps no state and retries nothing.

mod client;
mod error;
mod reach;
mod stream;
mod tls;

pub use client::{Answer, Client, Redirects, Request, Settings};
pub use error::{OutboundError, SettingsError};
pub use reach::{NotPublic, Reach};
pub use reqwest::{Method, StatusCode, Url, header};
pub use stream::{Octets, Stream, Target};
