//! What the scalars of a policy may be.

mod actions;
mod packets;
mod times;
mod words;

pub(crate) use actions::{ByteRate, PacketRate, Pool, RouteTargetText, WhenDown};
pub(crate) use packets::{
    DSCP_NAMES, Dscp, FragmentWord, Length, PROTOCOL_NAMES, Port, Prefix, ProtocolWord, TcpFlag,
};
pub(crate) use times::{Day, Expires, TimeOfDay, Zone};
pub(crate) use words::{
    ApiVersion, Destination, KINDS_OF_DOCUMENT, KindOfDocument, KindWord, Name, Priority, Service,
    Slug,
};

use super::written::Wrong;
use sark_core::document::{listed, nearest};

/// An unknown word, with the nearest known one or all of them.
fn unknown(what: &str, word: &str, known: &[&str]) -> Wrong {
    let wrong = Wrong::new(format!("unknown {what} `{word}`"));
    match nearest(word, known.iter().copied()) {
        Some(near) => wrong.help(format!("did you mean `{near}`?")),
        None => wrong.help(format!("known here: {}", listed(known.iter().copied()))),
    }
}

/// A whole number in plain decimal, without leading zeros.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|octet| octet.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    if plain && !padded { text.parse().ok() } else { None }
}
