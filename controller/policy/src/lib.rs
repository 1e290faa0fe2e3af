//! feed → registry → [policy] → plan → NLRI → GoBGP → router
//!
//! The policy language. Today its network half: [`FlowSpecPolicy`](Policy) documents, parsed with
//! the place of every mistake ([`parse`]), as one [`PolicySet`] with one version. No I/O.

mod network;

pub use network::{
    Action, Destinations, Expiry, FragmentBit, FragmentMatch, Place, Policy, PolicySet, Protocol,
    Range, RateLimit, RouteTarget, Schedule, TcpFlagMatch, Verdict, WhenProxyDown, Window,
    parse_set,
};
