//! What is asked, what comes back and what is refused, from outside.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

mod answers;
mod frames;
mod heads;
mod hostile;
mod prices;
mod properties;
mod refusals;
mod requests;
mod shapes;
mod support;
