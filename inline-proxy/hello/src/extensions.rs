//! The block of extensions (RFC 8446 §4.2), and those that mean something here.

use crate::cursor::{Cursor, Span};
use crate::error::{Malformed, Part};
use crate::hello::{Ech, Known};
use crate::iana::extension;
use crate::name::host_name;

pub(crate) fn block(mut block: Cursor<'_>) -> Result<(Vec<(u16, Span)>, Known), Malformed> {
    let (mut extensions, mut known) = (Vec::with_capacity(16), Known::default());
    while !block.is_empty() {
        let kind = block.u16()?;
        let part = part(kind);
        let content = block.vector(part)?;
        extensions.push((kind, content.span()));
        read(part, content, &mut known)?;
    }
    match repeated(extensions.iter().map(|&(kind, _)| kind).collect()) {
        Some(kind) => Err(Malformed::Duplicate(kind)),
        None => Ok((extensions, known)),
    }
}

const fn part(kind: u16) -> Part {
    match kind {
        extension::SERVER_NAME => Part::ServerName,
        extension::SUPPORTED_GROUPS => Part::SupportedGroups,
        extension::EC_POINT_FORMATS => Part::PointFormats,
        extension::SIGNATURE_ALGORITHMS => Part::SignatureAlgorithms,
        extension::ALPN => Part::Alpn,
        extension::PRE_SHARED_KEY => Part::PreSharedKey,
        extension::EARLY_DATA => Part::EarlyData,
        extension::SUPPORTED_VERSIONS => Part::SupportedVersions,
        extension::KEY_SHARE => Part::KeyShare,
        extension::ENCRYPTED_CLIENT_HELLO => Part::EncryptedClientHello,
        other => Part::Extension(other),
    }
}

fn read(part: Part, mut content: Cursor<'_>, known: &mut Known) -> Result<(), Malformed> {
    match part {
        Part::ServerName => known.server_name = Some(server_name(&mut content)?),
        Part::SupportedGroups => known.groups = content.vector(part)?.codes()?.span(),
        Part::PointFormats => known.point_formats = content.short_vector(part)?.some()?.span(),
        Part::SignatureAlgorithms => {
            known.signature_algorithms = content.vector(part)?.codes()?.span();
        }
        Part::Alpn => known.alpn = alpn(content.vector(part)?.some()?)?,
        Part::PreSharedKey => {
            psk(&mut content)?;
            known.psk = true;
        }
        Part::EarlyData => known.early_data = true,
        Part::SupportedVersions => known.versions = content.short_vector(part)?.codes()?.span(),
        Part::KeyShare => known.key_shares = key_shares(content.vector(part)?)?,
        Part::EncryptedClientHello => known.ech = Some(ech(&mut content)?),
        _ => return Ok(()),
    }
    content.end()
}

/// One host name, which is all that was ever defined. Readers that skip other types, or take the
/// second name, would see another server than we do.
fn server_name(content: &mut Cursor<'_>) -> Result<Box<str>, Malformed> {
    let mut list = content.vector(Part::ServerName)?.some()?;
    if list.u8()? != 0 {
        return Err(Malformed::ServerNames);
    }
    let name = list.vector(Part::ServerName)?;
    if !list.is_empty() {
        return Err(Malformed::ServerNames);
    }
    Ok(host_name(name.rest())?)
}

fn alpn(list: Cursor<'_>) -> Result<Span, Malformed> {
    let mut rest = list;
    while !rest.is_empty() {
        rest.short_vector(Part::Alpn)?.some()?;
    }
    Ok(list.span())
}

fn key_shares(list: Cursor<'_>) -> Result<Span, Malformed> {
    let (mut rest, mut groups) = (list, Vec::new());
    while !rest.is_empty() {
        groups.push(rest.u16()?);
        rest.vector(Part::KeyShare)?.some()?;
    }
    match repeated(groups) {
        Some(group) => Err(Malformed::DuplicateShare(group)),
        None => Ok(list.span()),
    }
}

fn psk(content: &mut Cursor<'_>) -> Result<(), Malformed> {
    let part = Part::PreSharedKey;
    let (mut list, mut identities) = (content.vector(part)?.some()?, 0);
    while !list.is_empty() {
        list.vector(part)?.some()?;
        // The age of its ticket.
        list.take(4, part)?;
        identities += 1;
    }
    let (mut list, mut binders) = (content.vector(part)?.some()?, 0);
    while !list.is_empty() {
        list.short_vector(part)?.some()?;
        binders += 1;
    }
    if identities == binders { Ok(()) } else { Err(Malformed::PskBinders { identities, binders }) }
}

fn ech(content: &mut Cursor<'_>) -> Result<Ech, Malformed> {
    let part = Part::EncryptedClientHello;
    match content.u8()? {
        0 => {
            let (kdf, aead) = (content.u16()?, content.u16()?);
            let config_id = content.u8()?;
            // The encapsulated key; empty in the hello after a HelloRetryRequest.
            content.vector(part)?;
            let payload = content.vector(part)?.some()?.rest().len();
            Ok(Ech::Outer { config_id, kdf, aead, payload })
        }
        1 => Ok(Ech::Inner),
        other => Err(Malformed::Ech(other)),
    }
}

/// The smallest that is there twice. Sorted, since there may be thousands.
fn repeated(mut codes: Vec<u16>) -> Option<u16> {
    codes.sort_unstable();
    codes.windows(2).find_map(|pair| match *pair {
        [a, b] if a == b => Some(a),
        _ => None,
    })
}
