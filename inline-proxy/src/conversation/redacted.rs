//! What is sent instead of a body of which something has to be taken out.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::Body as _;
use sark_core::decision::{Decision, Obligation};

use super::ask::Read;
use super::usage::is_vouched_for;
use super::{Conversation, Taken};
use crate::body::Outgoing;

impl Conversation {
    /// The body without what these decisions want taken out; nothing if they want nothing, or it cannot be.
    pub(super) fn redacted(
        &self,
        decisions: &[Decision],
        taken: &Taken,
        headers: &HeaderMap,
        body: &Outgoing,
        read: &Read,
    ) -> Option<Bytes> {
        let obligations = decisions.iter().flat_map(|decision| &decision.obligations);
        let findings = obligations.filter_map(|obligation| match obligation {
            Obligation::Redact { findings } => Some(findings.iter().map(String::as_str)),
            _ => None,
        });
        let findings = findings.flatten().collect::<BTreeSet<_>>();
        let findings: Vec<_> = findings.into_iter().collect();
        // A body that somebody vouches for is no longer his.
        if findings.is_empty()
            || read.asked.is_none()
            || body.is_end_stream()
            || is_vouched_for(headers)
        {
            return None;
        }
        let octets = read.opened.as_deref().unwrap_or(body.octets());
        self.proxy.redact.redact(octets, &taken.recognised, &findings)
    }
}
