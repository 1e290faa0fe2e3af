//! A path, a line end, a document.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_feed_formats_fuzz::read;
use sark_registry::feed::{Format, JsonForm};

fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|&octet| octet == b'\n') else { return };
    let Ok(path) = std::str::from_utf8(&input[..end]) else { return };
    // What a path costs is its author's choice: no more than one descent here.
    if end > 64 || path.matches("..").count() > 1 || path.contains(['?', '(']) {
        return;
    }
    let form = JsonForm {
        items: path.to_owned(),
        subjects: vec!["$.addr".to_owned(), "$[*]".to_owned()],
        tag: Some("$.kind".to_owned()),
    };
    read(&Format::Json(form), &[("a", &input[end + 1..])]);
});
