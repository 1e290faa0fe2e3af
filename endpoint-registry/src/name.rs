//! Host names as the wire has them, with at most one wildcard.

use std::{borrow::Cow, fmt, str::FromStr};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use smol_str::SmolStr;
use unicode_security::{RestrictionLevel, RestrictionLevelDetection as _, skeleton};

/// Octets of a name without its trailing dot (RFC 1035 section 2.3.4).
const NAME_MAX: usize = 253;
const LABEL_MAX: usize = 63;

/// A host name or a pattern of host names; lower case, A-labels, no trailing dot.
///
/// One label may hold one `*`. As the whole first label (`*.openai.azure.com`) it stands for one or
/// more labels; elsewhere (`bedrock-runtime.*.amazonaws.com`, `derp*.tailscale.com`) for one or
/// more characters of its label. At least two labels follow it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamePattern(SmolStr);

/// Why a text is not a host name or pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum NameError {
    #[error("a name is missing")]
    Empty,
    #[error("the name has {0} octets; 253 is the most")]
    Long(usize),
    #[error("{0:?} has an empty label")]
    EmptyLabel(String),
    #[error("{0:?} has a label of more than 63 octets")]
    LongLabel(String),
    #[error("{0:?} is one label: write the whole name, such as api.example.com")]
    SingleLabel(String),
    #[error("{0:?} is an address: write it under prefixes")]
    Address(String),
    #[error("{name:?}: {character:?} cannot be in a host name")]
    Character { name: String, character: char },
    #[error("{0:?}: a label neither begins nor ends with a hyphen")]
    Hyphen(String),
    #[error("{0:?} has more than one *: one is the most")]
    ManyWildcards(String),
    #[error("{0:?} would match a whole top-level domain: at least two labels must follow the *")]
    WideWildcard(String),
    #[error("{name:?}: {label:?} is not a valid international label")]
    Idna { name: String, label: String },
    #[error("{name:?}: {label:?} is written with characters that mean {meant:?}: write that")]
    Disguised { name: String, label: String, meant: String },
    #[error(
        "{name:?}: {label:?} mixes scripts and can be taken for another name: if it is \
         meant, write {ascii:?}"
    )]
    MixedScript { name: String, label: String, ascii: String },
    #[error("{name:?}: {label:?} looks like {like:?}: if it is meant, write {ascii:?}")]
    Confusable { name: String, label: String, like: String, ascii: String },
}

impl NamePattern {
    /// The pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for more than one name.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.contains('*')
    }

    /// Whether it stands for this name; `name` is lower case, A-labels, without trailing dot.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let Some((before, after)) = self.0.split_once('*') else { return self.0 == name };
        let Some(middle) = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after))
        else {
            return false;
        };
        // Leftmost and whole: any labels. Otherwise inside one label.
        let labels = before.is_empty() && after.starts_with('.');
        !middle.is_empty() && (labels || !middle.contains('.'))
    }

    /// Octets it takes beside its own.
    pub(crate) fn apart(&self) -> usize {
        // Two counts stand before the text.
        if self.0.is_heap_allocated() { self.0.len() + 16 } else { 0 }
    }

    /// What follows the wildcard's label; the whole name if there is no wildcard.
    pub(crate) fn suffix(&self) -> &str {
        let Some((_, after)) = self.0.split_once('*') else { return &self.0 };
        after.split_once('.').map_or("", |(_, suffix)| suffix)
    }
}

impl FromStr for NamePattern {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        // A character of a label becomes at most a few octets more; far above is not worth reading.
        if name.len() > 4 * NAME_MAX {
            return Err(NameError::Long(name.len()));
        }
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.parse::<std::net::IpAddr>().is_ok() {
            return Err(NameError::Address(text.to_owned()));
        }
        let mut ascii = String::with_capacity(name.len());
        for label in name.split('.') {
            if !ascii.is_empty() {
                ascii.push('.');
            }
            ascii.push_str(&label_to_ascii(name, label)?);
        }
        if ascii.len() > NAME_MAX {
            return Err(NameError::Long(ascii.len()));
        }
        check_shape(name, &ascii)?;
        Ok(Self(ascii.into()))
    }
}

/// One label in wire form, or what is wrong with it.
fn label_to_ascii(name: &str, label: &str) -> Result<String, NameError> {
    let owned = || name.to_owned();
    if label.is_empty() {
        return Err(NameError::EmptyLabel(owned()));
    }
    if !label.is_ascii() {
        return international(name, label);
    }
    let ascii = label.to_ascii_lowercase();
    if let Some(character) = ascii.chars().find(|&c| !is_plain(c)) {
        return Err(NameError::Character { name: owned(), character });
    }
    if ascii.starts_with('-') || ascii.ends_with('-') {
        return Err(NameError::Hyphen(owned()));
    }
    if ascii.len() > LABEL_MAX {
        return Err(NameError::LongLabel(owned()));
    }
    // An A-label is taken as meant, but it must be one.
    if ascii.starts_with("xn--") && to_ascii(&ascii).as_deref() != Some(&*ascii) {
        return Err(NameError::Idna { name: owned(), label: ascii });
    }
    Ok(ascii)
}

/// What a label in ASCII may hold.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*')
}

/// A label with characters beyond ASCII: valid, written plainly, and not to be taken for another.
fn international(name: &str, label: &str) -> Result<String, NameError> {
    let name = || name.to_owned();
    let invalid = || NameError::Idna { name: name(), label: label.to_owned() };
    if label.contains('*') {
        return Err(invalid());
    }
    // What stays as it is in the A-label, which has the same rules as others.
    if let Some(character) = label.chars().find(|&c| c.is_ascii() && !is_plain(c)) {
        return Err(NameError::Character { name: name(), character });
    }
    let ascii = to_ascii(label).ok_or_else(invalid)?;
    let (unicode, valid) = idna::domain_to_unicode(&ascii);
    valid.map_err(|_| invalid())?;
    let label = label.to_lowercase();
    // Full-width letters, soft hyphens, other full stops: gone or changed on the wire.
    if unicode != label {
        return Err(NameError::Disguised { name: name(), label, meant: unicode });
    }
    if unicode.as_str().detect_restriction_level() > RestrictionLevel::HighlyRestrictive {
        return Err(NameError::MixedScript { name: name(), label, ascii });
    }
    let like: String = skeleton(&unicode).collect();
    if like.is_ascii() {
        return Err(NameError::Confusable { name: name(), label, like, ascii });
    }
    if ascii.len() > LABEL_MAX {
        return Err(NameError::LongLabel(name()));
    }
    Ok(ascii)
}

fn to_ascii(label: &str) -> Option<String> {
    let uts46 = Uts46::new();
    uts46
        .to_ascii(label.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::Ignore)
        .ok()
        .map(Cow::into_owned)
}

/// Labels and wildcards of the whole.
fn check_shape(text: &str, ascii: &str) -> Result<(), NameError> {
    let text = || text.to_owned();
    let Some((_, after)) = ascii.split_once('*') else {
        let Some((_, last)) = ascii.rsplit_once('.') else {
            return Err(NameError::SingleLabel(text()));
        };
        // No top-level domain is a number; `192.0.2` and `010.0.0.1` are addresses to some readers.
        let numeric = last.bytes().all(|byte| byte.is_ascii_digit());
        return if numeric { Err(NameError::Address(text())) } else { Ok(()) };
    };
    if after.contains('*') {
        return Err(NameError::ManyWildcards(text()));
    }
    // After the wildcard's own label: two labels, so at least one dot more.
    let followed = after.split_once('.').is_some_and(|(_, suffix)| suffix.contains('.'));
    if followed { Ok(()) } else { Err(NameError::WideWildcard(text())) }
}

/// A looked-up name in the form of the index: lower case, A-labels, no trailing dot. `None` if it
/// cannot be a name. Copies only what is not in that form already.
pub(crate) fn normalize_query(name: &str) -> Option<Cow<'_, str>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.len() > 4 * NAME_MAX {
        return None;
    }
    if !name.is_ascii() {
        return to_ascii(name).map(Cow::Owned);
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(Cow::Owned(name.to_ascii_lowercase()));
    }
    Some(Cow::Borrowed(name))
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for NamePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NamePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
