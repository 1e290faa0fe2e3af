//! The ClientHello of RFC 8446 §4.1.2, which is RFC 5246's §7.4.1.2 with other words.

use crate::cursor::Cursor;
use crate::error::{Malformed, Part, Refusal};
use crate::extensions;
use crate::hello::{ClientHello, Known};
use crate::iana::{extension, handshake, version};

/// Type and length of a handshake message.
pub(crate) const HEADER: usize = 4;

/// The type, and how many octets the message claims to have with its header.
pub(crate) fn header(message: &[u8]) -> Option<(u8, usize)> {
    let (&[kind, a, b, c], _) = message.split_first_chunk()?;
    let octets = u32::from_be_bytes([0, a, b, c]);
    Some((kind, HEADER.saturating_add(usize::try_from(octets).unwrap_or(usize::MAX))))
}

pub(crate) fn client_hello(message: Vec<u8>) -> Result<ClientHello, Refusal> {
    let (kind, octets) = header(&message).ok_or(Malformed::Short(Part::Hello))?;
    if kind != handshake::CLIENT_HELLO {
        return Err(Refusal::NotHello(kind));
    }
    match message.len().cmp(&octets) {
        std::cmp::Ordering::Less => Err(Malformed::Short(Part::Hello).into()),
        std::cmp::Ordering::Equal => Ok(body(message)?),
        std::cmp::Ordering::Greater => Err(Malformed::Long(Part::Hello).into()),
    }
}

fn body(message: Vec<u8>) -> Result<ClientHello, Malformed> {
    let mut rest = Cursor::new(&message, Part::Hello);
    rest.take(HEADER, Part::Hello)?;
    let legacy_version = rest.take(2, Part::Version)?.u16()?;
    let random = rest.take(32, Part::Random)?.span();
    let session_id = rest.short_vector(Part::SessionId)?;
    if let octets @ 33.. = session_id.rest().len() {
        return Err(Malformed::SessionId(u8::try_from(octets).unwrap_or(u8::MAX)));
    }
    let session_id = session_id.span();
    let cipher_suites = rest.vector(Part::CipherSuites)?.codes()?.span();
    let compression = rest.short_vector(Part::CompressionMethods)?.some()?;
    if !compression.rest().contains(&0) {
        return Err(Malformed::Compression);
    }
    let (mut extensions, mut known) = (Vec::new(), Known::default());
    // Before TLS 1.3 a hello may end here.
    if !rest.is_empty() {
        let block = rest.vector(Part::Extensions)?;
        rest.end()?;
        (extensions, known) = extensions::block(block)?;
    }
    check_psk(&extensions)?;
    let compression_methods = compression.span();
    let only_null = compression.rest() == [0];
    let hello = ClientHello {
        version: legacy_version,
        random,
        session_id,
        cipher_suites,
        compression_methods,
        extensions,
        known,
        message,
    };
    if !only_null && hello.supported_versions().contains(version::TLS13) {
        return Err(Malformed::Compression);
    }
    Ok(hello)
}

/// What pre_shared_key asks of the other extensions (RFC 8446 §4.2.9, §4.2.11).
fn check_psk<T>(extensions: &[(u16, T)]) -> Result<(), Malformed> {
    let at = |kind| extensions.iter().position(|&(other, _)| other == kind);
    match at(extension::PRE_SHARED_KEY) {
        Some(place) if place + 1 != extensions.len() => Err(Malformed::PskNotLast),
        Some(_) if at(extension::PSK_KEY_EXCHANGE_MODES).is_none() => {
            Err(Malformed::PskWithoutModes)
        }
        _ => Ok(()),
    }
}
