//! A connection's first octets: whole, octet by octet and in portions they have one verdict, and what
//! is read in a hello hangs together. The first two octets choose the limits and the portions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_hello::{ClientHello, Limits, Progress, Reader, is_grease};

fuzz_target!(|input: &[u8]| {
    let Some((&[bound, portion], octets)) = input.split_first_chunk() else { return };
    let limits = if bound % 8 == 7 {
        Limits { octets: usize::from(bound) * 8, records: 2 }
    } else {
        Limits { octets: 64 * 1024, records: 64 }
    };
    let (whole, _) = read(octets, octets.len(), limits);
    let (single, after) = read(octets, 1, limits);
    assert_eq!(single, whole);
    assert_eq!(read(octets, usize::from(portion) + 2, limits).0, whole);
    assert!(after <= limits.octets);
    if whole != Progress::NeedMore {
        assert_eq!(read(&octets[..after - 1], 64, limits).0, Progress::NeedMore);
    }
    if let Progress::Hello(hello) = whole {
        check(&hello);
    }
    // Without records, so that the fuzzer need not find their lengths.
    if let Ok(hello) = ClientHello::parse(octets.to_vec()) {
        assert_eq!(hello.message(), octets);
        check(&hello);
    }
});

fn read(octets: &[u8], portion: usize, limits: Limits) -> (Progress, usize) {
    let mut reader = Reader::new(limits);
    for portion in octets.chunks(portion.max(1)) {
        let progress = reader.push(portion);
        if progress != Progress::NeedMore {
            return (progress, reader.octets().len());
        }
    }
    (Progress::NeedMore, reader.octets().len())
}

fn check(hello: &ClientHello) {
    let again = ClientHello::parse(hello.message().to_vec()).expect("it was one");
    assert_eq!(&again, hello);
    assert!(!hello.cipher_suites().is_empty() && hello.compression_methods().contains(&0));
    assert!(hello.random().len() == 32 && hello.session_id().len() <= 32);

    // The extensions are all of the block, each once.
    let extensions: Vec<_> = hello.extensions().collect();
    let octets: usize = extensions.iter().map(|extension| 4 + extension.octets.len()).sum();
    let (suites, methods) = (hello.cipher_suites().len() * 2, hello.compression_methods().len());
    let before = 4 + 2 + 32 + 1 + hello.session_id().len() + 2 + suites + 1 + methods;
    let block = hello.message().len() - before;
    assert!(block == octets + 2 || (block, octets) == (0, 0));
    for extension in &extensions {
        assert_eq!(hello.extension(extension.kind), Some(extension.octets));
    }

    if let Some(name) = hello.server_name() {
        assert!(!name.is_empty() && name.len() <= 253);
        assert!(name.bytes().all(|octet| {
            octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"-_.".contains(&octet)
        }));
        assert!(!name.starts_with('.') && !name.ends_with('.') && !name.contains(".."));
        assert!(name.parse::<std::net::IpAddr>().is_err());
    }
    assert_eq!(hello.extension(0).is_some(), hello.server_name().is_some());
    assert_eq!(hello.extension(16).is_some(), hello.alpn().next().is_some());
    assert_eq!(hello.extension(0xfe0d).is_some(), hello.ech().is_some());
    assert_eq!(hello.extension(41).is_some(), hello.offers_psk());
    assert!(hello.alpn().all(|name| !name.is_empty()));
    assert!(
        hello.alpn().map(|name| name.len() + 1).sum::<usize>() + 2
            == hello.extension(16).map_or(2, <[u8]>::len)
    );

    let (ja3, ja4, raw) = (hello.ja3(), hello.ja4(), hello.ja4_raw());
    assert!(ja3.len() == 32 && ja4.len() == 36 && ja4.is_ascii());
    assert_eq!(ja4[..10], raw[..10]);
    assert_eq!(hello.ja3_text().matches(',').count(), 4);
    let greases = extensions.iter().any(|extension| is_grease(extension.kind));
    assert!(hello.has_grease() || !greases);
}
