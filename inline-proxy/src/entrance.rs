//! How connections come to the proxy.

pub(crate) mod door;
pub mod explicit;
pub mod net;
mod told;
pub mod transparent;
