//! Indicators. The first octet chooses the form; for the third it is a pattern.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_feed_formats_fuzz::read;
use sark_registry::feed::Format;

fuzz_target!(|input: &[u8]| {
    let Some((&first, octets)) = input.split_first() else { return };
    match first % 3 {
        0 => read(&Format::Misp, &[("a", octets)]),
        1 => read(&Format::Stix, &[("a", octets)]),
        _ => {
            let pattern = String::from_utf8_lossy(octets);
            let document =
                format!(r#"{{"objects":[{{"type":"indicator","pattern":{pattern:?}}}]}}"#);
            read(&Format::Stix, &[("a", document.as_bytes())]);
        }
    }
});
