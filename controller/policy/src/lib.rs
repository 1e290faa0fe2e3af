//! feed → registry → [policy] → plan → NLRI → GoBGP → router
//!
//! The policy language. Today its network half: [`FlowSpecPolicy`](Policy) documents, parsed with
//! the place of every mistake ([`parse_set`]), as one [`PolicySet`] with one version. No I/O.

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
