//! An immutable view of all endpoints.

use std::net::IpAddr;

use ipnet::IpNet;
use sark_core::ContentHash;

use crate::{Endpoint, NamePattern};

/// All endpoints at one moment, sorted by id, with indexes. Share it in an `Arc`.
#[derive(Debug)]
pub struct Snapshot {
    endpoints: Vec<Endpoint>,
    version: ContentHash,
}

/// An endpoint that covers an address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AddressHit<'a> {
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// Its prefix.
    pub prefix: IpNet,
}

/// An endpoint that has a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NameHit<'a> {
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// Its name or wildcard.
    pub pattern: &'a NamePattern,
}

impl Snapshot {
    /// Sorted by id; the version is a hash of the content in canonical form. Of two endpoints with
    /// one id, the later wins (overlays come after the seed).
    #[must_use]
    pub fn build(endpoints: Vec<Endpoint>) -> Self {
        todo!()
    }

    /// Hash of the content.
    pub fn version(&self) -> &ContentHash {
        &self.version
    }

    /// All, by id.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Endpoints whose prefixes cover this address, longest prefix first.
    pub fn lookup_address(&self, address: IpAddr) -> Vec<AddressHit<'_>> {
        todo!()
    }

    /// Endpoints that overlap this prefix (cover it or lie in it).
    pub fn overlapping(&self, prefix: IpNet) -> Vec<AddressHit<'_>> {
        todo!()
    }

    /// Endpoints that have this name, exact first, then by longest suffix.
    pub fn lookup_name(&self, name: &str) -> Vec<NameHit<'_>> {
        todo!()
    }
}
