//! What a certificate is told by: its SHA-256.

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};
use serde::{Serialize, Serializer};

/// SHA-256 of a certificate's DER. Written as `openssl x509 -fingerprint -sha256` does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

/// A text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 64 hex digits, with or without colons between each two")]
pub struct FingerprintError;

impl Fingerprint {
    /// Of a certificate.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        let mut octets = [0; 32];
        octets.iter_mut().zip(digest(&SHA256, der).as_ref()).for_each(|(to, from)| *to = *from);
        Self(octets)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, octet) in self.0.iter().enumerate() {
            let colon = if number == 0 { "" } else { ":" };
            write!(f, "{colon}{octet:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits: Option<Vec<_>> =
            text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16)).collect();
        let digits = digits.ok_or(FingerprintError)?;
        let octets = digits.chunks(2).map(|pair| match pair {
            [high, low] => u8::try_from(high << 4 | low).ok(),
            _ => None,
        });
        let octets: Vec<_> = octets.collect::<Option<_>>().ok_or(FingerprintError)?;
        Ok(Self(octets.try_into().map_err(|_| FingerprintError)?))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_others_write_it() {
        let print = Fingerprint::of(b"");
        assert!(print.to_string().starts_with("E3:B0:C4:42:98:FC:1C:14:"));
        assert_eq!(print.to_string().parse(), Ok(print));
        assert_eq!(print.to_string().to_lowercase().replace(':', "").parse(), Ok(print));
        for wrong in
            ["", "E3", "E3:B", &format!("{print}:00"), &print.to_string().replace("E3", "G3")]
        {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(FingerprintError), "{wrong}");
        }
    }
}
