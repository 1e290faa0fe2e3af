//! Where what policies want taken out of a body is taken out. Who finds it is put in here; there is nobody
//! yet, and what would have to be taken out is denied.

use bytes::Bytes;
use sark_detect::Recognised;

/// Finds things in bodies, and takes them out.
pub trait Redact: std::fmt::Debug + Send + Sync {
    /// The body of this call, unpacked, without what is found of these kinds; `*` is every kind. Nothing if
    /// that cannot be done for sure: then the call is denied.
    fn redact(&self, body: &[u8], call: &Recognised, findings: &[&str]) -> Option<Bytes>;
}

/// Nobody finds anything, and nothing is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nobody;

impl Redact for Nobody {
    fn redact(&self, _: &[u8], _: &Recognised, _: &[&str]) -> Option<Bytes> {
        None
    }
}
