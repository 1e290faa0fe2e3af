//! Desired against observed.

use sark_flowspec::{Nlri, Observed, Route};

use crate::{Compiled, DesiredRule, PlanDocument};

/// What has to change, as a value that can be printed, stored, refused and carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The stable JSON form of it all.
    pub document: PlanDocument,
    /// To announce, in section 5.1 order. Empty when compiling refused something.
    pub announce: Vec<Route>,
    /// To withdraw. Empty when compiling refused something.
    pub withdraw: Vec<Nlri>,
}

impl Plan {
    /// Only paths that are ours (local, and the ownership community's first two parts match) are
    /// ever withdrawn or kept. A local path of somebody else on an NLRI that we want is a refusal,
    /// `foreign-route`, and is left alone; the rest of the plan is still there for a reconciler.
    pub fn between(desired: &Compiled, observed: &[Observed], asn: u32, instance: u32) -> Self {
        Self::between_knowing(desired, observed, asn, instance, &[])
    }

    /// The same, with the rules that were desired before, so that what is withdrawn can name its
    /// policy.
    pub fn between_knowing(
        desired: &Compiled,
        observed: &[Observed],
        asn: u32,
        instance: u32,
        previous: &[DesiredRule],
    ) -> Self {
        let _ = (desired, observed, asn, instance, previous);
        todo!()
    }
}
