//! Tables with commas, or another octet, between columns (RFC 4180).

use std::fmt::Display;

use csv::{ByteRecord, ReaderBuilder};
use sark_registry::feed::CsvForm;

use crate::{ParseError, collect::Collect, json, text};

/// A table that the operator describes. Label `tag` if a column is named for it. Empty subjects and
/// lines that begin with `#` are passed over.
pub(crate) fn parse(form: &CsvForm, octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let mut reader = ReaderBuilder::new()
        .delimiter(form.delimiter)
        .has_headers(form.header)
        .flexible(true)
        .comment(Some(b'#'))
        .from_reader(octets);
    let header = match form.header {
        true => reader.byte_headers().map_err(|error| broken(&error, out))?.clone(),
        false => ByteRecord::new(),
    };
    let column = |name: &str, out: &Collect| {
        let named = header.iter().position(|field| field.trim_ascii() == name.as_bytes());
        // From 1.
        let number = || name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        named.or_else(number).ok_or_else(|| {
            let names: Vec<_> = header.iter().take(8).map(String::from_utf8_lossy).collect();
            let found = format!("a header of {}", text::brief(&names.join(", ")));
            json::unexpected(out, "line 1", &format!("a column {}", text::few(name)), &found)
        })
    };
    let subject = column(&form.columns.subject, out)?;
    let tag = form.columns.tag.as_deref().map(|name| column(name, out)).transpose()?;
    // The reader's own count of lines depends on how they end.
    let (mut record, mut number) = (ByteRecord::new(), 0_u64);
    while reader.read_byte_record(&mut record).map_err(|error| broken(&error, out))? {
        number += 1;
        let place = || format!("record {number}");
        let field = |at: usize| record.get(at).map(String::from_utf8_lossy);
        let Some(text) = field(subject) else {
            out.skip(place, format!("it has {} columns only", record.len()));
            continue;
        };
        if text.trim().is_empty() {
            out.skip(place, "the column is empty");
            continue;
        }
        let tag = tag.and_then(field).unwrap_or_default();
        let labels = out.labels(&[("tag", tag.trim())]);
        out.subject(&text, &labels, place)?;
    }
    Ok(())
}

/// `https://mask-api.icloud.com/egress-ip-ranges.csv`: `prefix,country,region,city,` without a
/// header. Labels `country`, `region`.
pub(crate) fn private_relay(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    for (number, line) in text::lines(octets) {
        let place = || format!("line {number}");
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut fields = line.split(',').map(str::trim);
        let prefix = fields.next().unwrap_or_default();
        let (country, region) = (fields.next(), fields.next());
        if country.is_none() {
            let expected = "prefix,country,region,city";
            return Err(json::unexpected(out, &place(), expected, &text::few(&line)));
        }
        let pairs =
            [("country", country.unwrap_or_default()), ("region", region.unwrap_or_default())];
        let labels = out.labels(&pairs);
        out.address(prefix, &labels, place)?;
    }
    Ok(())
}

fn broken(error: &impl Display, out: &Collect) -> ParseError {
    json::unexpected(out, "a record", "CSV", &text::brief(&error.to_string()))
}
