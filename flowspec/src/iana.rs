//! Registry values, each with the document that assigns it.

/// Subsequent address family identifier of FlowSpec rules (RFC 8955 section 4).
pub const SAFI_FLOWSPEC: u8 = 133;
/// Longest NLRI body that the two-octet length can say (RFC 8955 section 4.1).
pub const MAX_NLRI_BODY: usize = 4095;
/// First body length that takes two length octets (RFC 8955 section 4.1).
pub const TWO_OCTET_LENGTH: usize = 240;

/// IP protocol numbers that components depend on (RFC 8955 section 4.2.2, RFC 8956 section 3).
pub mod protocol {
    /// Internet Control Message Protocol.
    pub const ICMP: u8 = 1;
    /// Transmission Control Protocol.
    pub const TCP: u8 = 6;
    /// User Datagram Protocol.
    pub const UDP: u8 = 17;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
}

/// Bits of the fragment component (RFC 8955 section 4.2.2.12, RFC 8956 section 3.6).
pub mod fragment {
    /// IPv4 don't-fragment; not defined for IPv6.
    pub const DF: u64 = 0x01;
    /// A fragment other than the first: the offset is not zero.
    pub const IS_FRAGMENT: u64 = 0x02;
    /// The first fragment: offset zero and more to come.
    pub const FIRST: u64 = 0x04;
    /// The last fragment: offset not zero and none to come.
    pub const LAST: u64 = 0x08;
}

/// Bits of the TCP flags (RFC 9293 section 3.1, RFC 3168), as type 9 of one octet holds them.
#[expect(missing_docs, reason = "the flags' own names")]
pub mod tcp {
    pub const FIN: u16 = 0x01;
    pub const SYN: u16 = 0x02;
    pub const RST: u16 = 0x04;
    pub const PSH: u16 = 0x08;
    pub const ACK: u16 = 0x10;
    pub const URG: u16 = 0x20;
    pub const ECE: u16 = 0x40;
    pub const CWR: u16 = 0x80;
    /// All bits of octets 13 and 14 but the data offset.
    pub const ALL: u16 = 0x0fff;
}
