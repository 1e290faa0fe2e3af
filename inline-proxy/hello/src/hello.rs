//! What a client says first.

use std::fmt;

use crate::cursor::Span;
use crate::error::Refusal;
use crate::iana::extension;
use crate::list::Codes;
use crate::{is_grease, parse};

/// A well-formed ClientHello. Everything is as the client sent it, in its order, GREASE included, but
/// for the name, which is in lower case.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// The handshake message, header included.
    pub(crate) message: Vec<u8>,
    pub(crate) version: u16,
    pub(crate) random: Span,
    pub(crate) session_id: Span,
    pub(crate) cipher_suites: Span,
    pub(crate) compression_methods: Span,
    pub(crate) extensions: Vec<(u16, Span)>,
    pub(crate) known: Known,
}

/// What the extensions say that are understood here. A span is of the list's content, empty if the
/// extension is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) server_name: Option<Box<str>>,
    pub(crate) alpn: Span,
    pub(crate) versions: Span,
    pub(crate) groups: Span,
    pub(crate) point_formats: Span,
    pub(crate) signature_algorithms: Span,
    pub(crate) key_shares: Span,
    pub(crate) psk: bool,
    pub(crate) early_data: bool,
    pub(crate) ech: Option<Ech>,
}

/// An extension as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Its type.
    pub kind: u16,
    /// Its content.
    pub octets: &'a [u8],
}

/// The hello has encrypted_client_hello (RFC 9849 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ech {
    /// The server name of this hello is the front's, and the one that is meant is in the payload. Or
    /// there is no other name: a client that knows no key sends the same with random content (GREASE
    /// ECH, §6.2), made so that nobody but the front can tell.
    Outer {
        /// The key of the front that was chosen, or any number.
        config_id: u8,
        /// HPKE's key derivation function.
        kdf: u16,
        /// HPKE's cipher.
        aead: u16,
        /// Length of the payload.
        payload: usize,
    },
    /// This is the inner hello: a front forwards it to a server behind it. From a client, nonsense.
    Inner,
}

impl ClientHello {
    /// A whole handshake message, with its header of type and length, without records.
    pub fn parse(message: Vec<u8>) -> Result<Self, Refusal> {
        parse::client_hello(message)
    }

    /// The handshake message.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// legacy_version: TLS 1.2 from all who speak 1.3.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// 32 octets.
    pub fn random(&self) -> &[u8] {
        self.random.of(&self.message)
    }

    /// No more than 32 octets.
    pub fn session_id(&self) -> &[u8] {
        self.session_id.of(&self.message)
    }

    /// At least one.
    pub fn cipher_suites(&self) -> Codes<'_> {
        Codes(self.cipher_suites.of(&self.message))
    }

    /// Null is among them.
    pub fn compression_methods(&self) -> &[u8] {
        self.compression_methods.of(&self.message)
    }

    /// All of them.
    pub fn extensions(&self) -> impl ExactSizeIterator<Item = Extension<'_>> + Clone {
        let of = |&(kind, span): &(u16, Span)| Extension { kind, octets: span.of(&self.message) };
        self.extensions.iter().map(of)
    }

    /// The content of one.
    pub fn extension(&self, kind: u16) -> Option<&[u8]> {
        self.extensions().find(|other| other.kind == kind).map(|found| found.octets)
    }

    /// The name that is asked for, in lower case: no address, no dot at the end. With [`Self::ech`] it
    /// may be the name of a front.
    pub fn server_name(&self) -> Option<&str> {
        self.known.server_name.as_deref()
    }

    /// Names of application protocols, best first. None if the client does not negotiate.
    pub fn alpn(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let mut rest = self.known.alpn.of(&self.message);
        std::iter::from_fn(move || {
            let (&octets, after) = rest.split_first()?;
            let (name, after) = after.split_at_checked(octets.into())?;
            rest = after;
            Some(name)
        })
    }

    /// Of supported_versions; a client of TLS 1.2 and below does not send it.
    pub fn supported_versions(&self) -> Codes<'_> {
        Codes(self.known.versions.of(&self.message))
    }

    /// Of supported_groups.
    pub fn supported_groups(&self) -> Codes<'_> {
        Codes(self.known.groups.of(&self.message))
    }

    /// Of ec_point_formats.
    pub fn point_formats(&self) -> &[u8] {
        self.known.point_formats.of(&self.message)
    }

    /// Of signature_algorithms.
    pub fn signature_algorithms(&self) -> Codes<'_> {
        Codes(self.known.signature_algorithms.of(&self.message))
    }

    /// The groups for which there is a key share.
    pub fn key_share_groups(&self) -> impl Iterator<Item = u16> + Clone {
        let mut rest = self.known.key_shares.of(&self.message);
        std::iter::from_fn(move || {
            let (&[a, b, c, d], after) = rest.split_first_chunk()?;
            rest = after.get(usize::from(u16::from_be_bytes([c, d]))..)?;
            Some(u16::from_be_bytes([a, b]))
        })
    }

    /// Whether a session of before is to be resumed by pre_shared_key.
    pub fn offers_psk(&self) -> bool {
        self.known.psk
    }

    /// Whether data is sent before the server's answer.
    pub fn offers_early_data(&self) -> bool {
        self.known.early_data
    }

    /// Whether the name may be another one.
    pub fn ech(&self) -> Option<Ech> {
        self.known.ech
    }

    /// Whether the client greases: a browser, or what is built from one.
    pub fn has_grease(&self) -> bool {
        let lists = [
            self.cipher_suites(),
            self.supported_groups(),
            self.supported_versions(),
            self.signature_algorithms(),
        ];
        self.extensions.iter().any(|&(kind, _)| is_grease(kind))
            || lists.into_iter().flat_map(Codes::iter).any(is_grease)
            || self.key_share_groups().any(is_grease)
    }

    pub(crate) fn has(&self, kind: u16) -> bool {
        self.extensions.iter().any(|&(other, _)| other == kind)
    }

    /// Whether server_name is there.
    pub(crate) fn has_server_name(&self) -> bool {
        self.has(extension::SERVER_NAME)
    }
}

impl fmt::Debug for ClientHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alpn: Vec<_> = self.alpn().map(|name| name.escape_ascii().to_string()).collect();
        f.debug_struct("ClientHello")
            .field("octets", &self.message.len())
            .field("server_name", &self.server_name())
            .field("alpn", &alpn)
            .field("ech", &self.ech())
            .field("ja4", &self.ja4())
            .finish_non_exhaustive()
    }
}
