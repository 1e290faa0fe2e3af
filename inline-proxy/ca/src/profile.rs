//! What an authority shall be.

use jiff::SignedDuration;

use crate::constraints::Constraints;
use crate::der::{SEQUENCE, SET, UTF8_STRING, tlv};
use crate::oid::{COMMON_NAME, ORGANIZATION};

/// Why there will be no such authority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// ub-common-name and ub-organization-name (RFC 5280 appendix A.1).
    #[error("its {0} has 1 to 64 characters, none of them a control character")]
    Name(&'static str),
    /// Leaves live a day at least, and nobody looks after a key for longer than 30 years.
    #[error("it is valid for 1 day to 30 years")]
    Lifetime,
    /// What it may vouch for cannot be written.
    #[error("{0:?} is no name that constrains")]
    Constraint(String),
}

/// Name, lifetime and reach of an authority that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its common name: what people see in the list of those they trust.
    pub common_name: String,
    /// Its organization.
    pub organization: Option<String>,
    /// How long it is valid.
    pub lifetime: SignedDuration,
    /// Whom it may vouch for.
    pub constraints: Constraints,
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Profile {
    /// Valid for ten years, and for everybody: a root.
    #[must_use]
    pub fn named(common_name: &str) -> Self {
        Self {
            common_name: common_name.to_owned(),
            organization: None,
            lifetime: DAY * 3650,
            constraints: Constraints::default(),
        }
    }

    /// So many days.
    #[must_use]
    pub fn valid_for_days(self, days: u16) -> Self {
        Self { lifetime: DAY * i32::from(days), ..self }
    }

    /// Whether it can be.
    pub fn check(&self) -> Result<(), ProfileError> {
        let is_name = |name: &str| {
            (1..=64).contains(&name.chars().count()) && !name.contains(char::is_control)
        };
        if !is_name(&self.common_name) {
            return Err(ProfileError::Name("common name"));
        }
        if !self.organization.as_deref().is_none_or(is_name) {
            return Err(ProfileError::Name("organization"));
        }
        if !(DAY..=DAY * 366 * 30).contains(&self.lifetime) {
            return Err(ProfileError::Lifetime);
        }
        let Constraints { permitted_names, excluded_names, .. } = &self.constraints;
        let is_base = |name: &str| crate::Host::dns(name).is_ok();
        match permitted_names.iter().chain(excluded_names).find(|name| !is_base(name)) {
            Some(name) => Err(ProfileError::Constraint(name.clone())),
            None => Ok(()),
        }
    }

    /// Its subject (RFC 5280 §4.1.2.6): organization and common name, in UTF-8.
    pub(crate) fn subject(&self) -> Vec<u8> {
        let organization = self.organization.as_deref().map(|name| attribute(ORGANIZATION, name));
        let organization = organization.unwrap_or_default();
        tlv(SEQUENCE, &[&organization, &attribute(COMMON_NAME, &self.common_name)])
    }
}

/// One RelativeDistinguishedName of one attribute.
pub(crate) fn attribute(oid: &[u8], value: &str) -> Vec<u8> {
    let value = tlv(UTF8_STRING, &[value.as_bytes()]);
    tlv(SET, &[&tlv(SEQUENCE, &[oid, &value])])
}
