//! What real clients sent, with names that another program gave them.

use sark_hello::{ClientHello, Ech, Limits, Progress, Reader, SoFar};

use crate::writer::{read, read_in};

struct Recorded {
    client: &'static str,
    hex: &'static str,
    name: Option<&'static str>,
    alpn: &'static [&'static str],
    key_shares: &'static [u16],
    has_ech: bool,
    ja3: &'static str,
    ja4: &'static str,
}

const H2: &[&str] = &["h2", "http/1.1"];
const X25519: u16 = 0x001d;
const X25519_MLKEM768: u16 = 0x11ec;

/// The BoringSSL of curl_cffi 0.17 dresses as browsers; its Chrome has the JA4 that FoxIO published for
/// Chrome itself.
const RECORDED: [Recorded; 9] = [
    Recorded {
        client: "BoringSSL as Chrome",
        hex: include_str!("recorded/boringssl-as-chrome.hex"),
        name: Some("api.openai.com"),
        alpn: H2,
        key_shares: &[X25519_MLKEM768, X25519],
        has_ech: true,
        ja3: "a452602ca25947a1cbb9021aee1af2cb",
        ja4: "t13d1517h2_8daaf6152771_cb7bf5808d99",
    },
    Recorded {
        client: "BoringSSL as Firefox",
        hex: include_str!("recorded/boringssl-as-firefox.hex"),
        name: Some("api.openai.com"),
        alpn: H2,
        key_shares: &[X25519_MLKEM768, X25519, 0x0017],
        has_ech: true,
        ja3: "424f6d9c8b8928c0a0489a4f1a0f3e89",
        ja4: "t13d1517h2_8daaf6152771_3cbfd9057e0d",
    },
    Recorded {
        client: "BoringSSL as Safari",
        hex: include_str!("recorded/boringssl-as-safari.hex"),
        name: Some("api.openai.com"),
        alpn: H2,
        key_shares: &[X25519_MLKEM768, X25519],
        has_ech: false,
        ja3: "ecdf4f49dd59effc439639da29186671",
        ja4: "t13d2013h2_a09f3c656075_7f0f34a4126d",
    },
    Recorded {
        client: "curl 7.88 with OpenSSL 3.0",
        hex: include_str!("recorded/curl-7.88.hex"),
        name: Some("api.openai.com"),
        alpn: H2,
        key_shares: &[X25519],
        has_ech: false,
        ja3: "0149f47eabf9a20d0893e2a44e5a6323",
        ja4: "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6",
    },
    Recorded {
        client: "Node.js 20",
        hex: include_str!("recorded/node-20.hex"),
        name: Some("api.mistral.ai"),
        alpn: &["http/1.1"],
        key_shares: &[X25519],
        has_ech: false,
        ja3: "1a28e69016765d92e3b381168d68922c",
        ja4: "t13d5911h1_a33745022dd6_1f22a2ca17c4",
    },
    Recorded {
        client: "OpenSSL 3.0",
        hex: include_str!("recorded/openssl-3.0.hex"),
        name: Some("api.anthropic.com"),
        alpn: H2,
        key_shares: &[X25519],
        has_ech: false,
        ja3: "5a1edc7f170af1014fc65c994878e63c",
        ja4: "t13d3111h2_e8f1e7e78f70_1f22a2ca17c4",
    },
    Recorded {
        client: "OpenSSL 3.0, TLS 1.2",
        hex: include_str!("recorded/openssl-3.0-tls1.2.hex"),
        name: None,
        alpn: &[],
        key_shares: &[],
        has_ech: false,
        ja3: "fbe7e189e37a07ee33706f86bc746344",
        ja4: "t12i280600_d943125447b4_e7e480e5a997",
    },
    Recorded {
        client: "OpenSSL 4.0",
        hex: include_str!("recorded/openssl-4.0.hex"),
        name: Some("bedrock-runtime.eu-central-1.amazonaws.com"),
        alpn: &[],
        key_shares: &[X25519_MLKEM768, X25519],
        has_ech: false,
        ja3: "1a90ed1522533c739c8b5c6bc9f1709b",
        ja4: "t13d301100_1d37bd780c83_0d46a1bf4a7c",
    },
    Recorded {
        client: "Python 3.11 with OpenSSL 3.0",
        hex: include_str!("recorded/python-3-ssl.hex"),
        name: Some("generativelanguage.googleapis.com"),
        alpn: &[],
        key_shares: &[X25519],
        has_ech: false,
        ja3: "93c7d42c0df602fb91589311534831f5",
        ja4: "t13d181100_85036bcba153_d41ae481755e",
    },
];

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

/// All of them.
pub fn all() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    RECORDED.iter().map(|recorded| (recorded.client, octets(recorded.hex)))
}

fn hello(client: &str, progress: Progress) -> ClientHello {
    match progress {
        Progress::Hello(hello) => *hello,
        other => panic!("{client}: {other:?}"),
    }
}

#[test]
fn what_they_say() {
    for recorded in &RECORDED {
        let client = recorded.client;
        let hello = hello(client, read(&octets(recorded.hex)));
        assert_eq!(hello.server_name(), recorded.name, "{client}");
        let alpn: Vec<_> = hello.alpn().map(|name| str::from_utf8(name).unwrap()).collect();
        assert_eq!(alpn, recorded.alpn, "{client}");
        let shares: Vec<_> =
            hello.key_share_groups().filter(|&group| !sark_hello::is_grease(group)).collect();
        assert_eq!(shares, recorded.key_shares, "{client}");
        assert_eq!(hello.version(), 0x0303, "{client}");
        assert_eq!(hello.supported_versions().contains(0x0304), !shares.is_empty(), "{client}");
        assert_eq!(hello.ech().is_some(), recorded.has_ech, "{client}");
        assert!(!hello.offers_psk() && !hello.offers_early_data(), "{client}");
        assert_eq!(hello.ja3(), recorded.ja3, "{client}");
        assert_eq!(hello.ja4(), recorded.ja4, "{client}");
        let greases = client.ends_with("Chrome") || client.ends_with("Safari");
        assert_eq!(hello.has_grease(), greases, "{client}");
        assert!(format!("{hello:?}").contains(recorded.ja4), "{client}");
    }
}

/// BoringSSL's is GREASE here, which does not show.
#[test]
fn ech_is_seen() {
    let ech = hello("Chrome", read(&octets(RECORDED[0].hex))).ech();
    assert!(matches!(ech, Some(Ech::Outer { kdf: 1, aead: 1, payload: 144.., .. })), "{ech:?}");
}

/// Whatever is missing: nothing is refused, nothing is found.
#[test]
fn every_beginning_needs_more() {
    for (client, octets) in all() {
        for end in 0..octets.len() {
            let mut reader = Reader::new(Limits::default());
            assert_eq!(reader.push(&octets[..end]), Progress::NeedMore, "{client} {end}");
            let so_far = [SoFar::Nothing, SoFar::Unclear, SoFar::Tls][end.min(2)];
            assert_eq!(reader.so_far(), so_far, "{client} {end}");
            hello(client, reader.push(&octets[end..]));
            assert_eq!(reader.into_octets(), octets, "{client} {end}");
        }
    }
}

#[test]
fn octet_by_octet() {
    for (client, octets) in all() {
        let (progress, after) = read_in(octets.chunks(1), Limits::default());
        assert_eq!(progress, read(&octets), "{client}");
        assert_eq!(after, octets.len(), "{client}");
    }
}

/// A hello without its last octet is malformed as a message, wherever the last octet is missed.
#[test]
fn every_cut_message_is_refused() {
    for (client, octets) in all() {
        let message = hello(client, read(&octets)).message().to_vec();
        for end in 4..message.len() {
            let cut = crate::writer::message(&message[4..end]);
            // Where the extensions would begin a hello may end.
            let may_end =
                ClientHello::parse(cut.clone()).is_ok_and(|cut| cut.extensions().len() == 0);
            assert!(ClientHello::parse(cut).is_err() || may_end, "{client} {end}");
        }
    }
}
