//! Domain lists that include one another: files a, b, c and d, between NUL octets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_feed_formats_fuzz::read;
use sark_registry::feed::Format;

fuzz_target!(|input: &[u8]| {
    let files = ["a", "https://lists.example/b", "c", "d"];
    let parts: Vec<_> = files.into_iter().zip(input.split(|&octet| octet == 0)).collect();
    read(&Format::DomainList { list: "a".to_owned() }, &parts);
});
