//! Registry values, each with the document that assigns it.

/// Subsequent address family identifier of FlowSpec rules (RFC 8955 section 4).
pub const SAFI_FLOWSPEC: u8 = 133;
/// Longest NLRI body that the two-octet length can say (RFC 8955 section 4.1).
pub const MAX_NLRI_BODY: usize = 4095;
