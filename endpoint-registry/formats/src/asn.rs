//! `https://iptoasn.com/data/ip2asn-v4.tsv`, `-v6.tsv`, `-combined.tsv`: first address, last
//! address, number, country and name, between tabs. Number 0 is space that nobody announces: left
//! out without a word, as it is a third of the file.

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use sark_registry::feed::{AsnRange, Content, Parsed};

use crate::{ParseError, Part, collect::Collect, json, text};

pub(crate) fn parse(parts: &[Part<'_>], mut out: Collect) -> Result<Parsed, ParseError> {
    let mut ranges: Vec<AsnRange> = Vec::new();
    let mut names: HashSet<Arc<str>> = HashSet::new();
    crate::each(parts, &mut out, |octets, out| {
        for (number, line) in text::lines(octets) {
            let place = || format!("line {number}");
            if line.is_empty() {
                continue;
            }
            let mut fields = line.splitn(5, '\t').map(str::trim);
            let mut next = || fields.next();
            let (Some(first), Some(last), Some(asn)) = (next(), next(), next()) else {
                let expected = "first, last, number, country and name between tabs";
                return Err(json::unexpected(out, &place(), expected, &text::few(&line)));
            };
            let (_country, name) = (next(), next().unwrap_or_default());
            let (first, last) = match range(first, last) {
                Ok(range) => range,
                Err(reason) => {
                    out.skip(place, reason);
                    continue;
                }
            };
            let Ok(asn) = asn.parse::<u32>() else {
                out.skip(place, format!("{} is not the number of a network", text::few(asn)));
                continue;
            };
            if asn == 0 {
                continue;
            }
            if ranges.len() >= out.most() {
                return Err(out.too_many());
            }
            let name = match names.get(name) {
                Some(name) => Arc::clone(name),
                None => {
                    let shared: Arc<str> = Arc::from(name);
                    names.insert(Arc::clone(&shared));
                    shared
                }
            };
            ranges.push(AsnRange { first, last, asn, name });
        }
        Ok(())
    })?;
    ranges.sort_unstable();
    ranges.dedup();
    let mut end: Option<IpAddr> = None;
    ranges.retain(|range| {
        // IPv4 sorts before IPv6.
        let apart = end.is_none_or(|end| range.first > end);
        if apart {
            end = Some(range.last);
        } else {
            let place = || format!("{} to {}", range.first, range.last);
            out.skip(place, "lies over the range before it");
        }
        apart
    });
    out.parsed(Content::Asns(ranges))
}

fn range(first: &str, last: &str) -> Result<(IpAddr, IpAddr), String> {
    let address = |text: &str| {
        text.parse::<IpAddr>().map_err(|_| format!("{} is not an address", text::few(text)))
    };
    let (first, last) = (address(first)?, address(last)?);
    if first.is_ipv4() != last.is_ipv4() {
        return Err(format!("{first} and {last} are of two families"));
    }
    if last < first {
        return Err(format!("{first} to {last} ends before it begins"));
    }
    Ok((first, last))
}
