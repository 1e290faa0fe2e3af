//! Packets as text.

use sark_flowspec::{Fragment, Packet, parse_tcp_flags};

#[test]
fn tcp() {
    let packet = Packet::parse("tcp 10.20.3.4:51000 > 160.79.104.10:443").unwrap();
    assert_eq!(
        packet,
        Packet {
            source: "10.20.3.4".parse().unwrap(),
            destination: "160.79.104.10".parse().unwrap(),
            protocol: 6,
            source_port: Some(51000),
            destination_port: Some(443),
            icmp_type: None,
            icmp_code: None,
            tcp_flags: Some(2),
            length: 40,
            dscp: 0,
            fragment: Fragment::default(),
            flow_label: None,
        }
    );
}

#[test]
fn other_protocols() {
    let udp = Packet::parse(" 17  [2001:db8::1]:5 >  [2001:db8::2]:53 ").unwrap();
    assert_eq!((udp.protocol, udp.source_port, udp.destination_port), (17, Some(5), Some(53)));
    assert_eq!((udp.tcp_flags, udp.length, udp.flow_label), (None, 48, Some(0)));
    let ping = Packet::parse("icmp 10.0.0.1 > 10.0.0.2 type 3 code 4").unwrap();
    assert_eq!((ping.protocol, ping.icmp_type, ping.icmp_code), (1, Some(3), Some(4)));
    let ping = Packet::parse("icmp 2001:db8::1 > 2001:db8::2").unwrap();
    assert_eq!((ping.protocol, ping.icmp_type, ping.icmp_code), (58, Some(128), Some(0)));
    let gre = Packet::parse("gre 10.0.0.1 > 10.0.0.2").unwrap();
    assert_eq!((gre.protocol, gre.source_port, gre.length), (47, None, 20));
}

#[test]
fn errors_say_where_and_what() {
    for (text, error) in [
        (
            "",
            "at offset 0: expected 192.0.2.1, 192.0.2.1:443, 2001:db8::1 or [2001:db8::1]:443, found the end",
        ),
        (
            "tpc 10.0.0.1:1 > 10.0.0.2:2",
            "at offset 0: expected a protocol: tcp, udp, icmp, icmpv6, igmp, gre, esp, ah, ospf, \
             sctp or a number up to 255, found `tpc`",
        ),
        (
            "tcp 10.0.0.1 > 10.0.0.2:2",
            "at offset 4: expected ADDRESS:PORT on both sides, found `10.0.0.1`",
        ),
        (
            "gre 10.0.0.1:7 > 10.0.0.2",
            "at offset 4: expected addresses without ports, found `10.0.0.1:7`",
        ),
        (
            "tcp 10.0.0.1:1 10.0.0.2:2",
            "at offset 15: expected `>` between source and destination, found `10.0.0.2:2`",
        ),
        (
            "tcp 10.0.0.1:1 > [2001:db8::1]:2",
            "at offset 17: expected an IPv4 address, as the source is, found `[2001:db8::1]:2`",
        ),
        ("tcp 10.0.0.1:1 > 10.0.0.2:2 now", "at offset 28: expected the end, found `now`"),
        (
            "icmp 10.0.0.1 > 10.0.0.2 type 300",
            "at offset 30: expected a number up to 255, found `300`",
        ),
    ] {
        assert_eq!(Packet::parse(text).unwrap_err().to_string(), error, "{text}");
    }
    for text in ["tcp 10.0.0.1:65536 > 10.0.0.2:1", "tcp 10.0.0.1:+1 > 10.0.0.2:1"] {
        assert!(Packet::parse(text).is_err());
    }
}

#[test]
fn flags() {
    for (text, flags) in [("syn,ack", 0x12), ("none", 0), ("18", 18), ("0xfff", 0xfff), ("fin", 1)]
    {
        assert_eq!(parse_tcp_flags(text), Ok(flags));
    }
    for (text, at) in [("", 0), ("syn,", 4), ("syn, ack", 4), ("4096", 0), ("18x", 0)] {
        assert_eq!(parse_tcp_flags(text).unwrap_err().at(), at, "{text}");
    }
}

#[test]
fn fragments() {
    let last: Fragment = "last".parse().unwrap();
    assert_eq!(last, Fragment { dont: false, more: false, offset: true });
    assert!("first".parse::<Fragment>().unwrap().more);
    assert_eq!(
        "whole".parse::<Fragment>().unwrap_err().to_string(),
        "at offset 0: expected none, dont, first, middle or last, found `whole`"
    );
}
