//! Fewer prefixes for the same addresses.

use crate::net::Net;

/// A prefix and the evidence for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub net: Net,
    /// Registry endpoints by index, sorted; empty for a literal prefix.
    pub endpoints: Vec<u32>,
    /// Whether the policy itself says the prefix.
    pub literal: bool,
    /// Whether two halves may become one whole: not where the action is allowed on hosts only.
    pub joins: bool,
}

impl Evidence {
    fn absorb(&mut self, other: &Self) {
        self.endpoints.extend_from_slice(&other.endpoints);
        self.endpoints.sort_unstable();
        self.endpoints.dedup();
        self.literal |= other.literal;
    }
}

/// The same addresses, never more: what lies in another prefix goes, two halves become one.
pub(crate) fn aggregate(mut all: Vec<Evidence>) -> Vec<Evidence> {
    all.sort_by_key(|evidence| evidence.net);
    let mut out: Vec<Evidence> = Vec::with_capacity(all.len());
    for next in all {
        match out.last_mut() {
            Some(last) if last.net.contains(next.net) => last.absorb(&next),
            _ => out.push(next),
        }
        while let [.., left, right] = out.as_slice()
            && left.joins
            && right.joins
            && let Some((other, parent)) = right.net.sibling()
            && other == left.net
        {
            let (mut whole, right) = (left.clone(), right.clone());
            whole.absorb(&right);
            whole.net = parent;
            out.truncate(out.len() - 2);
            out.push(whole);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evidence(bits: u128, length: u8, endpoint: u32, joins: bool) -> Evidence {
        let net = Net { bits: bits << 120 & !(u128::MAX >> length), length };
        Evidence { net, endpoints: vec![endpoint], literal: false, joins }
    }

    proptest! {
        #[test]
        fn never_wider_never_narrower(
            nets in proptest::collection::vec((0u128..256, 1u8..=8, any::<bool>()), 0..40),
        ) {
            let given: Vec<Evidence> =
                nets.iter().map(|&(bits, length, joins)| evidence(bits, length, 0, joins)).collect();
            let out = aggregate(given.clone());
            for bits in 0u128..256 {
                let address = Net { bits: bits << 120, length: 8 };
                let holds = |list: &[Evidence]| list.iter().any(|e| e.net.contains(address));
                prop_assert_eq!(holds(&given), holds(&out));
                prop_assert!(out.iter().filter(|e| e.net.contains(address)).count() <= 1);
            }
            prop_assert!(out.len() <= given.len());
        }
    }

    #[test]
    fn keeps_the_evidence_and_hosts_apart() {
        let out = aggregate(vec![evidence(0, 7, 3, true), evidence(2, 7, 1, true)]);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].endpoints, [1, 3]);
        assert_eq!(out[0].net.length, 6);
        assert_eq!(aggregate(vec![evidence(0, 8, 0, false), evidence(1, 8, 1, true)]).len(), 2);
    }
}
