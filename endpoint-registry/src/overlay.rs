//! Overlay files: endpoints as people write them, added to the seed or laid over it.
//!
//! A file holds providers with their services, and extensions of endpoints that exist. A service
//! with the id of an earlier one replaces it whole; an extension adds names, prefixes, ports and
//! sources, and overrides what else it states. The seed has the same form; so have the entries that
//! users make through the API ([`parse_entries`]), which need an owner and an end.

mod apply;
pub(crate) mod form;
mod prefix;
mod read;

use sark_core::document::Diagnostic;

use serde::{Deserialize, Serialize};

use crate::{Endpoint, NamePattern, PortRange, Provenance, Sharedness, State, feed::Subject};

pub use apply::apply;
pub(crate) use apply::lay;
pub(crate) use read::{UNSURE, role_of};
pub use read::{parse, parse_entries};

/// One overlay, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    /// Name as in its metadata.
    pub name: String,
    /// Version as in its metadata, such as `2026-11-21`.
    pub version: Option<String>,
    /// Endpoints it defines, each with an id of its own, in the order of the file.
    pub endpoints: Vec<Endpoint>,
    /// What it changes in others.
    pub extensions: Vec<Extension>,
    /// What no endpoint may have.
    pub never_touch: Vec<NeverTouch>,
    /// Who answers for it; never missing in a user's entry.
    pub owner: Option<String>,
    /// After this it is not laid; never missing in a user's entry.
    pub expires_at: Option<jiff::Timestamp>,
}

/// A prefix or name that no endpoint may have and no rule may touch, whoever says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NeverTouch {
    /// What.
    pub subject: Subject,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// After this it does not hold.
    pub expires_at: Option<jiff::Timestamp>,
}

/// What an overlay adds to an endpoint and changes in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Extension {
    /// Id of the endpoint.
    pub extends: String,
    /// Added.
    pub names: Vec<NamePattern>,
    /// Added.
    pub prefixes: Vec<ipnet::IpNet>,
    /// Added; to an endpoint of any port, they become its only ones.
    pub ports: Vec<PortRange>,
    /// Added; never empty.
    pub sources: Vec<Provenance>,
    /// Replaced if stated.
    pub sharedness: Option<Sharedness>,
    /// Replaced if stated.
    pub confidence: Option<u8>,
    /// Replaced if stated.
    pub verified: Option<bool>,
    /// Replaced if stated.
    pub state: Option<State>,
    /// Replaced if stated.
    pub expires_at: Option<jiff::Timestamp>,
    /// Where `extends` is written, without a message yet.
    place: Diagnostic,
}
