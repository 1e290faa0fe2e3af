//! How connections come to the proxy.

pub mod explicit;
pub mod net;
pub mod transparent;
