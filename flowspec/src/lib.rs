//! feed → registry → policy → plan → [NLRI] → GoBGP → router
//!
//! BGP FlowSpec, RFC 8955 and RFC 8956, and nothing of SARK: what a rule matches
//! ([`Nlri`], a list of [`Component`]s), what a router does with it ([`Action`]), in which order
//! routers evaluate rules ([`Nlri`]'s `Ord`, section 5.1), which packets it hits
//! ([`Nlri::matches`]), its octets ([`Nlri::encode`], [`Nlri::decode`]) and its text
//! ([`Nlri::parse`], `Display`). [`Speaker`] is the one trait with I/O behind it; its
//! implementations live in other crates.
//!
//! Read [`Nlri`] first, then [`Action`], then [`Speaker`].
//!
//! This crate opens no socket, reads no file and no clock, and never panics on octets or text
//! from outside.
//!
//! [NLRI]: Nlri

mod action;
mod canonical;
mod codec;
mod component;
mod evaluate;
mod field;
pub mod iana;
mod item;
mod matching;
mod nlri;
mod order;
mod packet;
mod prefix;
mod route;
pub mod speaker;
mod text;

pub use action::{Action, ActionError, ExtendedCommunity, Rate, RouteTarget};
pub use canonical::ranges;
pub use codec::DecodeError;
pub use component::{Component, ComponentType};
pub use evaluate::{Rule, acting, winner};
pub use item::{BitmaskItem, NumericItem, NumericOp, Width};
pub use nlri::{Nlri, NlriError};
pub use packet::{Fragment, Packet, parse_tcp_flags};
pub use prefix::PrefixMatch;
pub use route::{LargeCommunity, Observed, Route};
pub use speaker::{PeerState, PeerStatus, Speaker, SpeakerError, SpeakerEvent, SpeakerInfo};
pub use text::TextError;

/// Address family of a rule: AFI 1 or 2 with SAFI 133 (RFC 8955 section 4, RFC 8956 section 2).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Afi {
    /// AFI 1.
    Ipv4,
    /// AFI 2.
    Ipv6,
}

/// `ipv4` or `ipv6`, as in documents.
impl std::fmt::Display for Afi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        })
    }
}
