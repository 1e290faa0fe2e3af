//! What ageing is told, and what it says changed.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::State;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A name was answered. No address is an answer too: NXDOMAIN, or a name without addresses.
    Observed(Observed),
    /// A name was asked, and no resolver answered.
    Failed {
        /// The name.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// A flow to this address is alive.
    LiveFlow {
        /// Its destination.
        address: IpAddr,
        /// When it was seen.
        at: Timestamp,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The name that was asked for, in any case; not what a CNAME led to.
    pub name: String,
    /// From A and AAAA records, at the end of a CNAME chain too, and from the hints of HTTPS and
    /// SVCB records.
    pub addresses: Vec<Answered>,
    /// Names between the one asked for and the addresses, in order.
    pub chain: Vec<String>,
    /// Who was answered.
    pub vantage: Vantage,
    /// `true` if the answer was validated and is secure, `false` if it was validated and is not
    /// signed, `None` if nobody looked.
    pub dnssec: Option<bool>,
    /// When.
    pub at: Timestamp,
}

/// An address of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Answered {
    /// The address.
    pub address: IpAddr,
    /// Seconds for which it may be cached: the least of the records that led to it.
    pub ttl: u32,
}

/// Who was answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Vantage {
    /// A client: its answer was seen by the proxy or is in a log of its DNS server. It will connect
    /// there.
    Client,
    /// One of our resolvers that clients use too: a question of ours, and an answer as clients get it.
    Site(Arc<str>),
    /// One of our resolvers. Clients may be answered otherwise.
    Poller(Arc<str>),
}

impl Vantage {
    /// Whether clients are answered so.
    pub(super) fn is_clients(&self) -> bool {
        matches!(self, Self::Client | Self::Site(_))
    }
}

/// A step in the life of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The name that leads to it.
    pub name: Arc<str>,
    /// The address.
    pub address: IpAddr,
    /// `None` if it was unknown.
    pub from: Option<State>,
    /// `None` if it is forgotten.
    pub to: Option<State>,
    /// Why.
    pub because: Because,
}

impl Change {
    /// Whether the addresses of an endpoint become more or fewer by it.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        is_kept(self.from) != is_kept(self.to)
    }

    /// Whether they become more.
    #[must_use]
    pub fn is_coming(&self) -> bool {
        !is_kept(self.from) && is_kept(self.to)
    }
}

/// Active or draining: rules stand for it.
pub(super) fn is_kept(state: Option<State>) -> bool {
    matches!(state, Some(State::Active | State::Draining))
}

/// Why an address went from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Because {
    /// A client was given it.
    Client,
    /// A poller was given it.
    Poller,
    /// Enough pollers were given it.
    Agreed,
    /// Its time without an answer is over.
    Expired,
    /// Others of its name needed the room.
    Crowded,
    /// Its name is asked no more, and others needed the room.
    NameCrowded,
}

/// An address that was answered and not learned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refused {
    /// The address.
    pub address: IpAddr,
    /// What it is: `private`, `loopback`.
    pub what: String,
    /// Who was answered so.
    pub vantage: Vantage,
    /// When it last was.
    pub at: Timestamp,
}
