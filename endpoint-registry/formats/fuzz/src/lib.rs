//! What every target holds of an answer.

use jiff::Timestamp;
use sark_feed_formats::{ParseLimits, Part, parse};
use sark_registry::feed::{Content, Format, Subject};

const MOST: u64 = 2000;

/// Reads the parts; what comes out is sorted, each once, within the limit, and in canonical form.
pub fn read(format: &Format, parts: &[(&str, &[u8])]) {
    let parts: Vec<_> = parts.iter().map(|&(name, octets)| Part { name, octets }).collect();
    let now = Timestamp::from_second(1_795_000_000).expect("a time");
    let parsed = match parse(format, &parts, &ParseLimits { most_entries: MOST }, now) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(error.to_string().chars().count() < 800, "long: {error}");
            return;
        }
    };
    assert!(parsed.content.count() <= MOST);
    assert!(parsed.skipped.len() <= 100);
    assert!(parsed.skipped_count >= parsed.skipped.len() as u64);
    for skipped in &parsed.skipped {
        assert!(skipped.reason.chars().count() < 200, "long: {}", skipped.reason);
    }
    match &parsed.content {
        Content::Entries(entries) => {
            assert!(entries.is_sorted_by(|a, b| a < b));
            for entry in entries {
                assert!(entry.labels.is_sorted_by(|a, b| a < b));
                assert!(entry.ports.iter().all(|port| port.first > 0 && port.first <= port.last));
                match &entry.subject {
                    Subject::Prefix(prefix) => assert_eq!(*prefix, prefix.trunc()),
                    Subject::Name(name) => assert_eq!(name.as_str().parse().as_ref(), Ok(name)),
                }
            }
        }
        Content::Asns(ranges) => {
            assert!(ranges.iter().all(|range| range.asn > 0 && range.first <= range.last));
            assert!(ranges.windows(2).all(|pair| pair[0].last < pair[1].first));
        }
        Content::Suffixes(_) | Content::Prices(_) => {}
    }
}
