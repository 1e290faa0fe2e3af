//! What the decoder refuses, what it ignores, what it keeps.

use sark_flowspec::{Afi, Component, ComponentType, DecodeError, Nlri, Width};

use crate::vectors::hex;

#[track_caller]
fn refused(afi: Afi, octets: &str, why: DecodeError) {
    assert_eq!(Nlri::decode(afi, &hex(octets)), Err(why));
}

#[track_caller]
fn reads_as(afi: Afi, octets: &str, normal: &str) {
    assert_eq!(Nlri::decode(afi, &hex(octets)).unwrap().encode(), hex(normal));
}

/// RFC 8955 section 4.1.
#[test]
fn lengths() {
    use DecodeError::{Empty, LongLength, NoLength, Trailing, Truncated};
    refused(Afi::Ipv4, "", NoLength);
    refused(Afi::Ipv4, "f1", NoLength);
    refused(Afi::Ipv4, "00", Empty);
    refused(Afi::Ipv4, "03 0381", Truncated { length: 3, present: 2 });
    refused(Afi::Ipv4, "f0f0 038106", Truncated { length: 240, present: 3 });
    refused(Afi::Ipv4, "03 038106 ff", Trailing { extra: 1 });
    refused(Afi::Ipv4, "f003 038106", LongLength { length: 3 });
    refused(Afi::Ipv4, "f0ef 038106", LongLength { length: 239 });
}

#[test]
fn longest_short_and_shortest_long_length() {
    for (items, header) in [(119, "ef"), (2047, "ffff")] {
        let body = format!("03 {} 8106", "0106".repeat(items - 1));
        let octets = hex(&format!("{header} {body}"));
        assert_eq!(octets.len(), header.len() / 2 + 1 + 2 * items);
        assert_eq!(Nlri::decode(Afi::Ipv4, &octets).unwrap().encode(), octets);
    }
    let body = format!("03 {} 11 0006 8106", "0106".repeat(117));
    let octets = hex(&format!("f0f0 {body}"));
    assert_eq!(octets.len(), 242);
    assert_eq!(Nlri::decode(Afi::Ipv4, &octets).unwrap().encode(), octets);
}

/// RFC 8955 section 4.2: ascending types, each at most once, none unknown.
#[test]
fn types() {
    use ComponentType::{FlowLabel, Port, Protocol};
    use DecodeError::{Repeated, UnknownType, Unordered, WrongFamily};
    refused(Afi::Ipv4, "03 008106", UnknownType { at: 1, octet: 0 });
    refused(Afi::Ipv6, "06 038106 0e8101", UnknownType { at: 4, octet: 14 });
    refused(Afi::Ipv4, "06 038106 0d8101", WrongFamily { at: 4, kind: FlowLabel });
    refused(Afi::Ipv4, "06 048119 038106", Unordered { at: 4, kind: Protocol, after: Port });
    refused(Afi::Ipv4, "06 038106 038111", Repeated { at: 4, kind: Protocol });
}

#[test]
fn components_that_end_early() {
    use ComponentType::{Destination, Port, Protocol};
    use DecodeError::CutOff;
    refused(Afi::Ipv4, "01 01", CutOff { at: 2, kind: Destination });
    refused(Afi::Ipv4, "04 0118c000", CutOff { at: 5, kind: Destination });
    refused(Afi::Ipv6, "02 0120", CutOff { at: 3, kind: Destination });
    refused(Afi::Ipv4, "01 03", CutOff { at: 2, kind: Protocol });
    refused(Afi::Ipv4, "02 0381", CutOff { at: 3, kind: Protocol });
    refused(Afi::Ipv4, "03 049100", CutOff { at: 4, kind: Port });
    // No end-of-list bit: the next octets are read as items.
    refused(Afi::Ipv4, "03 030106", CutOff { at: 4, kind: Protocol });
}

/// RFC 8955 section 4.2.2.1, RFC 8956 section 3.1.
#[test]
fn prefixes() {
    use ComponentType::{Destination, Source};
    use DecodeError::{PrefixLength, PrefixOffset};
    refused(
        Afi::Ipv4,
        "07 01 21 c000020100",
        PrefixLength { at: 2, kind: Destination, length: 33, max: 32 },
    );
    refused(Afi::Ipv6, "03 028100", PrefixLength { at: 2, kind: Source, length: 129, max: 128 });
    let offset = |length, offset| PrefixOffset { at: 2, kind: Source, length, offset };
    refused(Afi::Ipv6, "03 024040", offset(64, 64));
    refused(Afi::Ipv6, "03 024041", offset(64, 65));
    refused(Afi::Ipv6, "03 020001", offset(0, 1));
    reads_as(Afi::Ipv6, "03 020000", "03 020000");
    reads_as(Afi::Ipv6, "04 02807f01", "04 02807f00");
    reads_as(Afi::Ipv6, "04 02807f80", "04 02807f80");
}

/// RFC 8955 sections 4.2.2.9, 4.2.2.11 and 4.2.2.12 say MUST.
#[test]
fn widths_that_are_forbidden() {
    use ComponentType::{Dscp, Fragment, TcpFlags};
    use DecodeError::ValueWidth;
    let wide = |kind, octets, max| ValueWidth { at: 2, kind, octets, max };
    refused(Afi::Ipv4, "06 09a100000002", wide(TcpFlags, 4, 2));
    refused(Afi::Ipv4, "04 0b91002e", wide(Dscp, 2, 1));
    refused(Afi::Ipv4, "04 0c910002", wide(Fragment, 2, 1));
}

/// Types 3 to 8, 10 and 13 say SHOULD: any width is read, kept, and shortened by `canonical`.
#[test]
fn widths_that_are_kept() {
    for (long, short) in [
        ("0a 03b1 0000000000000006", "03 038106"),
        ("06 05a1 000001bb", "04 059101bb"),
        ("04 0591 0050", "03 058150"),
        ("04 0d91 0050", "06 0da100000050"),
        ("04 0991 0002", "03 098102"),
    ] {
        let nlri = Nlri::decode(Afi::Ipv6, &hex(long)).unwrap();
        assert_eq!(nlri.encode(), hex(long));
        assert_eq!(nlri.canonical().encode(), hex(short));
    }
    let nlri = Nlri::decode(Afi::Ipv4, &hex("06 05a1 000001bb")).unwrap();
    let Some(Component::DestinationPort(items)) = nlri.get(ComponentType::DestinationPort) else {
        panic!("no destination port in {nlri}");
    };
    assert_eq!((items[0].value, items[0].width), (443, Width::Four));
}

/// Bits that a receiver ignores are zero in what is encoded.
#[test]
fn ignored_bits() {
    // Pad bits of a prefix.
    reads_as(Afi::Ipv4, "03 0104ff", "03 0104f0");
    reads_as(Afi::Ipv6, "04 010400ff", "04 010400f0");
    // Reserved operator bits: 0x08 of numbers, 0x0c of bitmasks.
    reads_as(Afi::Ipv4, "03 038906", "03 038106");
    reads_as(Afi::Ipv4, "03 098d02", "03 098102");
    // The AND bit of a first item (RFC 8955 section 4.2.1.1), not that of a second.
    reads_as(Afi::Ipv4, "05 034306c511", "05 030306c511");
}

/// DSCP has six bits, the IPv4 fragment bitmask four, that of IPv6 three (no DF).
#[test]
fn ignored_value_bits() {
    reads_as(Afi::Ipv4, "03 0b81ee", "03 0b812e");
    reads_as(Afi::Ipv4, "03 0c80f3", "03 0c8003");
    reads_as(Afi::Ipv6, "03 0c80f3", "03 0c8002");
}
