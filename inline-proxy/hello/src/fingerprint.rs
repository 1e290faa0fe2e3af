//! JA3 and JA4: names for the software that wrote a hello. Equal names are a hint, not a proof: who
//! wants to can send any hello.

use std::fmt::Write as _;

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::hello::ClientHello;
use crate::iana::{extension, is_grease};

const HEX: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

impl ClientHello {
    /// `SSLVersion,Cipher,SSLExtension,EllipticCurve,EllipticCurvePointFormat`, in decimal, in the
    /// client's order, without GREASE.
    pub fn ja3_text(&self) -> String {
        let mut text = String::with_capacity(256);
        // Writing to a string cannot fail.
        _ = write!(text, "{},", self.version());
        decimal(&mut text, self.cipher_suites().known());
        text.push(',');
        decimal(&mut text, self.known_extensions());
        text.push(',');
        decimal(&mut text, self.supported_groups().known());
        text.push(',');
        decimal(&mut text, self.point_formats().iter().copied().map(u16::from));
        text
    }

    /// JA3: the MD5 of [`Self::ja3_text`], in hexadecimal.
    pub fn ja3(&self) -> String {
        let mut text = String::with_capacity(32);
        hex(&mut text, &Md5::digest(self.ja3_text()));
        text
    }

    /// JA4, such as `t13d1516h2_8daaf6152771_e5627efa2ab1`. `t`: this crate reads TLS over TCP.
    pub fn ja4(&self) -> String {
        let (suites, extensions) = self.ja4_lists();
        let mut text = self.ja4_a();
        for list in [suites, extensions] {
            text.push('_');
            if list.is_empty() {
                text.push_str("000000000000");
            } else {
                hex(&mut text, Sha256::digest(list).first_chunk::<6>().unwrap_or(&[0; 6]));
            }
        }
        text
    }

    /// JA4_r: what [`Self::ja4`] hashes, unhashed.
    pub fn ja4_raw(&self) -> String {
        let (suites, extensions) = self.ja4_lists();
        [self.ja4_a(), suites, extensions].join("_")
    }

    fn ja4_a(&self) -> String {
        let mut text = String::with_capacity(36);
        text.push('t');
        text.push_str(self.ja4_version());
        text.push(if self.has_server_name() { 'd' } else { 'i' });
        let suites = self.cipher_suites().known().count().min(99);
        let extensions = self.known_extensions().count().min(99);
        _ = write!(text, "{suites:02}{extensions:02}");
        text.extend(self.ja4_alpn());
        text
    }

    /// The highest that is offered.
    fn ja4_version(&self) -> &'static str {
        match self.supported_versions().known().max().unwrap_or(self.version()) {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            0xfeff => "d1",
            0xfefd => "d2",
            0xfefc => "d3",
            _ => "00",
        }
    }

    /// First and last character of the first protocol, or of its octets in hexadecimal.
    fn ja4_alpn(&self) -> [char; 2] {
        match self.alpn().next() {
            Some([first, .., last] | [first @ last]) => {
                if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
                    [char::from(*first), char::from(*last)]
                } else {
                    [digit(first >> 4), digit(last & 0x0f)]
                }
            }
            _ => ['0', '0'],
        }
    }

    /// What the second and third part are hashes of.
    fn ja4_lists(&self) -> (String, String) {
        let mut suites: Vec<u16> = self.cipher_suites().known().collect();
        suites.sort_unstable();
        let in_a = [extension::SERVER_NAME, extension::ALPN];
        let mut extensions: Vec<u16> =
            self.known_extensions().filter(|kind| !in_a.contains(kind)).collect();
        extensions.sort_unstable();
        let mut text = list(extensions);
        let schemes = list(self.signature_algorithms().known());
        if !schemes.is_empty() {
            text.push('_');
            text.push_str(&schemes);
        }
        (list(suites), text)
    }

    fn known_extensions(&self) -> impl Iterator<Item = u16> {
        self.extensions.iter().map(|&(kind, _)| kind).filter(|&kind| !is_grease(kind))
    }
}

/// `47-53-5`
fn decimal(text: &mut String, codes: impl IntoIterator<Item = u16>) {
    let mut between = "";
    for code in codes {
        _ = write!(text, "{between}{code}");
        between = "-";
    }
}

/// `002f,0035`
fn list(codes: impl IntoIterator<Item = u16>) -> String {
    let mut text = String::with_capacity(96);
    for code in codes {
        if !text.is_empty() {
            text.push(',');
        }
        hex(&mut text, &code.to_be_bytes());
    }
    text
}

fn hex(text: &mut String, octets: &[u8]) {
    text.extend(octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 0x0f)]));
}

fn digit(of: u8) -> char {
    HEX.get(usize::from(of)).copied().unwrap_or('0')
}
