//! Hundreds of rules of each kind: they load, act and count. `cargo xtask bench enforcer` measures
//! ten thousand.

use sark_enforcer::{Kernel, Program, Rule};
use sark_flowspec::{Action, Nlri, Rate};

use crate::namespace::{in_namespace, wait};
use crate::sets::sets;
use crate::topology::{Out, Topology, options, syn};

const MOST: u32 = 300;

#[test]
fn hundreds_of_rules_of_each_kind() {
    in_namespace(|| {
        let topology = Topology::new();
        let kernel = Kernel::default();
        for (number, mut set) in (0..).zip(sets()) {
            set.count = set.count.min(MOST);
            let mut rules = set.rules();
            // The last in order, and the only one that the packet meets.
            let all = Nlri::parse(set.afi, "proto =6 dport =443").unwrap();
            let drop = Action::TrafficRateBytes { asn: 0, rate: Rate::DROP };
            rules.push(Rule::new(all.clone(), vec![drop]));
            let program = Program::compile(&rules, &options(), None).unwrap();
            assert_eq!(program.refusals(), [], "{}", set.name);
            wait(kernel.apply(&program)).unwrap();
            let mut other = syn(set.afi);
            other.destination_port = Some(81);
            topology.send(&syn(set.afi), number);
            topology.send(&other, number + 1000);
            let came = topology.until(number + 1000);
            let outs: Vec<_> = came.iter().map(|(out, marker, _)| (*out, *marker)).collect();
            assert_eq!(outs, [(Out::Server, number + 1000)], "{}", set.name);
            let counters = wait(kernel.counters(&program)).unwrap();
            for (rule, counter) in program.rules().iter().zip(counters) {
                let expected = u64::from(rule.nlri == all);
                assert_eq!(counter.packets, expected, "{}: {}", set.name, rule.nlri);
            }
        }
    });
}
