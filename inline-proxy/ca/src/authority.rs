//! The authority that signs leaves, with those that vouch for it.

use jiff::{SignedDuration, Timestamp};
use sark_core::secret::Secret;

use crate::certificate::{CaCertificate, CertificateError};
use crate::der::{BOOLEAN, INTEGER, SEQUENCE, tlv};
use crate::encode::{Fields, SignError, authority_key_id, key_id, subject_key_id};
use crate::host::Host;
use crate::key::{CaKey, KeyError};
use crate::oid::{BASIC_CONSTRAINTS, KEY_USAGE, SIGNS_CERTIFICATES, extension};
use crate::profile::{Profile, ProfileError};

/// How far clocks of clients may be behind ours.
pub(crate) const SKEW: SignedDuration = SignedDuration::from_hours(1);

/// Why no authority was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    /// What it shall be.
    #[error("an authority cannot be as asked")]
    Profile(#[from] ProfileError),
    /// Its key.
    #[error("the key of an authority could not be made")]
    Key(#[from] KeyError),
    /// Its signature.
    #[error("an authority could not be signed")]
    Sign(#[from] SignError),
    /// What was made cannot be read.
    #[error("what was made is no certificate")]
    Certificate(#[from] CertificateError),
    /// Leaves only.
    #[error("{0} has path length 0: no authority can be below it")]
    NoneBelow(String),
    /// Below one of the same name it would look like a root.
    #[error("it has the name of the authority above it, {0}")]
    SameName(String),
    /// The one above is over, or as good as.
    #[error("{0} is valid for less than a day more")]
    Ends(String),
}

/// What a root signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// Leaves: path length 0.
    Leaves,
    /// One intermediate authority, so that the root's key stays elsewhere: path length 1.
    Intermediate,
}

/// A key, its certificate, and those above it, as far as they are known. Prints without the key.
#[derive(Debug)]
pub struct Authority {
    /// The issuing one first.
    chain: Vec<CaCertificate>,
    issuing: CaCertificate,
    key: CaKey,
}

impl Authority {
    /// A new root, with a new key.
    pub fn root(profile: &Profile, below: Below, now: Timestamp) -> Result<Self, MakeError> {
        profile.check()?;
        let key = CaKey::generate()?;
        let subject = profile.subject();
        let path_length = u8::from(below == Below::Intermediate);
        let signer = Signer { name: &subject, id: &key_id(key.public()), key: &key };
        let end = later(now, profile.lifetime);
        let certificate = signer.certificate(profile, path_length, key.public(), now, end)?;
        Ok(Self::of(vec![certificate.clone()], certificate, key))
    }

    /// A new authority below this one, with a new key and path length 0: it ends with those above it
    /// at the latest.
    pub fn intermediate(&self, profile: &Profile, now: Timestamp) -> Result<Self, MakeError> {
        profile.check()?;
        let above = &self.issuing;
        if above.path_length() == Some(0) {
            return Err(MakeError::NoneBelow(above.subject().to_owned()));
        }
        if above.subject_der == profile.subject() {
            return Err(MakeError::SameName(above.subject().to_owned()));
        }
        let end = later(now, profile.lifetime).min(self.not_after());
        if end < later(now, SignedDuration::from_hours(24)) {
            return Err(MakeError::Ends(above.subject().to_owned()));
        }
        let key = CaKey::generate()?;
        let signer = Signer { name: &above.subject_der, id: &above.key_id, key: &self.key };
        let certificate = signer.certificate(profile, 0, key.public(), now, end)?;
        let chain = [std::slice::from_ref(&certificate), &self.chain[..]].concat();
        Ok(Self::of(chain, certificate, key))
    }

    /// The chain begins with the issuing one.
    pub(crate) const fn of(chain: Vec<CaCertificate>, issuing: CaCertificate, key: CaKey) -> Self {
        Self { chain, issuing, key }
    }

    /// With the root that it is below: its end and its constraints hold for leaves too.
    pub(crate) fn below(mut self, root: CaCertificate) -> Self {
        if self.chain.last() != Some(&root) {
            self.chain.push(root);
        }
        self
    }

    /// The one that signs leaves.
    #[must_use]
    pub const fn issuing(&self) -> &CaCertificate {
        &self.issuing
    }

    /// The issuing one, the one that has signed it, and so on; the root is the last if it is known.
    #[must_use]
    pub fn chain(&self) -> &[CaCertificate] {
        &self.chain
    }

    /// Its key.
    #[must_use]
    pub const fn key(&self) -> &CaKey {
        &self.key
    }

    /// The chain as PEM, with who is who.
    #[must_use]
    pub fn chain_pem(&self) -> String {
        crate::bundle::to_pem(&self.chain)
    }

    /// The key as PEM: a secret.
    #[must_use]
    pub fn key_pem(&self) -> Secret {
        self.key.to_pem()
    }

    /// When the first of the chain is over.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        let ends = self.chain.iter().map(CaCertificate::not_after);
        ends.fold(self.issuing.not_after(), Timestamp::min)
    }

    /// Whether leaves for this host are within everybody's name constraints.
    #[must_use]
    pub fn permits(&self, host: &Host) -> bool {
        self.chain.iter().all(|certificate| certificate.constraints().permit(host))
    }
}

/// Who signs a certificate of an authority.
struct Signer<'a> {
    name: &'a [u8],
    id: &'a [u8],
    key: &'a CaKey,
}

impl Signer<'_> {
    /// basicConstraints and keyUsage are critical (RFC 5280 §4.2.1.9, §4.2.1.3).
    fn certificate(
        &self,
        profile: &Profile,
        path_length: u8,
        public_key: &[u8],
        now: Timestamp,
        not_after: Timestamp,
    ) -> Result<CaCertificate, MakeError> {
        let basic = tlv(SEQUENCE, &[&[BOOLEAN, 1, 0xff], &tlv(INTEGER, &[&[path_length]])]);
        let constraints = profile.constraints.extension().unwrap_or_default();
        let fields = Fields {
            issuer: self.name,
            not_before: later(now, -SKEW),
            not_after,
            subject: &profile.subject(),
            public_key,
            extensions: &[
                &extension(BASIC_CONSTRAINTS, true, &basic),
                &extension(KEY_USAGE, true, SIGNS_CERTIFICATES),
                &subject_key_id(&key_id(public_key)),
                &authority_key_id(self.id),
                &constraints,
            ],
        };
        Ok(CaCertificate::parse(fields.signed(self.key)?)?)
    }
}

/// To the second; the end of time if that is before.
pub(crate) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    let seconds = now.as_second().saturating_add(by.as_secs());
    Timestamp::from_second(seconds).unwrap_or(if by.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}
