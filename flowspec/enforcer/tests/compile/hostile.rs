//! Whatever a peer sends comes to a program or to a refusal.

use proptest::prelude::*;
use sark_enforcer::{Options, Program, Rule};
use sark_flowspec::{Afi, Nlri};

use crate::paths::{octets, path};

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_paths_compile(
        paths in proptest::collection::vec(prop_oneof![path(Afi::Ipv4), path(Afi::Ipv6)], 0..12),
        merged: bool,
    ) {
        let rules: Vec<Rule> = paths.iter().filter_map(|path| Rule::observed(path).ok()).collect();
        let mut options = Options::new(["eth0"]);
        options.merged_segments = merged;
        let program = Program::compile(&rules, &options, None).unwrap();
        for placed in program.rules() {
            let refused = program.refusals().iter().any(|refusal| refusal.nlri == placed.nlri);
            prop_assert_eq!(placed.enforced, !refused);
        }
        let again = Program::compile(&rules, &options, Some(&program)).unwrap();
        prop_assert_eq!(again, program);
    }
}

/// Most of the octets above are rules.
#[test]
fn the_octets_are_worth_it() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for afi in [Afi::Ipv4, Afi::Ipv6] {
        let strategy = octets(afi);
        let decoded = (0..500)
            .filter(|_| {
                Nlri::decode(afi, &strategy.new_tree(&mut runner).unwrap().current()).is_ok()
            })
            .count();
        assert!(decoded > 250, "{afi}: only {decoded} of 500 are rules");
    }
}
