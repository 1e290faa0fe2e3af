//! The canonical form by example; the properties are in `properties`.

use sark_flowspec::{Afi, BitmaskItem, Component, Nlri, NumericItem, NumericOp};

use crate::vectors::hex;

#[track_caller]
fn becomes(text: &str, canonical: &str) {
    let nlri = Nlri::parse(Afi::Ipv6, text).unwrap();
    assert_eq!(nlri.canonical().to_string(), canonical);
}

#[test]
fn values_are_sorted_and_joined() {
    becomes("proto =17|=6", "proto =6|=17");
    becomes("port =443|=80|=443", "port =80|=443");
    becomes("port =81|=80", "port >=80&<=81");
    becomes("port >=100&<=200|>=150&<=300", "port >=100&<=300");
    becomes("port >=100&<=200|=201", "port >=100&<=201");
    becomes("port >79&<81", "port =80");
}

#[test]
fn bounds_of_the_field_are_known() {
    becomes("port <1024", "port <=1023");
    becomes("port <=0", "port =0");
    becomes("port >=65535", "port =65535");
    becomes("port >=1024&<=65535", "port >=1024");
    becomes("dscp >=0&<=63", "dscp >=0");
    becomes("flow-label >1048574", "flow-label =1048575");
}

#[test]
fn not_equal_becomes_what_every_receiver_takes() {
    becomes("proto !=6", "proto <=5|>=7");
    becomes("proto !=0", "proto >=1");
    becomes("proto !=255", "proto <=254");
    becomes("proto !=6&!=17&>4", "proto =5|>=7&<=16|>=18");
    becomes("proto !=17&!=6&!=17", "proto <=5|>=7&<=16|>=18");
    becomes("proto !=6|!=17", "proto >=0");
}

#[test]
fn always_and_never() {
    becomes("proto true", "proto >=0");
    becomes("proto false", "proto <0");
    becomes("proto false|=6", "proto =6");
    becomes("proto true&=6", "proto =6");
    becomes("proto =6&=17", "proto <0");
    becomes("length >65535", "length <0");
    becomes("tcp-flags =0", "tcp-flags =0");
    becomes("tcp-flags !0", "tcp-flags =0");
    becomes("tcp-flags 2|!=0", "tcp-flags 2");
    becomes("tcp-flags !=0", "tcp-flags 0");
    becomes("tcp-flags 0&2", "tcp-flags 0");
}

#[test]
fn bitmasks_are_sorted_and_said_once() {
    becomes("tcp-flags 16|2|16", "tcp-flags 2|16");
    becomes("tcp-flags !16&=2", "tcp-flags =2&!16");
    becomes("tcp-flags !16&2|2&!16", "tcp-flags 2&!16");
    becomes("fragment 4|2&=0", "fragment 2|4");
}

/// Values that no packet can have are legal octets and do not survive.
#[test]
fn values_beyond_the_field() {
    for (octets, canonical) in [
        ("06 05a1 00011170", "dport <0"),
        ("06 05a5 00011170", "dport >=0"),
        ("06 05a2 00011170", "dport <0"),
        ("06 05a6 00011170", "dport >=0"),
        ("08 05a1 00011170 ", "dport <0"),
        ("04 0991 1002", "tcp-flags 0"),
        ("04 0990 1002", "tcp-flags 2"),
        ("04 0993 1002", "tcp-flags =0"),
    ] {
        let mut octets = hex(octets);
        octets[0] = octets.len() as u8 - 1;
        let nlri = Nlri::decode(Afi::Ipv4, &octets).unwrap();
        assert_eq!(nlri.canonical().to_string(), canonical, "{nlri}");
    }
}

/// 1000 excluded ports leave ranges of over 4095 octets: the rule keeps its own items.
#[test]
fn ranges_that_do_not_fit() {
    let item = |port| NumericItem::new(NumericOp::NotEqual, port);
    let mut items = vec![item(1000)];
    items.extend((1..1000).map(|step| item(1000 + 3 * step).and()));
    let flags = vec![BitmaskItem::any(2), BitmaskItem::any(2)];
    let nlri = Nlri::new(Afi::Ipv4, vec![Component::Port(items), Component::TcpFlags(flags)]);
    let canonical = nlri.unwrap().canonical();
    assert_eq!(canonical.body_len(), 1 + 3 * 1000 + 1 + 2);
    assert!(canonical.to_string().starts_with("port !=1000&!=1003&"));
    assert!(canonical.to_string().ends_with(" tcp-flags 2"));
    assert_eq!(canonical.canonical(), canonical);
}
