//! What a client was answered, as told by whoever stood beside it.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ageing::{Answered, Observed, Vantage};

/// An answer of somebody's DNS server to a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seen {
    /// The name that it asked for.
    pub name: String,
    /// A and AAAA records at the end of its chain.
    pub addresses: Vec<IpAddr>,
    /// Seconds for which the answer holds, the least of its records; unknown counts as the least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// Names that CNAME records led to, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
    /// When; `None` is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl Seen {
    /// As an event for [`Ageing`](crate::ageing::Ageing).
    #[must_use]
    pub fn observed(self, now: Timestamp) -> Observed {
        let ttl = self.ttl.unwrap_or(0);
        let addresses = self.addresses.into_iter().map(|address| Answered { address, ttl });
        Observed {
            name: self.name,
            addresses: addresses.collect(),
            chain: self.chain,
            vantage: Vantage::Client,
            dnssec: None,
            at: self.at.unwrap_or(now),
        }
    }
}
