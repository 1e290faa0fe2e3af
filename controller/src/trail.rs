//! decision → [trail]: what vouches for the trail's records, and what of them is kept.
//!
//! [`sark_trail`] takes records and moves them to the store; here the [`Auditor`] reads behind it,
//! verifies and signs, and [`Anchors`] take what it signed outside.

mod anchoring;
mod anchors;
mod auditor;
mod events;
mod keep;
mod key;

pub use anchors::Anchors;
pub use auditor::{Auditor, AuditorError, AuditorSettings};
pub(crate) use events::AuditorMetrics;
pub use keep::Keep;
pub use key::{TrailKeyError, of_text, signing_key};
