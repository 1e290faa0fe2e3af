//! Overlay files: endpoints as people write them, added to the seed or laid over it.
//!
//! A file holds providers with their services, and extensions of endpoints that exist. A service
//! with the id of an earlier one replaces it whole; an extension adds names, prefixes, ports and
//! sources, and overrides what else it states. The seed has the same form.

mod apply;
pub(crate) mod form;
mod prefix;
mod read;

use sark_core::document::Diagnostic;

use crate::{Endpoint, NamePattern, PortRange, Provenance, Sharedness, State};

pub use apply::apply;
pub use read::parse;
pub(crate) use read::{UNSURE, role_of};

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
