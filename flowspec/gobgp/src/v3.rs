//! Generation 3 of GoBGP's interface (gobgpd 3.x): [`encode`] and [`decode`] are pure mappings,
//! `calls` is what is asked of the daemon.

pub(crate) mod calls;
pub mod decode;
pub mod encode;

pub use calls::CHUNK;
