//! feed → registry → [policy] → plan → NLRI → GoBGP → router
//!
//! The policy language. Today its network half: [`FlowSpecPolicy`](Policy) documents, parsed with
//! the place of every mistake ([`parse_set`]), as one [`PolicySet`] with one version. Read [`Policy`] first; the
//! JSON Schema ([`json_schema`]) and the reference page ([`reference()`]) come from the types that
//! read it. It decides nothing about routers, and knows no address but those in the text. No I/O.

pub mod decision;
mod network;
mod reference;
mod schema;

pub use network::{
    Action, Destinations, Expiry, FragmentBit, FragmentMatch, Place, Policy, PolicySet, Protocol,
    Range, RateLimit, RouteTarget, Schedule, TcpFlagMatch, Verdict, WhenProxyDown, Window,
    parse_set,
};
pub use reference::reference;
pub use schema::json_schema;
