//! The text form by example.

use sark_flowspec::{ActionError, Afi, Nlri, Rate, RouteTarget};

#[track_caller]
fn prints(afi: Afi, text: &str, printed: &str) {
    assert_eq!(Nlri::parse(afi, text).unwrap().to_string(), printed);
}

#[test]
fn reads_and_prints_the_same() {
    for text in [
        "dst 192.0.2.0/24 proto =6 dport =443|>=8000&<=8100",
        "dst 0.0.0.0/0",
        "src 192.0.2.1/32 icmp-type =8 icmp-code =0",
        "port !=25|<1024|>1|<=2|>=3|true|false",
        "tcp-flags =2&!=16|18|!1",
        "length >=1000 dscp =46 fragment 2|4",
    ] {
        prints(Afi::Ipv4, text, text);
    }
    for text in ["dst 2001:db8::/32 flow-label =74565", "src ::1234:5678:9a00:0/104-64", "dst ::/0"]
    {
        prints(Afi::Ipv6, text, text);
    }
}

/// Any order, any spaces, hexadecimal numbers; nothing else is wider than what is printed.
#[test]
fn reads_a_little_more_than_it_prints() {
    prints(Afi::Ipv4, "  proto  =6\tdst 10.0.0.0/8\n", "dst 10.0.0.0/8 proto =6");
    prints(Afi::Ipv4, "tcp-flags =0x12 port =0x50", "port =80 tcp-flags =18");
    prints(Afi::Ipv6, "dst 2001:DB8:0::/32", "dst 2001:db8::/32");
    prints(Afi::Ipv6, "dst 2001:db8::/32-0", "dst 2001:db8::/32");
}

#[test]
fn errors_say_where_and_what() {
    let keywords = "one of dst src proto port dport sport icmp-type icmp-code tcp-flags length \
                    dscp fragment";
    let number = "a comparison such as =6, !=6, <6, <=6, >6 or >=6";
    let prefix = "an IPv4 prefix such as 192.0.2.0/24";
    for (text, at, expected, found) in [
        ("", 0, keywords, "the end"),
        ("DST 192.0.2.0/24", 0, keywords, "`DST`"),
        ("proto =6 flow-label =1", 9, "", ""),
        ("proto =6 destination", 9, keywords, "`destination`"),
        ("proto", 5, number, "the end"),
        ("proto 6", 6, number, "`6`"),
        ("proto tcp", 6, number, "`tcp`"),
        ("proto =", 7, "a number", "the end"),
        ("proto =x", 7, "a number", "`x`"),
        ("proto =99999999999999999999", 7, "a number", "`99999999999999999999`"),
        ("proto =6,=17", 8, "`|`, `&` or a space", "`,=17`"),
        ("proto =6| =17", 9, number, "`=17`"),
        ("tcp-flags syn", 10, "bits such as 2 (any of them) or =18 (all), `!` to invert", "`syn`"),
        ("dst 192.0.2.0", 4, prefix, "`192.0.2.0`"),
        ("dst 192.0.2.0/33", 4, prefix, "`192.0.2.0/33`"),
        ("dst 192.0.2.0/+4", 4, prefix, "`192.0.2.0/+4`"),
        ("dst 2001:db8::/32", 4, prefix, "`2001:db8::/32`"),
        ("dst", 3, prefix, "the end"),
    ] {
        let error = Nlri::parse(Afi::Ipv4, text).unwrap_err();
        assert_eq!(error.at(), at, "{text}: {error}");
        if !expected.is_empty() {
            assert_eq!(
                error.to_string(),
                format!("at offset {at}: expected {expected}, found {found}")
            );
        }
    }
}

#[test]
fn values_are_checked_where_they_stand() {
    for (afi, text, error) in [
        (
            Afi::Ipv4,
            "proto =6 dport =65536",
            "at offset 15: dport: 65536 is out of range; the largest is 65535",
        ),
        (Afi::Ipv4, "dscp =64", "at offset 5: dscp: 64 is out of range; the largest is 63"),
        (
            Afi::Ipv6,
            "fragment 1",
            "at offset 9: fragment: 1 has bits that the field does not have; all it has is 14",
        ),
        (
            Afi::Ipv4,
            "dst 192.0.2.1/24",
            "at offset 4: dst 192.0.2.1/24 has bits set outside its length; write 192.0.2.0/24",
        ),
        (
            Afi::Ipv6,
            "dst ::1/64-64",
            "at offset 4: dst: length 64 and offset 64; needs offset < length <= 128",
        ),
        (
            Afi::Ipv4,
            "proto =6 proto =17",
            "at offset 9: proto is there twice; join the values with `|`",
        ),
        (Afi::Ipv4, "flow-label =1", "at offset 0: flow-label does not fit an ipv4 rule"),
    ] {
        assert_eq!(Nlri::parse(afi, text).unwrap_err().to_string(), error);
    }
    let long = format!("port {}=443", "=443|".repeat(1400));
    let error = Nlri::parse(Afi::Ipv4, &long).unwrap_err();
    assert!(error.to_string().contains("at most 4095 fit"), "{error}");
}

#[test]
fn rates_are_finite_and_not_negative() {
    assert_eq!(Rate::new(-1.0), Err(ActionError::NegativeRate));
    assert_eq!(Rate::new(f32::NAN), Err(ActionError::RateNotFinite));
    assert_eq!(Rate::new(f32::INFINITY), Err(ActionError::RateNotFinite));
    assert_eq!(Rate::new(-0.0).unwrap().get().to_bits(), 0);
    assert_eq!(Rate::new(0.5).unwrap().to_string(), "0.5");
}

#[test]
fn route_targets() {
    for (text, target) in [
        ("65001:100", RouteTarget::As2 { asn: 65001, value: 100 }),
        ("65535:4294967295", RouteTarget::As2 { asn: 65535, value: u32::MAX }),
        ("65536:1", RouteTarget::As4 { asn: 65536, value: 1 }),
        ("65001L:1", RouteTarget::As4 { asn: 65001, value: 1 }),
        ("192.0.2.1:7", RouteTarget::Ipv4 { address: [192, 0, 2, 1].into(), value: 7 }),
    ] {
        assert_eq!(text.parse::<RouteTarget>(), Ok(target));
        assert_eq!(target.to_string(), text);
    }
    for text in ["", "65001", "65001:", ":1", "65536:65536", "192.0.2.1:65536", "+1:1", "1:1:1"] {
        let error = text.parse::<RouteTarget>().unwrap_err();
        assert!(error.to_string().contains("a route target such as 65001:100"), "{error}");
    }
}
