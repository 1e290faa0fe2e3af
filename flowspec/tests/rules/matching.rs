//! What rules match, by example (RFC 8955 section 4.2.2, RFC 8956 section 3).

use sark_flowspec::{Afi, Fragment, Nlri, Packet};

#[track_caller]
fn matches(text: &str, packet: &Packet) -> bool {
    let afi = if packet.source.is_ipv4() { Afi::Ipv4 } else { Afi::Ipv6 };
    Nlri::parse(afi, text).unwrap().matches(packet)
}

fn tcp() -> Packet {
    Packet::parse("tcp 192.0.2.1:51000 > 203.0.113.5:443").unwrap()
}

fn fragment(text: &str, packet: Packet) -> Packet {
    Packet { fragment: text.parse().unwrap(), ..packet }
}

#[test]
fn all_components_must_match() {
    assert!(matches("dst 203.0.113.0/24 src 192.0.2.1/32 proto =6 dport =443", &tcp()));
    assert!(!matches("dst 203.0.113.0/24 src 192.0.2.2/32 proto =6 dport =443", &tcp()));
    assert!(!matches("dst 203.0.113.0/24 proto =6 sport =443", &tcp()));
}

#[test]
fn families_are_apart() {
    let six = Packet::parse("tcp [2001:db8::1]:1 > [2001:db8::2]:2").unwrap();
    assert!(Nlri::parse(Afi::Ipv6, "proto =6").unwrap().matches(&six));
    assert!(!Nlri::parse(Afi::Ipv4, "proto =6").unwrap().matches(&six));
    assert!(!Nlri::parse(Afi::Ipv6, "proto =6").unwrap().matches(&tcp()));
}

#[test]
fn port_is_source_or_destination() {
    assert!(matches("port =443", &tcp()));
    assert!(matches("port =51000", &tcp()));
    assert!(!matches("port =80", &tcp()));
    // One port must meet the whole expression, not each port a part of it.
    assert!(!matches("port >443&<51000", &tcp()));
}

#[test]
fn fields_of_other_protocols_are_absent() {
    let gre = Packet::parse("gre 192.0.2.1 > 203.0.113.5").unwrap();
    let claims = Packet { destination_port: Some(443), tcp_flags: Some(2), ..gre.clone() };
    for text in ["dport =443", "dport !=443", "dport true", "tcp-flags 2", "tcp-flags !2"] {
        assert!(!matches(text, &gre), "{text}");
        assert!(!matches(text, &claims), "{text}");
    }
    let udp = Packet::parse("udp 192.0.2.1:53 > 203.0.113.5:53").unwrap();
    assert!(!matches("icmp-type >=0", &udp));
    assert!(!matches("icmp-code >=0", &tcp()));
}

#[test]
fn later_fragments_have_no_ports_types_or_flags() {
    let ping = Packet::parse("icmp 192.0.2.1 > 203.0.113.5").unwrap();
    for (text, packet) in [
        ("dport =443", tcp()),
        ("sport >0", tcp()),
        ("port true", tcp()),
        ("tcp-flags 2", tcp()),
        ("icmp-type =8", ping.clone()),
        ("icmp-code =0", ping),
    ] {
        assert!(matches(text, &packet), "{text}");
        assert!(matches(text, &fragment("first", packet.clone())), "{text}");
        assert!(!matches(text, &fragment("middle", packet.clone())), "{text}");
        assert!(!matches(text, &fragment("last", packet)), "{text}");
    }
}

#[test]
fn icmp_is_the_family_s_own() {
    let ping = Packet::parse("icmp 2001:db8::1 > 2001:db8::2 type 128 code 0").unwrap();
    assert!(matches("icmp-type =128", &ping));
    assert!(!matches("icmp-type =128", &Packet { protocol: 1, ..ping }));
}

#[test]
fn fragment_bits() {
    for (fragmented, bits) in [("none", 0), ("dont", 1), ("first", 4), ("middle", 2), ("last", 10)]
    {
        let packet = fragment(fragmented, tcp());
        for bit in [1, 2, 4, 8] {
            let expected = bits & bit != 0;
            assert_eq!(
                matches(&format!("fragment {bit}"), &packet),
                expected,
                "{fragmented} {bit}"
            );
        }
    }
    let six = Packet::parse("tcp [2001:db8::1]:1 > [2001:db8::2]:2").unwrap();
    let packet = Packet { fragment: Fragment { dont: true, ..Fragment::default() }, ..six };
    assert!(!matches("fragment 14", &packet));
    assert!(matches("fragment !14", &packet));
}

#[test]
fn tcp_flags() {
    let syn_ack = Packet { tcp_flags: Some(0x12), ..tcp() };
    for (text, expected) in [
        ("tcp-flags 2", true),
        ("tcp-flags 6", true),
        ("tcp-flags =6", false),
        ("tcp-flags =18", true),
        ("tcp-flags !=18", false),
        ("tcp-flags !4", true),
        ("tcp-flags 2&!16", false),
        ("tcp-flags 4|2", true),
        ("tcp-flags =0", true),
        ("tcp-flags 0", false),
        ("tcp-flags 3840", false),
        ("tcp-flags !3840", true),
    ] {
        assert_eq!(matches(text, &syn_ack), expected, "{text}");
    }
    // The data offset is read as zero.
    assert!(!matches("tcp-flags 256", &Packet { tcp_flags: Some(0xf012), ..tcp() }));
}

#[test]
fn numbers() {
    for (text, expected) in [
        ("length =40", true),
        ("length !=40", false),
        ("length <40", false),
        ("length <=40", true),
        ("length >40", false),
        ("length >=40", true),
        ("length true", true),
        ("length false", false),
        ("length =1|=40", true),
        ("length =40&=1", false),
        ("length =1|=40&>39|=2", true),
        ("length =40|=1&=2", true),
    ] {
        assert_eq!(matches(text, &tcp()), expected, "{text}");
    }
}

#[test]
fn dscp_and_flow_label() {
    assert!(matches("dscp =46", &Packet { dscp: 46, ..tcp() }));
    assert!(matches("dscp =46", &Packet { dscp: 0xc0 | 46, ..tcp() }));
    let six = Packet::parse("tcp [2001:db8::1]:1 > [2001:db8::2]:2").unwrap();
    assert!(matches("flow-label =7", &Packet { flow_label: Some(7), ..six.clone() }));
    assert!(!matches("flow-label true", &Packet { flow_label: None, ..six }));
}

#[test]
fn offset_prefixes() {
    let to = |address: &str| Packet::parse(&format!("gre 2001:db8::1 > {address}")).unwrap();
    let rule = "dst ::1234:5678:9a00:0/104-64";
    assert!(matches(rule, &to("2001:db8:ffff:1:1234:5678:9aff:ffff")));
    assert!(!matches(rule, &to("2001:db8:ffff:1:1234:5678:9b00:0")));
    assert!(matches("dst ::/0", &to("::1")));
}
