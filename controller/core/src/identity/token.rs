//! Bearer tokens: their text, which is shown once, and what is kept of them.
//!
//! ```text
//! sark_ IIIIIIIIIIII _ SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS CCCCCCC
//!       id, 60 bits    secret, 256 bits                                    checksum, 35 bits
//! ```
//!
//! in Crockford's base 32, small letters. The checksum lets a scanner of leaked secrets, and us,
//! tell a token from something that only looks like one without asking the store. Kept is the
//! SHA-256 of the text: a slow hash (bcrypt, Argon2) protects what people choose against guessing,
//! and 256 random bits cannot be guessed; it would only make each request slow.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Identity, Known, Rights, Role, Scope};
use crate::ContentHash;
use crate::secret::Secret;

/// What every token begins with.
pub const TOKEN_PREFIX: &str = "sark_";

const ID: usize = 12;
const SECRET: usize = 52;
const CHECK: usize = 7;
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What is kept of a token: everything but its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Part of its text; not secret.
    pub id: String,
    /// Unique among those that hold: records name it `token:NAME`, or `sensor:NAME`.
    pub name: String,
    /// SHA-256 of its text.
    pub hash: ContentHash,
    /// What it may do.
    pub rights: Rights,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// From then on it does not hold.
    pub expires_at: Option<Timestamp>,
    /// Since when it does not hold.
    pub revoked_at: Option<Timestamp>,
    /// By whom it was revoked.
    pub revoked_by: Option<String>,
    /// When it was last accepted, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// From where, then: an address, or `socket`.
    pub last_used_from: Option<String>,
}

/// Whether a token holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum TokenState {
    Active,
    Expired,
    Revoked,
}

impl Token {
    /// Whether it holds at this time.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> TokenState {
        if self.revoked_at.is_some() {
            TokenState::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            TokenState::Expired
        } else {
            TokenState::Active
        }
    }

    /// Whether this is its text. Takes as long for one that is not.
    #[must_use]
    pub fn is_text(&self, presented: &Presented) -> bool {
        bool::from(self.hash.digest().ct_eq(&presented.hash.digest()))
    }

    /// Who asks with it.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            name: self.actor(),
            known: Known::Token,
            rights: self.rights.clone(),
            made_by: Some(self.created_by.clone()),
        }
    }

    /// As records name it: one that can only report is a sensor, one that can only decide elsewhere
    /// is a proxy, one that can only count is an enforcer.
    #[must_use]
    pub fn actor(&self) -> String {
        let Rights { roles, scopes } = &self.rights;
        let kind = if roles.is_empty() && scopes.iter().all(|s| matches!(s, Scope::Reports(_))) {
            "sensor"
        } else if roles.is_empty() && scopes.iter().all(|scope| *scope == Scope::Proxy) {
            "proxy"
        } else if roles.is_empty() && scopes.iter().all(|scope| *scope == Scope::Enforcer) {
            "enforcer"
        } else {
            "token"
        };
        format!("{kind}:{}", self.name)
    }

    /// Whether it says who may do what.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.rights.roles.contains(&Role::Admin)
    }
}

/// A token's text as somebody showed it: its id, and the hash to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Which token it says it is.
    pub id: String,
    /// SHA-256 of the text.
    pub hash: ContentHash,
}

/// A text that is no token. It is not repeated: it may be a secret of something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no token of SARK")]
pub struct Malformed;

impl Presented {
    /// Reads a token's text.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let rest = text.strip_prefix(TOKEN_PREFIX).ok_or(Malformed)?;
        let (id, rest) = rest.split_once('_').ok_or(Malformed)?;
        let digits = |text: &str| text.bytes().all(|b| DIGITS.contains(&b));
        if id.len() != ID || rest.len() != SECRET + CHECK || !digits(id) || !digits(rest) {
            return Err(Malformed);
        }
        let (body, check) = text.split_at_checked(text.len() - CHECK).ok_or(Malformed)?;
        if check_of(body) != check {
            return Err(Malformed);
        }
        Ok(Self { id: id.to_owned(), hash: ContentHash::of(text.as_bytes()) })
    }

    /// The text of a new token from 40 random octets, and what is kept of it.
    #[must_use]
    pub fn make(random: &[u8; 40]) -> (Secret, Self) {
        let (id, secret) = random.split_at(8);
        let id = digits_of(id, ID);
        let body = format!("{TOKEN_PREFIX}{id}_{}", digits_of(secret, SECRET));
        let text = format!("{body}{}", check_of(&body));
        let presented = Self { id, hash: ContentHash::of(text.as_bytes()) };
        (Secret::new(text), presented)
    }
}

fn check_of(body: &str) -> String {
    digits_of(&Sha256::digest(body.as_bytes()), CHECK)
}

/// The first bits of these octets, five a digit; zeros when they end.
fn digits_of(octets: &[u8], count: usize) -> String {
    let bit = |at: usize| octets.get(at / 8).map_or(0, |octet| octet >> (7 - at % 8) & 1);
    let digit = |number: usize| {
        let value = (0..5).fold(0, |value, at| value << 1 | bit(number * 5 + at));
        DIGITS.get(usize::from(value)).map_or('0', |digit| char::from(*digit))
    };
    (0..count).map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_as_it_was_made_and_one_letter_off_does_not() {
        let random: [u8; 40] = std::array::from_fn(|at| (at * 37) as u8);
        let (text, made) = Presented::make(&random);
        let text = text.reveal();
        assert_eq!(text.len(), 5 + ID + 1 + SECRET + CHECK);
        assert_eq!(Presented::read(text), Ok(made.clone()));
        for at in 0..text.len() {
            let mut wrong = text.as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(Presented::read(std::str::from_utf8(&wrong).unwrap()), Err(Malformed));
        }
        for wrong in ["", "sark_", "sark__", &text[..70], &format!("{text}0"), "sark_é_"] {
            assert_eq!(Presented::read(wrong), Err(Malformed), "{wrong}");
        }
        let (other, _) = Presented::make(&[7; 40]);
        assert_ne!(other.reveal(), text);
    }

    #[test]
    fn bits_become_digits() {
        assert_eq!(digits_of(&[0b1111_1000, 0b0100_0000], 3), "z10");
        assert_eq!(digits_of(&[0xff; 5], 8), "zzzzzzzz");
        assert_eq!(digits_of(&[], 2), "00");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(sark_)?[0-9a-z_é]{0,90}") {
            let _ = Presented::read(&text);
        }
    }

    #[test]
    fn it_holds_until_it_expires_or_is_revoked() {
        let (_, made) = Presented::make(&[1; 40]);
        let at = |second| Timestamp::from_second(second).unwrap();
        let token = Token {
            id: made.id.clone(),
            name: "roof-cat-2".into(),
            hash: made.hash.clone(),
            rights: Rights { roles: [].into(), scopes: [Scope::Reports("rfc1149".into())].into() },
            created_at: at(0),
            created_by: "uid:0(root)".into(),
            expires_at: Some(at(10)),
            revoked_at: None,
            revoked_by: None,
            last_used_at: None,
            last_used_from: None,
        };
        assert_eq!(token.state(at(9)), TokenState::Active);
        assert_eq!(token.state(at(10)), TokenState::Expired);
        assert_eq!(token.identity().name, "sensor:roof-cat-2");
        assert!(token.is_text(&made));
        let (_, other) = Presented::make(&[2; 40]);
        assert!(!token.is_text(&other));
        let revoked = Token { revoked_at: Some(at(3)), ..token };
        assert_eq!(revoked.state(at(4)), TokenState::Revoked);
    }
}
