//! JA3 and JA4 as their authors published them.

use sark_hello::ClientHello;

use crate::writer::{
    Hello, alpn, ech_outer, groups, key_shares, point_formats, server_name, signature_algorithms,
    versions,
};

/// A hello with extensions of these types, in this order.
struct Client<'a> {
    version: u16,
    suites: &'a [u16],
    extensions: &'a [u16],
    groups: &'a [u16],
    schemes: &'a [u16],
    versions: &'a [u16],
    alpn: &'a [&'a [u8]],
}

impl Client<'_> {
    fn hello(&self) -> ClientHello {
        let content = |&kind: &u16| match kind {
            0 => server_name(b"a.example"),
            10 => groups(self.groups),
            11 => point_formats(&[0]),
            13 => signature_algorithms(self.schemes),
            16 => alpn(self.alpn),
            43 => versions(self.versions),
            51 => key_shares(&[(0x001d, 32)]),
            0xfe0d => ech_outer(),
            other => (other, Vec::new()),
        };
        let extensions: Vec<_> = self.extensions.iter().map(content).collect();
        let hello = Hello {
            version: self.version,
            cipher_suites: self.suites.to_vec(),
            extensions: (!extensions.is_empty()).then_some(extensions),
            ..Hello::with(&[])
        };
        ClientHello::parse(hello.message()).unwrap()
    }
}

const CHROME_SUITES: &[u16] = &[
    0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
    0x009d, 0x002f, 0x0035,
];
const CHROME_SCHEMES: &[u16] = &[0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
const CHROME: Client<'_> = Client {
    version: 0x0303,
    suites: CHROME_SUITES,
    extensions: &[
        0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
        0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
    ],
    groups: &[0x001d, 0x0017, 0x0018],
    schemes: CHROME_SCHEMES,
    versions: &[0x0304, 0x0303],
    alpn: &[b"h2", b"http/1.1"],
};

/// With GREASE wherever BoringSSL puts it, and where it does not.
fn greased<'a>(list: &[u16], place: &'a mut Vec<u16>) -> &'a [u16] {
    *place = [&[0x2a2a], list, &[0xfafa]].concat();
    place
}

/// The two of JA3's description.
#[test]
fn ja3_of_its_authors() {
    let old = Client {
        version: 769,
        suites: &[47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
        extensions: &[0, 10, 11],
        groups: &[23, 24, 25],
        ..CHROME
    };
    let hello = old.hello();
    let text = "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0";
    assert_eq!(hello.ja3_text(), text);
    assert_eq!(hello.ja3(), "ada70206e40642a3e4461f35503241d5");
    assert!(hello.ja4().starts_with("t10d120300_"), "{}", hello.ja4());

    let older =
        Client { suites: &[4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], extensions: &[], ..old };
    let hello = older.hello();
    assert_eq!(hello.ja3_text(), "769,4-5-10-9-100-98-3-6-19-18-99,,,");
    assert_eq!(hello.ja3(), "de350869b8c85de67a350c8d186f11e6");
    assert!(hello.ja4().ends_with("_000000000000"), "{}", hello.ja4());
}

/// The example of JA4's description, through all of its steps.
#[test]
fn ja4_of_its_authors() {
    let hello = CHROME.hello();
    assert_eq!(hello.ja4(), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    assert_eq!(
        hello.ja4_raw(),
        "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_\
         0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_\
         0403,0804,0401,0503,0805,0501,0806,0601"
    );
    // The string without signature algorithms, and its hash.
    let none = Client { schemes: &[0x0a0a], ..CHROME };
    assert!(none.hello().ja4().ends_with("_6d807ffa2a79"), "{}", none.hello().ja4());
    assert!(none.hello().ja4_raw().ends_with(",4469,ff01"));
}

/// A Chrome of 2025 whose signature algorithms are greased, from FoxIO's captures.
#[test]
fn ja4_of_a_capture() {
    let [mut suites, mut schemes, mut versions, mut extensions, mut groups] =
        [const { Vec::new() }; 5];
    let client = Client {
        suites: greased(CHROME_SUITES, &mut suites),
        schemes: greased(&[&[0x0904, 0x0905, 0x0906], CHROME_SCHEMES].concat(), &mut schemes),
        versions: greased(CHROME.versions, &mut versions),
        groups: greased(&[0x11ec, 0x001d], &mut groups),
        extensions: greased(
            &[
                0xfe0d, 0x0010, 0x0017, 0x0033, 0x44cd, 0xff01, 0x000a, 0x000d, 0x0023, 0x002b,
                0x000b, 0xca34, 0x002d, 0x0000, 0x0005, 0x001b, 0x0012,
            ],
            &mut extensions,
        ),
        ..CHROME
    };
    let hello = client.hello();
    assert!(hello.has_grease() && !CHROME.hello().has_grease());
    assert_eq!(hello.ja4(), "t13d1517h2_8daaf6152771_cb7bf5808d99");
    assert!(hello.ja4_raw().ends_with("_0904,0905,0906,0403,0804,0401,0503,0805,0501,0806,0601"));
}

/// Chrome 143 of Android, as a public mirror of fingerprints told both of it.
#[test]
fn both_of_one_client() {
    let client = Client {
        extensions: &[45, 51, 16, 65037, 23, 17613, 0, 11, 10, 43, 65281, 35, 18, 5, 13, 27],
        groups: &[4588, 29, 23, 24],
        ..CHROME
    };
    let hello = client.hello();
    assert_eq!(hello.ja3(), "98487aa16281980e7d1120d399efb6a4");
    assert_eq!(hello.ja4(), "t13d1516h2_8daaf6152771_d8a2da3f94cd");
    // Extensions in another order: the same client to JA4, another one to JA3.
    let shuffled = Client {
        extensions: &[0, 5, 10, 11, 13, 16, 18, 23, 27, 35, 43, 45, 51, 17613, 65037, 65281],
        ..client
    };
    assert_eq!(shuffled.hello().ja3(), "8e19337e7524d2573be54efb2b0784c9");
    assert_eq!(shuffled.hello().ja4(), hello.ja4());
}

/// The table of JA4's description, and what it says of single octets.
#[test]
fn ja4_of_application_protocols() {
    for (name, characters) in [
        (&b"h2"[..], "h2"),
        (b"http/1.1", "h1"),
        (b"x", "xx"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"\x30\xab", "3b"),
        (b"\x30\x31\xab\xcd", "3d"),
        (b"\x30\xab\xcd\x31", "01"),
        (b"\x0a\x0a", "0a"),
        (b"-a", "21"),
    ] {
        let ja4 = Client { alpn: &[name, b"h2"], ..CHROME }.hello().ja4();
        assert_eq!(&ja4[8..10], characters, "{}", name.escape_ascii());
    }
    let ja4 = Client { extensions: &[13], ..CHROME }.hello().ja4();
    assert!(ja4.starts_with("t12i150100_"), "{ja4}");
}

#[test]
fn ja4_of_versions() {
    for (code, characters) in [
        (0x0304, "13"),
        (0x0303, "12"),
        (0x0302, "11"),
        (0x0301, "10"),
        (0x0300, "s3"),
        (0x0002, "s2"),
        (0xfeff, "d1"),
        (0xfefd, "d2"),
        (0xfefc, "d3"),
        (0x0305, "00"),
        (0x7f1c, "00"),
    ] {
        let offered = Client { versions: &[0x0a0a, code], ..CHROME }.hello().ja4();
        assert_eq!(&offered[1..3], characters);
        let legacy = Client { version: code, extensions: &[0], ..CHROME }.hello().ja4();
        assert_eq!(&legacy[1..3], characters);
    }
    // The highest, in whatever order; without one that counts, the field.
    let ja4 = Client { versions: &[0x0301, 0x0304, 0xfafa, 0x0303], ..CHROME }.hello().ja4();
    assert!(ja4.starts_with("t13"), "{ja4}");
    let ja4 = Client { versions: &[0x0a0a], ..CHROME }.hello().ja4();
    assert!(ja4.starts_with("t12"), "{ja4}");
}

/// Two digits, and nothing is hashed where nothing is.
#[test]
fn ja4_of_many_and_of_none() {
    for (suites, digits) in [(1, "01"), (99, "99"), (100, "99"), (3000, "99")] {
        let suites: Vec<u16> = (1..=suites).collect();
        let known = suites.iter().filter(|&&code| !sark_hello::is_grease(code)).count();
        assert!(known >= suites.len() - 1);
        let ja4 = Client { suites: &suites, ..CHROME }.hello().ja4();
        assert_eq!(&ja4[4..6], digits);
    }
    let none = Client { suites: &[0x0a0a, 0x1a1a], extensions: &[0, 16, 0x2a2a], ..CHROME }.hello();
    assert_eq!(none.ja4(), "t12d0002h2_000000000000_000000000000");
    assert_eq!(none.ja4_raw(), "t12d0002h2__");
    assert_eq!(none.ja3_text(), "771,,0-16,,");
}

#[test]
fn grease_is_sixteen_codes() {
    let codes: Vec<_> = (0..=u16::MAX).filter(|&code| sark_hello::is_grease(code)).collect();
    assert_eq!(codes.len(), 16);
    assert_eq!((codes[0], codes[1], codes[15]), (0x0a0a, 0x1a1a, 0xfafa));
}
