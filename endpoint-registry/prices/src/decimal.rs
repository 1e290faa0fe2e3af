//! Decimal text → a whole number of 10⁻¹² units, without a float on the way.

/// 10⁻¹²: the places that are kept.
const PLACES: i64 = 12;
/// Any number of so many digits fits a `u128`.
const MOST_DIGITS: i64 = 38;

/// A number that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    /// In 10⁻¹² units; half was rounded to even.
    pub(crate) pico: u128,
    /// Nothing was rounded.
    pub(crate) exact: bool,
}

/// Why a text is no number that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecimalError {
    #[error("is not a number")]
    NotANumber,
    #[error("is negative")]
    Negative,
    #[error("is too large")]
    TooLarge,
    #[error("is not zero, and less than half a picodollar")]
    TooSmall,
}

/// Reads what JSON calls a number: `5`, `0.25`, `1.25e-06`.
pub(crate) fn parse(text: &str) -> Result<Decimal, DecimalError> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, power(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(DecimalError::NotANumber),
        None => (mantissa, ""),
    };
    let digits = || whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !digits().all(|digit| digit.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    let significant = || digits().skip_while(|digit| *digit == b'0').map(|digit| digit - b'0');
    let count = length(significant().count());
    if count == 0 {
        return Ok(Decimal { pico: 0, exact: true });
    }
    if negative {
        return Err(DecimalError::Negative);
    }
    // The value is the significant digits, times ten to this.
    let scale = exponent.saturating_add(PLACES).saturating_sub(length(fraction.len()));
    let kept = count.saturating_add(scale);
    if kept > MOST_DIGITS {
        return Err(DecimalError::TooLarge);
    }
    let (mut pico, mut at, mut next, mut more) = (0_u128, 0_i64, 0_u8, false);
    for digit in significant() {
        match at - kept {
            ..0 => pico = pico * 10 + u128::from(digit),
            0 => next = digit,
            _ => more |= digit != 0,
        }
        at += 1;
    }
    for _ in at..kept {
        pico *= 10;
    }
    let exact = next == 0 && !more;
    if next > 5 || (next == 5 && (more || pico % 2 == 1)) {
        pico += 1;
    }
    if pico == 0 && !exact {
        return Err(DecimalError::TooSmall);
    }
    Ok(Decimal { pico, exact })
}

/// What follows the `e`; further than any use is as far as that.
fn power(text: &str) -> Result<i64, DecimalError> {
    let (sign, digits) = match text.as_bytes() {
        [b'-', ..] => (-1, &text[1..]),
        [b'+', ..] => (1, &text[1..]),
        _ => (1, text),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    Ok(sign * digits.parse::<i64>().unwrap_or(FAR).min(FAR))
}

/// Ten to this, or one by it, is of no use whatever stands before it.
const FAR: i64 = i64::MAX / 4;

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(FAR)
}

/// A whole number, also if it is written `256000.0` or `1e6`.
pub(crate) fn whole(text: &str) -> Option<u64> {
    let unit = 10_u128.pow(12);
    let read = parse(text).ok().filter(|read| read.exact && read.pico % unit == 0)?;
    u64::try_from(read.pico / unit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_lists_write_them() {
        for (text, pico) in [
            ("0", 0),
            ("0.0", 0),
            ("-0.0", 0),
            ("0e-99999999999999999999", 0),
            ("1", 1_000_000_000_000),
            ("1.25e-06", 1_250_000),
            ("3E-7", 300_000),
            ("0.000015", 15_000_000),
            ("15e+2", 1_500_000_000_000_000),
            ("1e-12", 1),
            ("0.000000000001000000000000", 1),
        ] {
            assert_eq!(parse(text), Ok(Decimal { pico, exact: true }), "{text}");
        }
    }

    #[test]
    fn half_goes_to_even() {
        for (text, pico) in [
            ("0.5e-12", None),
            ("0.51e-12", Some(1)),
            ("1.5e-12", Some(2)),
            ("2.5e-12", Some(2)),
            ("2.5000000000000000000000000001e-12", Some(3)),
            ("1.0416666666666668e-06", Some(1_041_667)),
            ("9.9999e-12", Some(10)),
        ] {
            let read = parse(text);
            match pico {
                Some(pico) => assert_eq!(read, Ok(Decimal { pico, exact: false }), "{text}"),
                None => assert_eq!(read, Err(DecimalError::TooSmall), "{text}"),
            }
        }
    }

    #[test]
    fn what_is_no_price() {
        use DecimalError::{Negative, NotANumber, TooLarge, TooSmall};
        for (text, error) in [
            ("", NotANumber),
            (".5", NotANumber),
            ("5.", NotANumber),
            ("1e", NotANumber),
            ("1e+", NotANumber),
            ("+1", NotANumber),
            ("--1", NotANumber),
            ("1,5", NotANumber),
            ("1 ", NotANumber),
            ("NaN", NotANumber),
            ("0x10", NotANumber),
            ("\u{663}", NotANumber),
            ("-1e-06", Negative),
            ("1e30", TooLarge),
            ("1e999999999999999999999999", TooLarge),
            ("1e-13", TooSmall),
            ("9e-99999999999999999999", TooSmall),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
        assert_eq!(parse(&format!("0.{}1", "0".repeat(100_000))), Err(TooSmall));
        assert_eq!(parse(&"9".repeat(100_000)), Err(TooLarge));
    }

    #[test]
    fn whole_numbers() {
        for (text, number) in [("256000.0", Some(256_000)), ("1e6", Some(1_000_000)), ("0.5", None)]
        {
            assert_eq!(whole(text), number, "{text}");
        }
        assert_eq!(whole("1e20"), None);
    }
}
