//! Packets that come in through the interfaces that are named, and no others.

use sark_enforcer::{Kernel, Program, Rule};
use sark_flowspec::{Action, Afi, Nlri, Rate};

use crate::frame::{Shape, octets};
use crate::namespace::{in_namespace, wait};
use crate::topology::{Out, Topology, options, syn};

#[test]
fn any_of_those_that_are_named() {
    in_namespace(|| {
        let topology = Topology::new();
        let drop = Action::TrafficRateBytes { asn: 0, rate: Rate::DROP };
        let all = [
            &["in0"][..],
            &["absent", "in0"],
            &["in0", "later"],
            &["a", "b", "in0", "absent", "later", "program"],
        ];
        for (afi, names) in [Afi::Ipv4, Afi::Ipv6].into_iter().flat_map(|a| all.map(|n| (a, n))) {
            let mut options = options();
            options.interfaces = names.iter().map(ToString::to_string).collect();
            let nlri = Nlri::parse(afi, "proto =6 dport =443").unwrap();
            let program = Program::compile(&[Rule::new(nlri, vec![drop])], &options, None).unwrap();
            wait(Kernel::default().apply(&program)).unwrap();
            topology.send(&syn(afi), 1);
            topology.vrf.send(&octets(&syn(afi), Shape::default(), 2));
            let came = topology.until(2);
            let outs: Vec<_> = came.iter().map(|(out, marker, _)| (*out, *marker)).collect();
            assert_eq!(outs, [(Out::Server, 2)], "{afi} {names:?}");
            let counters = wait(Kernel::default().counters(&program)).unwrap();
            assert_eq!(counters[0].packets, 1, "{afi} {names:?}");
        }
    });
}
