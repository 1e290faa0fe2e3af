//! IP to ASN, and public suffixes. The first octet chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_feed_formats_fuzz::read;
use sark_registry::feed::Format;

fuzz_target!(|input: &[u8]| {
    let Some((&first, octets)) = input.split_first() else { return };
    let format = if first % 2 == 0 { Format::IpToAsn } else { Format::PublicSuffixes };
    read(&format, &[("a", octets)]);
});
