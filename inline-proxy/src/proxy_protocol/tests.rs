//! Headers as they should be, and as they should not.

use proptest::prelude::*;

use super::*;

/// All that is read of these octets, and how many they are.
fn reads(octets: &[u8]) -> (Result<Header, HeaderError>, usize) {
    let mut left = octets;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let header = runtime.block_on(read(&mut left));
    (header, octets.len() - left.len())
}

fn address() -> impl Strategy<Value = SocketAddr> {
    let ip = prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(|octets| IpAddr::from(octets).to_canonical()),
    ];
    (ip, any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

proptest! {
    #[test]
    fn what_is_written_is_read(source in address(), destination in address(), rest: Vec<u8>) {
        let told = Told { source, destination };
        let mut octets = told.header();
        let length = octets.len();
        octets.extend(rest);
        let (header, read) = reads(&octets);
        prop_assert_eq!(header.unwrap(), Header::On(told));
        prop_assert_eq!(read, length, "nothing of the client's");
    }

    #[test]
    fn tlvs_are_passed_over(source in address(), destination in address(),
        tlvs in prop::collection::vec(any::<u8>(), 0..4000)) {
        let told = Told { source, destination };
        let mut octets = told.header();
        octets.extend(&tlvs);
        let length = u16::try_from(octets.len() - FIXED).unwrap();
        octets[14..16].copy_from_slice(&length.to_be_bytes());
        octets.extend(b"GET / HTTP/1.1\r\n");
        let (header, read) = reads(&octets);
        prop_assert_eq!(header.unwrap(), Header::On(told));
        prop_assert_eq!(read, octets.len() - 16);
    }

    #[test]
    fn no_part_of_one_is_one(source in address(), destination in address(), cut: prop::sample::Index) {
        let octets = Told { source, destination }.header();
        let part = &octets[..cut.index(octets.len())];
        let header = reads(part).0;
        prop_assert!(matches!(header, Err(HeaderError::Broken(_) | HeaderError::Silent)));
    }

    /// Whatever comes, it is read or refused, and memory is bounded by what a header may have.
    #[test]
    fn anything_may_come(
        mut octets in prop::collection::vec(any::<u8>(), 0..300),
        is_signed: bool, command in prop_oneof![Just(LOCAL), Just(PROXY), any::<u8>()],
        family in prop_oneof![Just(TCP4), Just(TCP6), Just(UNSPEC), any::<u8>()],
        length in prop_oneof![0_u16..64, any::<u16>()],
    ) {
        if is_signed && octets.len() >= FIXED {
            octets[..12].copy_from_slice(&SIGNATURE);
            octets[12..14].copy_from_slice(&[command, family]);
            octets[14..16].copy_from_slice(&length.to_be_bytes());
        }
        let (header, read) = reads(&octets);
        prop_assert!(read <= FIXED + MOST);
        if let Ok(Header::On(told)) = header {
            // What it says is what was there.
            let again = told.header();
            let addresses = if family == TCP4 { 12 } else { 36 };
            if again.len() == FIXED + addresses {
                prop_assert_eq!(&again[FIXED..], &octets[FIXED..FIXED + addresses]);
            }
        }
    }
}

#[test]
fn what_is_not_one_is_told_at_its_first_octets() {
    for (octets, wanted) in [
        (&b"\x16\x03\x01"[..], "there is no header"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "version 1"),
        (b"GET / HTTP/1.1\r\n\r\n", "there is no header"),
        (b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\x0c", "0x11"),
        (b"\r\n\r\n\0\r\nQUIT\n\x22\x11\0\x0c", "0x22"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\0", "0x12"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0b12345678901", "too short"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x10\x01", "more than 4096"),
    ] {
        let said = reads(octets).0.unwrap_err().to_string();
        assert!(said.contains(wanted), "{octets:?}: {said}");
    }
}

#[test]
fn a_check_of_the_balancer_is_its_own() {
    for octets in [&b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"[..], b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\x03abc"] {
        assert_eq!(reads(octets).0.unwrap(), Header::Local);
    }
}

/// Written by hand, from the text of the specification.
#[test]
fn an_example_of_others() {
    let octets =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb";
    let told = Told {
        source: "192.0.2.1:56324".parse().unwrap(),
        destination: "198.51.100.2:443".parse().unwrap(),
    };
    assert_eq!(reads(octets).0.unwrap(), Header::On(told));
    assert_eq!(told.header(), octets);
}
