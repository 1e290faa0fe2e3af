//! Octets of an NLRI (RFC 8955 section 4, RFC 8956 section 3).

mod decode;
mod encode;

pub use decode::DecodeError;
