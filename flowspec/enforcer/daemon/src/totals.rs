//! What rules have counted, over all the tables that they were in.

use std::collections::HashMap;

use sark_enforcer::{Counter, Placed};
use sark_flowspec::Nlri;

/// Counters by rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// In tables that are gone.
    carried: HashMap<Nlri, Counter>,
    /// In the table that is there, when it was last read.
    current: HashMap<Nlri, Counter>,
}

impl Totals {
    /// As an earlier process left them.
    #[must_use]
    pub fn carried(carried: HashMap<Nlri, Counter>) -> Self {
        Self { carried, current: HashMap::new() }
    }

    /// The table's counters were read.
    pub fn read(&mut self, rules: &[Placed], counters: &[Counter]) {
        let counted =
            rules.iter().zip(counters).map(|(rule, counter)| (rule.nlri.clone(), *counter));
        self.current = counted.collect();
    }

    /// Another table takes the place of the one that was read last; rules that are not in it are
    /// forgotten.
    pub fn replaced(&mut self, rules: &[Placed]) {
        let old = std::mem::take(self);
        self.carried = rules
            .iter()
            .map(|rule| (rule.nlri.clone(), old.of(&rule.nlri)))
            .filter(|(_, counter)| *counter != Counter::default())
            .collect();
    }

    /// All that a rule has counted.
    #[must_use]
    pub fn of(&self, nlri: &Nlri) -> Counter {
        sum(self.before(nlri), self.current.get(nlri).copied().unwrap_or_default())
    }

    /// What it had counted before the table that is there.
    #[must_use]
    pub fn before(&self, nlri: &Nlri) -> Counter {
        self.carried.get(nlri).copied().unwrap_or_default()
    }
}

pub(crate) fn sum(a: Counter, b: Counter) -> Counter {
    Counter { packets: a.packets.saturating_add(b.packets), bytes: a.bytes.saturating_add(b.bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sark_flowspec::Afi;

    fn placed(text: &str) -> Placed {
        let nlri = Nlri::parse(Afi::Ipv4, text).unwrap();
        Placed { nlri, actions: Vec::new(), enforced: true }
    }

    #[test]
    fn counters_go_on_in_the_next_table() {
        let (a, b, c) = (placed("dst 10.0.0.1/32"), placed("dport =80"), placed("dport =81"));
        let of = |packets| Counter { packets, bytes: packets * 100 };
        let mut totals = Totals::default();
        totals.read(&[a.clone(), b.clone()], &[of(1), of(2)]);
        totals.read(&[a.clone(), b.clone()], &[of(3), of(5)]);
        assert_eq!((totals.of(&a.nlri), totals.of(&b.nlri)), (of(3), of(5)));
        totals.replaced(&[b.clone(), c.clone()]);
        assert_eq!((totals.of(&b.nlri), totals.before(&b.nlri)), (of(5), of(5)));
        totals.read(&[b.clone(), c.clone()], &[of(10), of(1)]);
        assert_eq!((totals.of(&b.nlri), totals.of(&c.nlri)), (of(15), of(1)));
        // It was withdrawn: a new one with its name starts anew.
        assert_eq!(totals.of(&a.nlri), of(0));
    }
}
