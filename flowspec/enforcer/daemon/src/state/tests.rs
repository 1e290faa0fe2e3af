use sark_enforcer::Options;
use sark_flowspec::{Action, Rate};

use super::*;

fn path(afi: Afi, text: &str, action: Action) -> BestPath {
    let nlri = Nlri::parse(afi, text).unwrap();
    let observed = Observed {
        afi,
        octets: nlri.encode(),
        nlri: Ok(nlri),
        communities: vec![action.encode()],
        large_communities: Vec::new(),
        local: false,
    };
    BestPath { observed, unknown_attributes: Vec::new(), broken: None }
}

/// What is remembered gives the same table, with the same marks.
#[test]
fn a_restart_compiles_the_same_program() {
    let redirect =
        |address: &str| Action::RedirectIp { address: address.parse().unwrap(), copy: false };
    let vrf = "65001:1".parse().unwrap();
    let mut odd = path(Afi::Ipv4, "dst 10.0.0.3/32", redirect("192.0.2.3"));
    odd.unknown_attributes.push(23);
    let heard = Heard::of(vec![
        path(Afi::Ipv4, "dst 10.0.0.1/32", redirect("192.0.2.1")),
        path(Afi::Ipv6, "dst 2001:db8::1/128", redirect("2001:db8::9")),
        path(Afi::Ipv4, "dport =80", Action::RedirectVrf(vrf)),
        path(Afi::Ipv4, "dport =81", Action::TrafficRateBytes { asn: 0, rate: Rate::DROP }),
        odd,
    ]);
    let mut options = Options::new(["eth0"]);
    options.vrf_tables.insert(vrf, 101);
    // Other marks than a first program would give.
    let other = Heard::of(vec![path(Afi::Ipv4, "dport =1", redirect("192.0.2.7"))]);
    let before = Program::compile(&other.rules(), &options, None).unwrap();
    let program = Program::compile(&heard.rules(), &options, Some(&before)).unwrap();
    let mut totals = Totals::default();
    let five = Counter { packets: 5, bytes: 500 };
    totals.read(program.rules(), &vec![five; program.rules().len()]);
    totals.replaced(program.rules());

    let directory = tempfile::tempdir().unwrap();
    let directory = Directory::new(&directory.path().join("state"));
    let lock = directory.lock().unwrap();
    assert_eq!(directory.load().unwrap(), None);
    let stored = Stored::of(&program, &heard, &totals, &BTreeMap::new());
    directory.store(&stored).unwrap();
    let loaded = directory.load().unwrap().unwrap();
    assert_eq!(loaded, stored);
    assert_eq!(loaded.paths(), heard.paths);
    assert_eq!(loaded.totals(), totals);
    let again = Heard { paths: loaded.paths(), unread: Vec::new() };
    let again = Program::compile_after(&again.rules(), &options, &loaded.redirects()).unwrap();
    assert_eq!(again, program);
    assert_eq!(loaded.refused.len(), 1);

    let taken = directory.lock().unwrap_err().to_string();
    assert!(taken.contains(&std::process::id().to_string()), "{taken}");
    drop(lock);
    directory.lock().unwrap();
    directory.clear().unwrap();
    directory.clear().unwrap();
    assert_eq!(directory.load().unwrap(), None);
}
