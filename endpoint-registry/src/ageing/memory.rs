//! What is remembered of names and addresses, and survives a restart.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Refused, Vantage};
use crate::State;

/// The form below.
pub(super) const SCHEMA: u32 = 1;

/// All that ageing remembers, as it is stored. Fields of later programs are passed over, so that going
/// back to an earlier one loses no address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Form of this document: 1.
    pub schema: u32,
    /// The latest time that it knows.
    pub at: Timestamp,
    /// By name: lower case, A-labels, no trailing dot.
    pub names: BTreeMap<Arc<str>, Name>,
}

/// What is known of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Name {
    /// An endpoint lists it; `false` if it was seen under a wildcard, or is on its way out.
    pub listed: bool,
    /// By address.
    pub addresses: BTreeMap<IpAddr, Entry>,
    /// The last answer with or without addresses.
    pub answered_at: Option<Timestamp>,
    /// The last answer to a client, for a name seen under a wildcard.
    pub client_at: Option<Timestamp>,
    /// Since when it is not answered any more. Until it is again, nothing of it ages.
    pub stale_since: Option<Timestamp>,
    /// Questions without an answer since then.
    pub failures: u32,
    /// When it is to be asked; `None` if it is not.
    pub due: Option<Timestamp>,
    /// It was asked, and the answer is not there yet.
    pub asked: bool,
    /// Names between it and its addresses, in the last answer; at most 16.
    pub chain: Vec<String>,
    /// See [`Observed`](super::Observed).
    pub dnssec: Option<bool>,
    /// Addresses that it was answered with and must not be learned, latest last; at most 8.
    pub refused: Vec<Refused>,
}

/// What is known of one address of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// `candidate`, `active`, `draining`, or `retired`: it left and is remembered.
    pub state: State,
    /// When it was first answered.
    pub first_seen: Timestamp,
    /// When it became active; first seen if it is not.
    pub since: Timestamp,
    /// The last answer with it.
    pub answered_at: Timestamp,
    /// Who got that one.
    pub vantage: Vantage,
    /// Active until then: it is fresh for its TTL, and then has its grace.
    pub keep_until: Timestamp,
    /// Its grace, in seconds: the longer it once stayed away and came back, the longer it is.
    #[serde(default)]
    pub grace_seconds: u32,
    /// A live flow keeps it until then.
    pub flow_until: Option<Timestamp>,
    /// Pollers that were given it while it is a candidate or retired.
    pub pollers: Vec<Arc<str>>,
}

impl Name {
    pub(super) fn new(listed: bool) -> Self {
        Self {
            listed,
            addresses: BTreeMap::new(),
            answered_at: None,
            client_at: None,
            stale_since: None,
            failures: 0,
            due: None,
            asked: false,
            chain: Vec::new(),
            dnssec: None,
            refused: Vec::new(),
        }
    }
}
