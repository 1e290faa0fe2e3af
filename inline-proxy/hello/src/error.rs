//! Why there is no hello.

use std::fmt;

use crate::NameError;

/// Why a connection that begins like TLS is none that we read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The hello of SSL 2.0, also as a disguise of later versions (RFC 6176 §3 forbids it).
    #[error("the hello is SSLv2's")]
    Sslv2,
    /// The client ends what it did not begin.
    #[error("a TLS alert came instead of a hello")]
    Alert,
    /// Of this type, as the first one.
    #[error("the first TLS record is of type {0}, not a handshake")]
    FirstRecord(u8),
    /// Of this type, before the hello's end (RFC 8446 §5.1).
    #[error("a TLS record of type {0} came within the hello")]
    Interleaved(u8),
    /// Its major version is not 3. Whatever the minor one is, it means nothing (RFC 8446 §5.1).
    #[error("a TLS record within the hello has version {0:#06x}")]
    RecordVersion(u16),
    /// A handshake record without content (RFC 8446 §5.1).
    #[error("a TLS record within the hello is empty")]
    EmptyRecord,
    /// It claims more than 2^14 octets (RFC 8446 §5.1).
    #[error("a TLS record claims {0} octets")]
    LongRecord(u16),
    /// More than [`Limits::records`](crate::Limits::records).
    #[error("the hello is cut into more than {0} records")]
    ManyRecords(usize),
    /// It has, or claims, more than [`Limits::octets`](crate::Limits::octets).
    #[error("the hello is longer than {0} octets")]
    TooLong(usize),
    /// Of this handshake type.
    #[error("the first handshake message is of type {0}, not a ClientHello")]
    NotHello(u8),
    /// The record goes on after the hello, where the client has nothing to say yet.
    #[error("the record goes on after the hello")]
    Trailing,
    /// The message is no ClientHello.
    #[error("the ClientHello is malformed")]
    Malformed(#[from] Malformed),
    /// The reader was asked again after its verdict.
    #[error("the verdict was given before")]
    Over,
}

/// What is wrong with a ClientHello.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The octets end before it does, or its length reaches beyond what holds it.
    #[error("{0} ends early")]
    Short(Part),
    /// Octets are left over after its end.
    #[error("{0} goes on after its end")]
    Long(Part),
    /// It must have an element.
    #[error("{0} is empty")]
    Empty(Part),
    /// A list of two-octet codes of an odd length.
    #[error("{0} ends in half a code")]
    Odd(Part),
    /// Longer than 32 octets.
    #[error("the session id has {0} octets")]
    SessionId(u8),
    /// Null compression is not offered, or something else is with TLS 1.3 (RFC 8446 §4.1.2).
    #[error("the compression methods are not the one that is allowed")]
    Compression,
    /// Twice in the block (RFC 8446 §4.2).
    #[error("extension {0} is there twice")]
    Duplicate(u16),
    /// Two key shares of one group (RFC 8446 §4.2.8).
    #[error("two key shares are of group {0:#06x}")]
    DuplicateShare(u16),
    /// pre_shared_key is not the last extension (RFC 8446 §4.2.11).
    #[error("pre_shared_key is not the last extension")]
    PskNotLast,
    /// pre_shared_key without psk_key_exchange_modes (RFC 8446 §4.2.9).
    #[error("pre_shared_key comes without psk_key_exchange_modes")]
    PskWithoutModes,
    /// As many binders as identities (RFC 8446 §4.2.11).
    #[error("pre_shared_key has {identities} identities and {binders} binders")]
    PskBinders {
        /// How many.
        identities: usize,
        /// How many.
        binders: usize,
    },
    /// Neither outer nor inner (RFC 9849 §5).
    #[error("encrypted_client_hello is of type {0}")]
    Ech(u8),
    /// Of a type that has no meaning, or a second one (RFC 6066 §3).
    #[error("server_name does not have exactly one host name")]
    ServerNames,
    /// The name.
    #[error("the server name is none")]
    Name(#[from] NameError),
}

/// A part of the hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Part {
    Hello,
    Version,
    Random,
    SessionId,
    CipherSuites,
    CompressionMethods,
    Extensions,
    /// Of an extension that is not known here.
    Extension(u16),
    ServerName,
    SupportedGroups,
    PointFormats,
    SignatureAlgorithms,
    Alpn,
    PreSharedKey,
    EarlyData,
    SupportedVersions,
    KeyShare,
    EncryptedClientHello,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello => "the hello",
            Self::Version => "the version",
            Self::Random => "the random",
            Self::SessionId => "the session id",
            Self::CipherSuites => "the list of cipher suites",
            Self::CompressionMethods => "the list of compression methods",
            Self::Extensions => "the block of extensions",
            Self::Extension(kind) => return write!(f, "extension {kind}"),
            Self::ServerName => "server_name",
            Self::SupportedGroups => "supported_groups",
            Self::PointFormats => "ec_point_formats",
            Self::SignatureAlgorithms => "signature_algorithms",
            Self::Alpn => "application_layer_protocol_negotiation",
            Self::PreSharedKey => "pre_shared_key",
            Self::EarlyData => "early_data",
            Self::SupportedVersions => "supported_versions",
            Self::KeyShare => "key_share",
            Self::EncryptedClientHello => "encrypted_client_hello",
        })
    }
}
