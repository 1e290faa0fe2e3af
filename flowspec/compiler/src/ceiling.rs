//! What lives at an address limits what may be done to it.

use sark_policy::{Policy, Verdict};
use sark_registry::Sharedness;

use crate::{Pool, Refusal};

/// How far an action goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// Mark, sample, accept: always allowed.
    Gentle,
    /// To a pool that reads the SNI, or to another place.
    Redirect { reads_sni: bool },
    /// Drop, rate limit.
    Drop,
}

impl Force {
    pub fn of(verdict: &Verdict, pool: Option<&Pool>) -> Self {
        match verdict {
            Verdict::Accept => Self::Gentle,
            Verdict::Drop | Verdict::RateLimit(_) => Self::Drop,
            Verdict::RedirectPool { .. } => {
                Self::Redirect { reads_sni: pool.is_some_and(|pool| pool.reads_sni) }
            }
            Verdict::RedirectVrf(_) => Self::Redirect { reads_sni: false },
        }
    }

    fn word(self, policy: &Policy) -> &'static str {
        match (self, &policy.action.verdict) {
            (Self::Gentle, _) => "touches",
            (Self::Redirect { .. }, _) => "redirects",
            (Self::Drop, Verdict::RateLimit(_)) => "rate-limits",
            (Self::Drop, _) => "drops",
        }
    }
}

/// Why a destination is out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ceiling {
    /// The evidence is not confirmed.
    Unverified,
    /// Allowed only with an approval, and approvals do not exist yet.
    Approval,
    /// Never at this sharedness.
    Never(Sharedness),
    /// Single addresses only.
    HostsOnly(Sharedness),
    /// Single ports only.
    PortsOnly(Sharedness),
    /// Only to a pool that reads the SNI.
    Sni,
}

/// What stands against an action on one destination.
pub(crate) fn check(
    force: Force,
    sharedness: Sharedness,
    host: bool,
    ports: bool,
) -> Result<(), Ceiling> {
    match (force, sharedness) {
        (Force::Gentle, _) | (_, Sharedness::Dedicated) => Ok(()),
        (Force::Drop, Sharedness::Provider) if host && ports => Err(Ceiling::Approval),
        (Force::Drop, _) => Err(Ceiling::Never(sharedness)),
        (Force::Redirect { reads_sni: false }, Sharedness::Cdn) => Err(Ceiling::Sni),
        (Force::Redirect { .. }, _) if !host => Err(Ceiling::HostsOnly(sharedness)),
        (Force::Redirect { .. }, _) if !ports => Err(Ceiling::PortsOnly(sharedness)),
        (Force::Redirect { .. }, _) => Ok(()),
    }
}

/// Words for a refusal; `what` lists the destinations.
pub(crate) fn refusal(policy: &Policy, force: Force, ceiling: Ceiling, what: &str) -> Refusal {
    let word = force.word(policy);
    let place = format!("{}:{}", policy.place.file, policy.action.line);
    let shared = |s: Sharedness| match s {
        Sharedness::Dedicated => "dedicated: one service's own",
        Sharedness::Provider => "provider: other services of the same provider live there",
        Sharedness::Cloud => "cloud: other customers of the cloud live there",
        Sharedness::Cdn => "cdn: any site may live there",
    };
    let (why, fix) = match ceiling {
        Ceiling::Unverified => (
            format!("it {word} {what}, which no document of its owner confirms"),
            format!(
                "{place}: sample, mark or redirect instead; or confirm the addresses and say \
                 `verified: true` in an overlay file"
            ),
        ),
        Ceiling::Approval => (
            format!(
                "it {word} {what} (sharedness {}); that needs an approval, and there is no way to \
                 give one yet",
                shared(Sharedness::Provider)
            ),
            format!("{place}: redirect these addresses to a proxy pool, which decides by name"),
        ),
        Ceiling::Never(s) => (
            format!("it {word} {what} (sharedness {}); too much else would suffer", shared(s)),
            match s {
                Sharedness::Provider => format!(
                    "{place}: redirect single addresses and ports to a proxy pool, which decides \
                     by name"
                ),
                _ => format!("{place}: redirect to a proxy pool, which decides by name"),
            },
        ),
        Ceiling::HostsOnly(s) => (
            format!(
                "it {word} whole prefixes of {what} (sharedness {}); only single addresses may be \
                 redirected there",
                shared(s)
            ),
            format!(
                "{place}: name services whose addresses are known one by one (/32, /128), or \
                 sample and mark instead"
            ),
        ),
        Ceiling::PortsOnly(s) => (
            format!("it {word} every port of {what} (sharedness {})", shared(s)),
            format!("{place}: add `ports`, such as `ports: [443]`"),
        ),
        Ceiling::Sni => (
            format!(
                "it {word} {what} (sharedness {}) to what does not read the SNI and so cannot let \
                 the other sites pass",
                shared(Sharedness::Cdn)
            ),
            format!("{place}: redirect to a pool with `readsSni: true`"),
        ),
    };
    Refusal { policy: policy.name.clone(), guard: "ceiling".into(), why, fix }
}

/// Words for a refusal of `whenProxyDown: drop`.
pub(crate) fn refusal_when_down(policy: &Policy, ceiling: Ceiling, what: &str) -> Refusal {
    let mut refusal = refusal(policy, Force::Drop, ceiling, what);
    refusal.why = format!("with its pool down, {}", refusal.why);
    refusal.fix = format!(
        "{}:{}: say `whenProxyDown: withdraw` or `keep`, or name destinations that may be dropped",
        policy.place.file, policy.place.line
    );
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        use Sharedness::{Cdn, Cloud, Dedicated, Provider};
        let (blind, sni) =
            (Force::Redirect { reads_sni: false }, Force::Redirect { reads_sni: true });
        let ok = |force, shared, host, ports| check(force, shared, host, ports).is_ok();
        for shared in [Dedicated, Provider, Cloud, Cdn] {
            assert!(ok(Force::Gentle, shared, false, false));
            for force in [blind, sni, Force::Drop] {
                assert_eq!(ok(force, shared, false, false), shared == Dedicated);
                assert_eq!(ok(force, shared, false, true), shared == Dedicated);
                assert_eq!(ok(force, shared, true, false), shared == Dedicated);
            }
            assert!(ok(sni, shared, true, true));
            assert_eq!(ok(blind, shared, true, true), shared != Cdn);
            assert_eq!(ok(Force::Drop, shared, true, true), shared == Dedicated);
        }
        assert_eq!(check(Force::Drop, Provider, true, true), Err(Ceiling::Approval));
    }
}
