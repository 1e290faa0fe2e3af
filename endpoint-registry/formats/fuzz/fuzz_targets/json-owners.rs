//! JSON of publishers. The first octet chooses whose.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_feed_formats_fuzz::read;
use sark_registry::feed::Format;

fuzz_target!(|input: &[u8]| {
    let Some((&first, octets)) = input.split_first() else { return };
    let formats = [
        Format::Prefixes,
        Format::Google,
        Format::Aws,
        Format::Azure,
        Format::Fastly,
        Format::Github,
        Format::Onionoo,
        Format::Mullvad,
        Format::Nordvpn,
        Format::Proton,
        Format::Pia,
        Format::Surfshark,
        Format::Ivpn,
        Format::Airvpn,
        Format::Windscribe,
        Format::Derp,
        Format::RipeAnnounced,
    ];
    let at = usize::from(first.wrapping_sub(b'a')) % formats.len();
    read(&formats[at], &[("a", octets)]);
});
