//! JA3 and JA4: names for the software that wrote a hello. Equal names are a hint, not a proof: who
//! wants to can send any hello.

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::hello::ClientHello;
use crate::iana::{extension, is_grease};

impl ClientHello {
    /// `SSLVersion,Cipher,SSLExtension,EllipticCurve,EllipticCurvePointFormat`, in decimal, in the
    /// client's order, without GREASE.
    pub fn ja3_text(&self) -> String {
        string(self.ja3_octets())
    }

    /// JA3: the MD5 of [`Self::ja3_text`], in hexadecimal.
    pub fn ja3(&self) -> String {
        let mut text = Vec::with_capacity(32);
        hex(&mut text, &Md5::digest(self.ja3_octets()));
        string(text)
    }

    fn ja3_octets(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(256);
        decimal(&mut text, [self.version()]);
        text.push(b',');
        decimal(&mut text, self.cipher_suites().known());
        text.push(b',');
        decimal(&mut text, self.known_extensions());
        text.push(b',');
        decimal(&mut text, self.supported_groups().known());
        text.push(b',');
        decimal(&mut text, self.point_formats().iter().copied().map(u16::from));
        text
    }

    /// JA4, such as `t13d1516h2_8daaf6152771_e5627efa2ab1`. `t`: this crate reads TLS over TCP.
    pub fn ja4(&self) -> String {
        let mut text = self.ja4_a();
        for list in self.ja4_lists() {
            text.push(b'_');
            if list.is_empty() {
                text.extend(b"000000000000");
            } else {
                hex(&mut text, Sha256::digest(list).first_chunk::<6>().unwrap_or(&[0; 6]));
            }
        }
        string(text)
    }

    /// JA4_r: what [`Self::ja4`] hashes, unhashed.
    pub fn ja4_raw(&self) -> String {
        let [suites, extensions] = self.ja4_lists();
        string([self.ja4_a(), suites, extensions].join(&b'_'))
    }

    fn ja4_a(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(36);
        text.push(b't');
        text.extend(self.ja4_version());
        text.push(if self.has_server_name() { b'd' } else { b'i' });
        two_digits(&mut text, self.cipher_suites().known().count());
        two_digits(&mut text, self.known_extensions().count());
        text.extend(self.ja4_alpn());
        text
    }

    /// The highest that is offered.
    fn ja4_version(&self) -> &'static [u8; 2] {
        match self.supported_versions().known().max().unwrap_or(self.version()) {
            0x0304 => b"13",
            0x0303 => b"12",
            0x0302 => b"11",
            0x0301 => b"10",
            0x0300 => b"s3",
            0x0002 => b"s2",
            0xfeff => b"d1",
            0xfefd => b"d2",
            0xfefc => b"d3",
            _ => b"00",
        }
    }

    /// First and last character of the first protocol, or of its octets in hexadecimal.
    fn ja4_alpn(&self) -> [u8; 2] {
        match self.alpn().next() {
            Some([first, .., last] | [first @ last]) => {
                if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
                    [*first, *last]
                } else {
                    [digit(first >> 4), digit(last & 0x0f)]
                }
            }
            _ => *b"00",
        }
    }

    /// What the second and third part are hashes of.
    fn ja4_lists(&self) -> [Vec<u8>; 2] {
        let mut suites: Vec<u16> = self.cipher_suites().known().collect();
        suites.sort_unstable();
        let in_a = [extension::SERVER_NAME, extension::ALPN];
        let mut extensions: Vec<u16> =
            self.known_extensions().filter(|kind| !in_a.contains(kind)).collect();
        extensions.sort_unstable();
        let mut text = list(extensions);
        let schemes = list(self.signature_algorithms().known());
        if !schemes.is_empty() {
            text.push(b'_');
            text.extend(schemes);
        }
        [list(suites), text]
    }

    fn known_extensions(&self) -> impl Iterator<Item = u16> {
        self.extensions.iter().map(|&(kind, _)| kind).filter(|&kind| !is_grease(kind))
    }
}

/// `47-53-5`
fn decimal(text: &mut Vec<u8>, codes: impl IntoIterator<Item = u16>) {
    for (place, code) in codes.into_iter().enumerate() {
        if place > 0 {
            text.push(b'-');
        }
        for unit in [10_000, 1000, 100, 10, 1] {
            if code >= unit || unit == 1 {
                text.push(digit(code / unit % 10));
            }
        }
    }
}

/// `002f,0035`
fn list(codes: impl IntoIterator<Item = u16>) -> Vec<u8> {
    let mut text = Vec::with_capacity(192);
    for code in codes {
        if !text.is_empty() {
            text.push(b',');
        }
        hex(&mut text, &code.to_be_bytes());
    }
    text
}

/// JA4 counts no further than 99.
fn two_digits(text: &mut Vec<u8>, count: usize) {
    let count = u16::try_from(count.min(99)).unwrap_or(99);
    text.extend([digit(count / 10), digit(count % 10)]);
}

fn hex(text: &mut Vec<u8>, octets: &[u8]) {
    text.extend(octets.iter().flat_map(|&octet| [digit(octet >> 4), digit(octet & 0x0f)]));
}

fn digit(of: impl Into<u16>) -> u8 {
    b"0123456789abcdef".get(usize::from(of.into())).copied().unwrap_or(b'0')
}

/// Every octet above is ASCII.
fn string(ascii: Vec<u8>) -> String {
    String::from_utf8(ascii).unwrap_or_default()
}
