//! What the RFCs say, asked of the whole crate: vectors, refusals, and properties against a
//! second, naive reading of the RFCs (`naive`) that shares no code with the crate.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

mod canonical;
mod decoding;
mod evaluating;
mod generate;
mod making;
mod matching;
mod naive;
mod packets;
mod properties;
mod text;
mod vectors;
