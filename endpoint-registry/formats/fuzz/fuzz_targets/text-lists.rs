//! Lines. The first octet chooses the form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_feed_formats_fuzz::read;
use sark_registry::feed::Format;

fuzz_target!(|input: &[u8]| {
    let Some((&first, octets)) = input.split_first() else { return };
    let format = if first % 2 == 0 { Format::Text } else { Format::TorExitAddresses };
    read(&format, &[("a", octets)]);
});
