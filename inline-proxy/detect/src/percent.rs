//! Percent-decoding (RFC 3986 §2.1).

use std::borrow::Cow;

/// Each `%xx` undone once; one that is none stays as it is. What is no UTF-8 then is replaced.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let pair = match (first, after) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match pair {
            Some((high, low)) => {
                octets.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                octets.push(first);
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&octets).into_owned())
}

fn digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| digit.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn what_is_encoded_and_what_is_not() {
        for (text, decoded) in [
            ("gpt-5", "gpt-5"),
            ("arn%3Aaws%3abedrock", "arn:aws:bedrock"),
            ("a%2Fb%20c", "a/b c"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%2541", "%41"),
            ("%ff", "\u{fffd}"),
            ("%C3%A9", "é"),
        ] {
            assert_eq!(decode(text), decoded);
        }
    }
}
