//! Secrets: named by reference, never printed.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a secret is. Reading it is the application's work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// `file:/path`: the first line of this file.
    File(PathBuf),
    /// `env:NAME`: this environment variable.
    Env(String),
    /// Something else was written, perhaps the secret itself: it is not kept, and the check
    /// refuses it without showing it.
    Invalid,
}

impl SecretRef {
    /// Of its text; never fails, so that what is no reference is not repeated in an error.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some(("file", path)) if path.starts_with('/') => Self::File(PathBuf::from(path)),
            Some(("env", name))
                if !name.is_empty()
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') =>
            {
                Self::Env(name.to_owned())
            }
            _ => Self::Invalid,
        }
    }
}

impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::Invalid => f.write_str("(not a reference)"),
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

/// A secret in memory. Prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// From where it was read.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for the one call that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_and_a_reference_does() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "***");
        assert_eq!(SecretRef::parse("file:/run/x").to_string(), "file:/run/x");
        assert_eq!(SecretRef::parse("env:PASS_1"), SecretRef::Env("PASS_1".into()));
        for wrong in ["hunter2", "file:relative", "env:", "env:A B", "env:a=b", ""] {
            assert_eq!(SecretRef::parse(wrong), SecretRef::Invalid, "{wrong}");
        }
    }
}
