//! Values of IANA's registries that this crate asks for by name.

/// Record content types (RFC 8446 §5.1).
pub mod record {
    /// alert
    pub const ALERT: u8 = 21;
    /// handshake
    pub const HANDSHAKE: u8 = 22;
    /// change_cipher_spec, alert, handshake, application_data, and RFC 6520's heartbeat.
    pub const TYPES: std::ops::RangeInclusive<u8> = 20..=24;
    /// The most octets of a plaintext record.
    pub const MOST: u16 = 1 << 14;
}

/// Handshake types (RFC 8446 §4).
pub mod handshake {
    /// client_hello
    pub const CLIENT_HELLO: u8 = 1;
}

/// Extension types.
pub mod extension {
    /// server_name (RFC 6066 §3)
    pub const SERVER_NAME: u16 = 0;
    /// supported_groups (RFC 8446 §4.2.7)
    pub const SUPPORTED_GROUPS: u16 = 10;
    /// ec_point_formats (RFC 8422 §5.1.2)
    pub const EC_POINT_FORMATS: u16 = 11;
    /// signature_algorithms (RFC 8446 §4.2.3)
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    /// application_layer_protocol_negotiation (RFC 7301)
    pub const ALPN: u16 = 16;
    /// pre_shared_key (RFC 8446 §4.2.11)
    pub const PRE_SHARED_KEY: u16 = 41;
    /// early_data (RFC 8446 §4.2.10)
    pub const EARLY_DATA: u16 = 42;
    /// supported_versions (RFC 8446 §4.2.1)
    pub const SUPPORTED_VERSIONS: u16 = 43;
    /// psk_key_exchange_modes (RFC 8446 §4.2.9)
    pub const PSK_KEY_EXCHANGE_MODES: u16 = 45;
    /// key_share (RFC 8446 §4.2.8)
    pub const KEY_SHARE: u16 = 51;
    /// encrypted_client_hello (RFC 9849 §5)
    pub const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
}

/// Protocol versions.
pub mod version {
    /// TLS 1.2
    pub const TLS12: u16 = 0x0303;
    /// TLS 1.3
    pub const TLS13: u16 = 0x0304;
}

/// Whether a cipher suite, extension, group, version or signature scheme is one of the sixteen that
/// clients offer so that servers stay used to unknown ones (RFC 8701 §2).
pub const fn is_grease(code: u16) -> bool {
    let [high, low] = code.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}
