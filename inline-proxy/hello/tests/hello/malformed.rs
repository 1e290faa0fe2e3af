//! Fields that are not what RFCs say, one at a time.

use sark_hello::{ClientHello, Ech, Malformed, NameError, Part, Refusal};

use crate::writer::{
    Hello, alpn, ech_outer, groups, key_shares, long, message, octets, point_formats, psk,
    psk_modes, server_name, short, signature_algorithms, versions,
};

fn parsed(hello: &Hello) -> Result<ClientHello, Malformed> {
    malformed(ClientHello::parse(hello.message()))
}

fn malformed(parsed: Result<ClientHello, Refusal>) -> Result<ClientHello, Malformed> {
    parsed.map_err(|refusal| match refusal {
        Refusal::Malformed(malformed) => malformed,
        other => panic!("{other:?}"),
    })
}

fn with(extensions: &[(u16, Vec<u8>)]) -> Result<ClientHello, Malformed> {
    parsed(&Hello::with(extensions))
}

fn refused(extension: (u16, Vec<u8>)) -> Malformed {
    with(&[extension]).unwrap_err()
}

#[test]
fn the_smallest() {
    let hello = Hello { extensions: None, session_id: Vec::new(), ..Hello::with(&[]) };
    for hello in [hello, Hello::with(&[])] {
        let parsed = parsed(&hello).unwrap();
        assert_eq!(parsed.random(), [7; 32]);
        assert_eq!(parsed.session_id(), hello.session_id);
        assert_eq!(parsed.cipher_suites().iter().collect::<Vec<_>>(), [0x1301]);
        assert_eq!(parsed.compression_methods(), [0]);
        assert_eq!(parsed.extensions().len(), 0);
        assert_eq!(parsed.server_name(), None);
        assert_eq!(parsed.alpn().count() + parsed.key_share_groups().count(), 0);
        assert!(parsed.supported_versions().is_empty() && parsed.point_formats().is_empty());
        assert!(!parsed.has_grease() && parsed.ech().is_none());
        assert_eq!(parsed.message(), hello.message());
    }
}

#[test]
fn lengths_of_the_message() {
    let whole = Hello::with(&[server_name(b"a.example")]).message();
    let (short, long) = (Malformed::Short(Part::Hello), Malformed::Long(Part::Hello));
    for end in 0..whole.len() {
        assert_eq!(malformed(ClientHello::parse(whole[..end].to_vec())), Err(short));
    }
    let more = [&whole[..], &[0]].concat();
    assert_eq!(malformed(ClientHello::parse(more)), Err(long));
    let more = message(&[&whole[4..], &[0]].concat());
    assert_eq!(malformed(ClientHello::parse(more)), Err(long));
    assert_eq!(ClientHello::parse(vec![2, 0, 0, 0]), Err(Refusal::NotHello(2)));
}

#[test]
fn fields() {
    let body = Hello { extensions: None, ..Hello::with(&[]) }.body();
    let cut = |end| malformed(ClientHello::parse(message(&body[..end]))).unwrap_err();
    for (end, part) in [
        (0, Part::Version),
        (1, Part::Version),
        (2, Part::Random),
        (33, Part::Random),
        (34, Part::SessionId),
        (66, Part::SessionId),
        (67, Part::CipherSuites),
        (68, Part::CipherSuites),
        (70, Part::CipherSuites),
        (71, Part::CompressionMethods),
        (72, Part::CompressionMethods),
    ] {
        assert_eq!(cut(end), Malformed::Short(part), "{end}");
    }
    assert_eq!(body.len(), 73);
    let tail = |tail: &[u8]| malformed(ClientHello::parse(message(&[&body[..], tail].concat())));
    assert_eq!(tail(&[0]), Err(Malformed::Short(Part::Extensions)));
    assert_eq!(tail(&[0, 1]), Err(Malformed::Short(Part::Extensions)));
    assert_eq!(tail(&[0, 1, 0]), Err(Malformed::Short(Part::Extensions)));
    assert_eq!(tail(&[0, 2, 0, 9]), Err(Malformed::Short(Part::Extension(9))));
    assert_eq!(tail(&[0, 4, 0, 9, 0, 1]), Err(Malformed::Short(Part::Extension(9))));
    assert_eq!(tail(&[0, 0, 0]), Err(Malformed::Long(Part::Hello)));

    let edit = |edit: fn(&mut Hello)| {
        let mut hello = Hello::with(&[versions(&[0x0304])]);
        edit(&mut hello);
        parsed(&hello)
    };
    assert_eq!(edit(|hello| hello.session_id.push(1)), Err(Malformed::SessionId(33)));
    assert_eq!(edit(|hello| hello.session_id = vec![1; 255]), Err(Malformed::SessionId(255)));
    let empty = edit(|hello| hello.cipher_suites.clear());
    assert_eq!(empty, Err(Malformed::Empty(Part::CipherSuites)));
    let empty = edit(|hello| hello.compression_methods.clear());
    assert_eq!(empty, Err(Malformed::Empty(Part::CompressionMethods)));
    let deflate = edit(|hello| hello.compression_methods = vec![1]);
    assert_eq!(deflate, Err(Malformed::Compression));
    // With TLS 1.3 null alone, before that null among others.
    let both = edit(|hello| hello.compression_methods = vec![1, 0]);
    assert_eq!(both, Err(Malformed::Compression));
    let before = edit(|hello| {
        hello.compression_methods = vec![1, 0];
        hello.extensions = None;
    });
    assert_eq!(before.unwrap().compression_methods(), [1, 0]);

    let mut odd = body.clone();
    (odd[68], odd[70]) = (3, 0);
    odd.insert(70, 0);
    let odd = malformed(ClientHello::parse(message(&odd)));
    assert_eq!(odd, Err(Malformed::Odd(Part::CipherSuites)));
}

#[test]
fn extensions_of_two_octet_codes() {
    let sixteen = |kind| move |content: &[u8]| (kind, long(content));
    let eight = |content: &[u8]| (43, short(content));
    check(Part::SupportedGroups, sixteen(10));
    check(Part::SignatureAlgorithms, sixteen(13));
    check(Part::SupportedVersions, eight);

    fn check(part: Part, list: impl Fn(&[u8]) -> (u16, Vec<u8>)) {
        let (kind, whole) = list(&[3, 3, 0x1a, 0x1a]);
        assert!(with(&[(kind, whole.clone())]).unwrap().extension(kind).is_some());
        assert_eq!(refused(list(&[])), Malformed::Empty(part));
        assert_eq!(refused(list(&[3])), Malformed::Odd(part));
        assert_eq!(refused(list(&[3, 3, 3])), Malformed::Odd(part));
        for end in 0..whole.len() {
            assert_eq!(refused((kind, whole[..end].to_vec())), Malformed::Short(part));
        }
        assert_eq!(refused((kind, [whole, vec![0]].concat())), Malformed::Long(part));
    }
}

#[test]
fn server_names() {
    let of = |list: &[u8]| refused((0, long(list)));
    assert_eq!(with(&[server_name(b"A.Example")]).unwrap().server_name(), Some("a.example"));
    assert_eq!(refused((0, Vec::new())), Malformed::Short(Part::ServerName));
    assert_eq!(of(&[]), Malformed::Empty(Part::ServerName));
    assert_eq!(of(&[0]), Malformed::Short(Part::ServerName));
    assert_eq!(of(&[0, 0]), Malformed::Short(Part::ServerName));
    assert_eq!(of(&[0, 0, 2, b'a']), Malformed::Short(Part::ServerName));
    assert_eq!(of(&[0, 0, 0]), Malformed::Name(NameError::Empty));
    assert_eq!(of(&[1, 0, 1, b'a']), Malformed::ServerNames);
    let twice = [0, 0, 1, b'a', 0, 0, 1, b'b'];
    assert_eq!(of(&twice), Malformed::ServerNames);
    assert_eq!(of(&[0, 0, 1, b'a', 1]), Malformed::ServerNames);
    let (kind, content) = server_name(b"a.example");
    let long = (kind, [content, vec![0]].concat());
    assert_eq!(refused(long), Malformed::Long(Part::ServerName));
    for (name, error) in [
        (&b"a.example."[..], NameError::TrailingDot),
        (b"192.0.2.1", NameError::Address),
        (b"2001:db8::1", NameError::Address),
        (b"a.example\0.b.example", NameError::Nul),
        (b"\xc3\xa4.example", NameError::NotAscii),
    ] {
        assert_eq!(refused(server_name(name)), Malformed::Name(error));
    }
}

#[test]
fn application_protocols() {
    let hello = with(&[alpn(&[b"h2", b"\x0a\x0a", b"http/1.1"])]).unwrap();
    assert_eq!(hello.alpn().collect::<Vec<_>>(), [&b"h2"[..], b"\x0a\x0a", b"http/1.1"]);
    assert_eq!(refused(alpn(&[])), Malformed::Empty(Part::Alpn));
    assert_eq!(refused(alpn(&[b"h2", b""])), Malformed::Empty(Part::Alpn));
    assert_eq!(refused((16, long(b"\x02h"))), Malformed::Short(Part::Alpn));
    assert_eq!(refused((16, b"\0\x03\x02h2\0".to_vec())), Malformed::Long(Part::Alpn));
}

#[test]
fn shares_and_formats() {
    let shares = key_shares(&[(0x2a2a, 1), (0x11ec, 1216), (0x001d, 32)]);
    let hello = with(&[shares, groups(&[0x2a2a, 0x11ec, 0x001d]), point_formats(&[0])]).unwrap();
    assert_eq!(hello.key_share_groups().collect::<Vec<_>>(), [0x2a2a, 0x11ec, 0x001d]);
    assert_eq!(hello.supported_groups().known().collect::<Vec<_>>(), [0x11ec, 0x001d]);
    assert_eq!(format!("{:?}", hello.supported_groups()), r#"["2a2a", "11ec", "001d"]"#);
    assert!(hello.has_grease());
    // A client may send none, to be asked for one.
    assert_eq!(with(&[key_shares(&[])]).unwrap().key_share_groups().count(), 0);
    let twice = key_shares(&[(0x001d, 32), (0x0017, 65), (0x001d, 32)]);
    assert_eq!(refused(twice), Malformed::DuplicateShare(0x001d));
    assert_eq!(refused(key_shares(&[(0x001d, 0)])), Malformed::Empty(Part::KeyShare));
    assert_eq!(refused((51, long(&[0, 29, 0]))), Malformed::Short(Part::KeyShare));
    assert_eq!(refused((51, long(&[0, 29, 0, 2, 1]))), Malformed::Short(Part::KeyShare));
    assert_eq!(refused(point_formats(&[])), Malformed::Empty(Part::PointFormats));
    assert_eq!(refused((11, vec![1, 0, 0])), Malformed::Long(Part::PointFormats));
}

#[test]
fn resumption() {
    let hello = with(&[(42, Vec::new()), psk_modes(), psk(2, 2)]).unwrap();
    assert!(hello.offers_psk() && hello.offers_early_data());
    assert_eq!(with(&[psk(1, 1), psk_modes()]), Err(Malformed::PskNotLast));
    assert_eq!(with(&[psk(1, 1)]), Err(Malformed::PskWithoutModes));
    let uneven = Malformed::PskBinders { identities: 2, binders: 1 };
    assert_eq!(with(&[psk_modes(), psk(2, 1)]), Err(uneven));
    let part = Part::PreSharedKey;
    assert_eq!(with(&[psk_modes(), psk(0, 1)]), Err(Malformed::Empty(part)));
    assert_eq!(with(&[psk_modes(), psk(1, 0)]), Err(Malformed::Empty(part)));
    let (kind, content) = psk(1, 1);
    assert_eq!(refused((kind, [content.clone(), vec![0]].concat())), Malformed::Long(part));
    for end in 0..content.len() {
        assert_eq!(refused((kind, content[..end].to_vec())), Malformed::Short(part));
    }
    assert_eq!(refused((42, vec![0])), Malformed::Long(Part::EarlyData));
}

#[test]
fn encrypted_hellos() {
    let outer = Ech::Outer { config_id: 0x2a, kdf: 1, aead: 3, payload: 208 };
    assert_eq!(with(&[ech_outer()]).unwrap().ech(), Some(outer));
    assert_eq!(with(&[(0xfe0d, vec![1])]).unwrap().ech(), Some(Ech::Inner));
    let part = Part::EncryptedClientHello;
    assert_eq!(refused((0xfe0d, vec![2])), Malformed::Ech(2));
    assert_eq!(refused((0xfe0d, vec![1, 0])), Malformed::Long(part));
    let no_payload = vec![0, 0, 1, 0, 1, 7, 0, 0, 0, 0];
    assert_eq!(refused((0xfe0d, no_payload)), Malformed::Empty(part));
    let (kind, content) = ech_outer();
    for end in 0..content.len() {
        assert_eq!(refused((kind, content[..end].to_vec())), Malformed::Short(part));
    }
    assert_eq!(refused((kind, [content, vec![0]].concat())), Malformed::Long(part));
}

#[test]
fn no_extension_is_there_twice() {
    for kind in [0x0005, 0x0017, 0x2a2a, 0xffff] {
        let twice = [(kind, Vec::new()), (0x1234, Vec::new()), (kind, vec![0])];
        assert_eq!(with(&twice), Err(Malformed::Duplicate(kind)));
    }
    let names = [server_name(b"a.example"), server_name(b"b.example")];
    assert_eq!(with(&names), Err(Malformed::Duplicate(0)));
    // As many as fit are no trouble.
    let many: Vec<_> = (0x4000..0x7f00).map(|kind| (kind, Vec::new())).collect();
    let hello = with(&many).unwrap();
    assert_eq!(hello.extensions().len(), many.len());
    assert!(hello.ja4().starts_with("t12i019900_"), "{}", hello.ja4());
}

/// Each is read in full, under any other type it is octets.
#[test]
fn unknown_extensions_are_octets() {
    for kind in [5, 18, 35, 0xfe0c, 0x3a3a, 0xff01] {
        let hello = with(&[(kind, vec![0xff; 5])]).unwrap();
        assert_eq!(hello.extension(kind), Some(&[0xff; 5][..]));
        assert_eq!(hello.extension(kind + 1), None);
    }
}

/// They are told so that a reader of the log needs no table.
#[test]
fn errors_have_words() {
    let error = ClientHello::parse(Hello::with(&[server_name(b"1.2.3.4")]).message()).unwrap_err();
    let mut told = vec![error.to_string()];
    let mut cause = std::error::Error::source(&error);
    while let Some(source) = cause {
        told.push(source.to_string());
        cause = source.source();
    }
    assert_eq!(
        told,
        ["the ClientHello is malformed", "the server name is none", "it is an IP address"]
    );
    let empty = refused((13, octets(&[0])));
    assert_eq!(empty.to_string(), "signature_algorithms is empty");
    assert_eq!(signature_algorithms(&[0x0403]).0, 13);
}
