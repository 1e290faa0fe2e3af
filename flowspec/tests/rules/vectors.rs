//! Golden vectors: octets, text and actions that other implementations agree on.

use sark_flowspec::{Action, Afi, ExtendedCommunity, Nlri, Rate, RouteTarget};

pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[track_caller]
fn both_ways(afi: Afi, octets: &str, text: &str) {
    let octets = hex(octets);
    let read = Nlri::decode(afi, &octets).unwrap();
    assert_eq!(read.to_string(), text);
    assert_eq!(read.encode(), octets);
    assert_eq!(Nlri::parse(afi, text).unwrap(), read);
}

/// RFC 8955 section 4.3, first example: packets to 192.0.2.0/24 and TCP port 25.
#[test]
fn rfc8955_smtp() {
    both_ways(Afi::Ipv4, "0b 0118c00002 038106 048119", "dst 192.0.2.0/24 proto =6 port =25");
}

/// RFC 8955 section 4.3, second example: from 203.0.113.0/24, ports 137 to 139 or 8080.
#[test]
fn rfc8955_port_list() {
    both_ways(
        Afi::Ipv4,
        "12 0118c00002 0218cb0071 04 0389 458b 911f90",
        "dst 192.0.2.0/24 src 203.0.113.0/24 port >=137&<=139|=8080",
    );
}

/// RFC 8955 section 4.3, third example: don't-fragment or first fragments.
#[test]
fn rfc8955_fragments() {
    both_ways(Afi::Ipv4, "09 0120c0000201 0c8005", "dst 192.0.2.1/32 fragment 5");
}

/// RFC 8956 section 3.8.1, first example: to 2001:db8::/32 from a source whose bits 64 to 104
/// are 0x123456789a, TCP.
#[test]
fn rfc8956_offset_on_an_octet() {
    both_ways(
        Afi::Ipv6,
        "12 012000 20010db8 026840 123456789a 038106",
        "dst 2001:db8::/32 src ::1234:5678:9a00:0/104-64 proto =6",
    );
}

/// RFC 8956 section 3.8.1, second example: offset 65, so the pattern is shifted by one bit and
/// has one pad bit.
#[test]
fn rfc8956_offset_inside_an_octet() {
    both_ways(
        Afi::Ipv6,
        "12 012000 20010db8 026841 2468acf134 038106",
        "dst 2001:db8::/32 src ::1234:5678:9a00:0/104-65 proto =6",
    );
}

/// Offset 60 and 44 bits: four pad bits.
#[test]
fn offset_inside_a_hextet() {
    both_ways(Afi::Ipv6, "09 02683c 112345678980", "src ::1:1234:5678:9800:0/104-60");
}

/// As FRR 8.4 and GoBGP 3.10 exchange them.
#[test]
fn seen_on_the_wire() {
    both_ways(
        Afi::Ipv4,
        "0d 0120cb007158 038106 059101bb",
        "dst 203.0.113.88/32 proto =6 dport =443",
    );
    both_ways(Afi::Ipv6, "13 018000 20010db8000000000000000000000009", "dst 2001:db8::9/128");
    both_ways(Afi::Ipv4, "06 0120cb007163", "dst 203.0.113.99/32");
}

/// Every component type; the IPv6 rule has the flow label in the four octets it should take.
#[test]
fn every_component() {
    both_ways(
        Afi::Ipv4,
        "2a 01080a 0210c000 03810b 048150 0501ff910190 06810f 078108 088100 09910102 0a9105dc \
         0b812e 0c8002",
        "dst 10.0.0.0/8 src 192.0.0.0/16 proto =11 port =80 dport =255|=400 sport =15 \
         icmp-type =8 icmp-code =0 tcp-flags =258 length =1500 dscp =46 fragment 2",
    );
    both_ways(
        Afi::Ipv6,
        "0e 010000 021000 2001 0da100012345",
        "dst ::/0 src 2001::/16 flow-label =74565",
    );
}

/// Every operator that has a meaning, AND and OR, and the ones that ignore their value.
#[test]
fn every_operator() {
    both_ways(
        Afi::Ipv4,
        "11 03 0101 0202 4303 0404 4505 0606 0000 8700",
        "proto =1|>2&>=3|<4&<=5|!=6|false|true",
    );
    both_ways(Afi::Ipv4, "09 09 0001 4102 0203 c304", "tcp-flags 1&=2|!3&!=4");
}

#[track_caller]
fn action(octets: &str, action: Action, text: &str) {
    let octets = hex(octets);
    let community = match octets.len() {
        8 => ExtendedCommunity::Basic(octets.clone().try_into().unwrap()),
        _ => ExtendedCommunity::Ipv6(octets.clone().try_into().unwrap()),
    };
    assert_eq!(action.encode(), community);
    assert_eq!(Action::decode(&community), Ok(Some(action)));
    assert_eq!(action.to_string(), text);
}

/// RFC 8955 section 7 and the redirect-to-IP draft, as GoBGP 3.10 sends them.
#[test]
fn actions() {
    let rate = |rate| Rate::new(rate).unwrap();
    action("8006000000000000", Action::TrafficRateBytes { asn: 0, rate: Rate::DROP }, "discard");
    action(
        "8006fde949742400",
        Action::TrafficRateBytes { asn: 65001, rate: rate(1e6) },
        "rate-bytes 1000000",
    );
    action(
        "800c0000447a0000",
        Action::TrafficRatePackets { asn: 0, rate: rate(1000.0) },
        "rate-packets 1000",
    );
    action(
        "8007000000000003",
        Action::TrafficAction { sample: true, terminal: true },
        "traffic-action sample,terminal",
    );
    action("8007000000000002", Action::TrafficAction { sample: true, terminal: false }, "sample");
    action("800900000000002e", Action::TrafficMarking { dscp: 46 }, "mark 46");
    action(
        "8008fde900000064",
        Action::RedirectVrf(RouteTarget::As2 { asn: 65001, value: 100 }),
        "redirect-vrf 65001:100",
    );
    action(
        "81080a0000010064",
        Action::RedirectVrf(RouteTarget::Ipv4 { address: [10, 0, 0, 1].into(), value: 100 }),
        "redirect-vrf 10.0.0.1:100",
    );
    action(
        "8208fa56ea010064",
        Action::RedirectVrf(RouteTarget::As4 { asn: 4_200_000_001, value: 100 }),
        "redirect-vrf 4200000001:100",
    );
    action(
        "010c0a6309090000",
        Action::RedirectIp { address: [10, 99, 9, 9].into(), copy: false },
        "redirect-ip 10.99.9.9",
    );
    action(
        "010c0a6309090001",
        Action::RedirectIp { address: [10, 99, 9, 9].into(), copy: true },
        "redirect-ip 10.99.9.9 copy",
    );
    action(
        "000c20010db800ff000000000000000000010000",
        Action::RedirectIp { address: "2001:db8:ff::1".parse().unwrap(), copy: false },
        "redirect-ip 2001:db8:ff::1",
    );
}
