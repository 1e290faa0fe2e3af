//! Options are checked before anything is made of them.

use sark_enforcer::{Options, Program};

fn complaint(change: impl Fn(&mut Options)) -> String {
    let mut options = Options::new(["eth0"]);
    change(&mut options);
    Program::compile(&[], &options, None).map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn names_and_numbers() {
    let vrf = || "65001:1".parse().unwrap();
    assert_eq!(complaint(|_| {}), "");
    assert_eq!(complaint(|o| o.vrf_tables = [(vrf(), 100)].into()), "");
    for (place, told) in [
        ("table", complaint(|o| o.table = "a b".to_owned())),
        ("table", complaint(|o| o.table = "t}; flush ruleset".to_owned())),
        ("table", complaint(|o| o.table = "1".to_owned())),
        ("no interface", complaint(|o| o.interfaces.clear())),
        ("interface", complaint(|o| o.interfaces = vec![String::new()])),
        ("interface", complaint(|o| o.interfaces = vec!["eth*".to_owned()])),
        ("interface", complaint(|o| o.interfaces = vec!["a\" } accept #".to_owned()])),
        ("interface", complaint(|o| o.interfaces = vec!["sixteen-letters-".to_owned()])),
        ("redirect_mask", complaint(|o| o.redirect_mask = 0)),
        ("redirect_mask", complaint(|o| o.redirect_mask = 0b101)),
        ("redirect_mask and dscp_mask", complaint(|o| o.redirect_mask = 0x0f00_0000)),
        ("dscp_mask", complaint(|o| o.dscp_mask = 0xff00_0000)),
        ("routing table 255 of 65001:1", complaint(|o| o.vrf_tables = [(vrf(), 255)].into())),
        ("routing table 830001 of", complaint(|o| o.vrf_tables = [(vrf(), 830_001)].into())),
        ("first_table", complaint(|o| o.first_table = 100)),
        ("first_table", complaint(|o| o.first_table = u32::MAX)),
        ("preference", complaint(|o| o.preference = 0)),
        ("preference", complaint(|o| o.preference = 32_765)),
        ("protocol", complaint(|o| o.protocol = 4)),
    ] {
        assert!(told.starts_with(place), "{place}: {told:?}");
    }
}
