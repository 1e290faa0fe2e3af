//! The few forms of DER that a certificate takes (X.690 §8 and §10, RFC 5280 appendix A).

use jiff::Timestamp;
use jiff::tz::Offset;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `[number]`, of what has parts.
pub(crate) const fn explicit(number: u8) -> u8 {
    0xa0 | number
}

/// `[number] IMPLICIT`, of what has none.
pub(crate) const fn implicit(number: u8) -> u8 {
    0x80 | number
}

/// Tag, length, and these one after the other.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if let Some(short) = u8::try_from(length).ok().filter(|length| *length < 0x80) {
        out.push(short);
    } else {
        let octets = length.to_be_bytes();
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        let octets = octets.get(zeros..).unwrap_or_default();
        // A length has at most as many octets as a `usize`.
        out.push(0x80 | u8::try_from(octets.len()).unwrap_or(0x7f));
        out.extend_from_slice(octets);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A moment, to the second. UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280 §4.1.2.5).
pub(crate) fn time(at: Timestamp) -> Vec<u8> {
    let at = Offset::UTC.to_datetime(at);
    let (year, month, day) = (at.year(), at.month(), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    if (1950..2050).contains(&year) {
        tlv(UTC_TIME, &[format!("{:02}", year % 100).as_bytes(), rest.as_bytes()])
    } else {
        tlv(GENERALIZED_TIME, &[format!("{:04}", year.max(0)).as_bytes(), rest.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        assert_eq!(tlv(INTEGER, &[&[1], &[2]]), [2, 2, 1, 2]);
        assert_eq!(tlv(SEQUENCE, &[]), [0x30, 0]);
        assert_eq!(tlv(SEQUENCE, &[&[7; 127]])[..2], [0x30, 0x7f]);
        assert_eq!(tlv(SEQUENCE, &[&[7; 128]])[..3], [0x30, 0x81, 0x80]);
        assert_eq!(tlv(SEQUENCE, &[&[7; 300]])[..4], [0x30, 0x82, 1, 44]);
    }

    #[test]
    fn the_form_of_times_changes_in_2050() {
        let time = |text: &str| String::from_utf8(time(text.parse().unwrap())).unwrap();
        assert_eq!(time("2026-11-29T04:05:06.7Z"), "\x17\x0d261129040506Z");
        assert_eq!(time("2049-12-31T23:59:59Z"), "\x17\x0d491231235959Z");
        assert_eq!(time("2050-01-01T00:00:00Z"), "\x18\x0f20500101000000Z");
    }
}
