//! An NLRI: the identity of a rule.

use crate::component::Content;
use crate::iana::MAX_NLRI_BODY;
use crate::item::Item;
use crate::{Afi, Component, ComponentType, PrefixMatch, Width};

/// The match part of a FlowSpec rule and its identity: components in ascending type, each at most
/// once. Equality is equality of octets; `Ord` is the order of evaluation of RFC 8955 section 5.1
/// (IPv4 before IPv6), so sorting gives the routers' order and `min` of the matching rules wins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Nlri {
    afi: Afi,
    components: Vec<Component>,
}

/// Why components do not make an NLRI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says each field")]
pub enum NlriError {
    /// A rule without components would match every packet.
    #[error("a rule needs at least one component")]
    Empty,
    /// Each type at most once.
    #[error("{kind} is there twice; join the values with `|`")]
    Repeated { kind: ComponentType },
    /// A prefix of the other family, or a flow label in IPv4.
    #[error("{kind} does not fit an {afi} rule")]
    WrongFamily { kind: ComponentType, afi: Afi },
    /// Bits outside the prefix are set.
    #[error("{kind} {prefix} has bits set outside its length; write {}", prefix.masked())]
    HostBits { kind: ComponentType, prefix: PrefixMatch },
    /// RFC 8956 section 3.1.
    #[error("{kind}: length {length} and offset {offset}; needs offset < length <= 128")]
    BadOffset { kind: ComponentType, length: u8, offset: u8 },
    /// A component without values.
    #[error("{kind} needs at least one value")]
    NoItems { kind: ComponentType },
    /// RFC 8955 section 4.2.1.1.
    #[error("{kind}: the first value has nothing before it to be ANDed with")]
    AndFirst { kind: ComponentType },
    /// The field can never have this value.
    #[error("{kind}: {value} is out of range; the largest is {max}")]
    ValueTooLarge { kind: ComponentType, value: u64, max: u64 },
    /// Bits that the field does not have, such as DF in IPv6.
    #[error("{kind}: {value} has bits that the field does not have; all it has is {bits}")]
    UnknownBits { kind: ComponentType, value: u64, bits: u64 },
    /// The width does not hold the value, or is longer than RFC 8955 section 4.2.2 allows.
    #[error("{kind}: {value} in {} octets; needs {} to {}", width.octets(),
        Width::shortest(*value).octets(), kind.widest().octets())]
    BadWidth { kind: ComponentType, value: u64, width: Width },
    /// More than the length field can say.
    #[error("the components take {length} octets; at most {MAX_NLRI_BODY} fit into one rule")]
    TooLong { length: usize },
}

impl Nlri {
    /// Sorts the components and checks them: at least one, each type once, of the right family,
    /// values within their fields, widths that hold their values, body at most 4095 octets.
    ///
    /// Stricter than [`Nlri::decode`], which takes what a peer may send: here a value outside its
    /// field or a width longer than the RFC recommends is an error of the caller.
    pub fn new(afi: Afi, mut components: Vec<Component>) -> Result<Self, NlriError> {
        components.sort_by_key(Component::component_type);
        if components.is_empty() {
            return Err(NlriError::Empty);
        }
        for pair in components.windows(2) {
            let kind = pair[0].component_type();
            if kind == pair[1].component_type() {
                return Err(NlriError::Repeated { kind });
            }
        }
        for component in &components {
            check(afi, component)?;
        }
        let nlri = Self { afi, components };
        match nlri.body_len() {
            length if length > MAX_NLRI_BODY => Err(NlriError::TooLong { length }),
            _ => Ok(nlri),
        }
    }

    /// For decoder and `canonical`, which keep the invariants themselves.
    pub(crate) fn from_checked(afi: Afi, components: Vec<Component>) -> Self {
        Self { afi, components }
    }

    /// Address family.
    #[must_use]
    pub fn afi(&self) -> Afi {
        self.afi
    }

    /// In ascending type.
    #[must_use]
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// The component of this type.
    #[must_use]
    pub fn get(&self, kind: ComponentType) -> Option<&Component> {
        self.components.iter().find(|c| c.component_type() == kind)
    }
}

fn check(afi: Afi, component: &Component) -> Result<(), NlriError> {
    let kind = component.component_type();
    if !kind.in_family(afi) {
        return Err(NlriError::WrongFamily { kind, afi });
    }
    match component.content() {
        Content::Prefix(prefix) => check_prefix(afi, kind, *prefix),
        Content::Numeric(items) => {
            check_items(kind, items)?;
            let max = kind.max_value(afi);
            match items.iter().find(|item| item.value > max) {
                Some(item) => Err(NlriError::ValueTooLarge { kind, value: item.value, max }),
                None => check_widths(kind, items),
            }
        }
        Content::Bitmask(items) => {
            check_items(kind, items)?;
            let bits = kind.max_value(afi);
            match items.iter().find(|item| item.value & !bits != 0) {
                Some(item) => Err(NlriError::UnknownBits { kind, value: item.value, bits }),
                None => check_widths(kind, items),
            }
        }
    }
}

fn check_prefix(afi: Afi, kind: ComponentType, prefix: PrefixMatch) -> Result<(), NlriError> {
    if prefix.afi() != afi {
        return Err(NlriError::WrongFamily { kind, afi });
    }
    if let PrefixMatch::V6 { length, offset, .. } = prefix
        && !prefix.is_well_formed()
    {
        return Err(NlriError::BadOffset { kind, length, offset });
    }
    if prefix.masked() != prefix {
        return Err(NlriError::HostBits { kind, prefix });
    }
    Ok(())
}

fn check_items<I: Item>(kind: ComponentType, items: &[I]) -> Result<(), NlriError> {
    match items.first() {
        None => Err(NlriError::NoItems { kind }),
        Some(first) if first.and_bit() => Err(NlriError::AndFirst { kind }),
        Some(_) => Ok(()),
    }
}

fn check_widths<I: Item>(kind: ComponentType, items: &[I]) -> Result<(), NlriError> {
    for item in items {
        let (value, width) = (item.value(), item.width());
        if !width.holds(value) || width > kind.widest() {
            return Err(NlriError::BadWidth { kind, value, width });
        }
    }
    Ok(())
}
