//! Tables. The first octet chooses the form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_feed_formats_fuzz::read;
use sark_registry::feed::{Columns, CsvForm, Format};

fuzz_target!(|input: &[u8]| {
    let Some((&first, octets)) = input.split_first() else { return };
    if first % 4 == 0 {
        return read(&Format::PrivateRelay, &[("a", octets)]);
    }
    let header = first % 2 == 0;
    let subject = if header { "indicator" } else { "2" }.to_owned();
    let columns = Columns { subject, tag: Some("3".to_owned()) };
    let delimiter = if first % 4 == 1 { b',' } else { b';' };
    read(&Format::Csv(CsvForm { delimiter, header, columns }), &[("a", octets)]);
});
