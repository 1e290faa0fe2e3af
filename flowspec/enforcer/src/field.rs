//! The fields that maps look up together.

use sark_flowspec::Afi;

use crate::prefix::{Prefix, mask};
use crate::values::write_range;

/// A part of a map's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    Destination,
    Source,
    Protocol,
    SourcePort,
    DestinationPort,
}

/// One key of a map: what is `None` is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Element {
    pub destination: Option<Prefix>,
    pub source: Option<Prefix>,
    pub protocol: Option<(u64, u64)>,
    pub source_port: Option<(u64, u64)>,
    pub destination_port: Option<(u64, u64)>,
}

/// What the keys of a map have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    pub fields: Vec<Field>,
    /// Single values only, and prefixes of these lengths: a hash table of addresses that are cut to
    /// them. `None`: intervals.
    pub lengths: Option<Lengths>,
    /// What a packet must meet to be looked up at all: one of these, which exclude each other.
    pub conditions: Vec<String>,
    /// Whether later fragments do not have all that is looked at.
    pub upper_layer: bool,
}

/// Lengths of the prefixes of a key, if it has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Lengths {
    pub destination: Option<u8>,
    pub source: Option<u8>,
}

impl Field {
    pub fn expression(self, afi: Afi) -> &'static str {
        match (self, afi) {
            (Self::Destination, Afi::Ipv4) => "ip daddr",
            (Self::Destination, Afi::Ipv6) => "ip6 daddr",
            (Self::Source, Afi::Ipv4) => "ip saddr",
            (Self::Source, Afi::Ipv6) => "ip6 saddr",
            (Self::Protocol, _) => "meta l4proto",
            (Self::SourcePort, _) => "th sport",
            (Self::DestinationPort, _) => "th dport",
        }
    }

    /// The field, cut to a prefix of this length.
    pub fn cut(self, afi: Afi, length: Option<u8>) -> String {
        let field = self.expression(afi);
        match length.and_then(|length| mask(afi, length)) {
            Some(mask) => format!("{field} & {mask}"),
            None => field.to_owned(),
        }
    }

    pub fn datatype(self, afi: Afi) -> &'static str {
        match (self, afi) {
            (Self::Destination | Self::Source, Afi::Ipv4) => "ipv4_addr",
            (Self::Destination | Self::Source, Afi::Ipv6) => "ipv6_addr",
            (Self::Protocol, _) => "inet_proto",
            (Self::SourcePort | Self::DestinationPort, _) => "inet_service",
        }
    }
}

impl Shape {
    /// The shape of all these; they look at the same fields.
    pub fn of(elements: &[Element]) -> Self {
        let fields = elements.first().map(Element::fields).unwrap_or_default();
        let is_port = |field: &Field| matches!(field, Field::SourcePort | Field::DestinationPort);
        Self {
            upper_layer: fields.iter().any(is_port),
            fields,
            lengths: Lengths::of(elements),
            conditions: vec![String::new()],
        }
    }

    /// The same in a map that holds prefixes of any lengths, and ranges.
    pub fn with_intervals(&self) -> Self {
        Self { lengths: None, ..self.clone() }
    }

    /// What is looked up, as nftables reads it.
    pub fn key(&self, afi: Afi) -> String {
        let lengths = self.lengths.unwrap_or_default();
        let part = |field: &Field| {
            let length = match field {
                Field::Destination => lengths.destination,
                Field::Source => lengths.source,
                _ => None,
            };
            field.cut(afi, length)
        };
        self.fields.iter().map(part).collect::<Vec<_>>().join(" . ")
    }
}

impl Lengths {
    /// Those of all these, if they are the same, and all else is single values.
    fn of(elements: &[Element]) -> Option<Self> {
        let lengths = elements.first()?.lengths();
        let fits = |element: &Element| element.is_single() && element.lengths() == lengths;
        elements.iter().all(fits).then_some(lengths)
    }
}

impl Element {
    fn fields(&self) -> Vec<Field> {
        let there = [
            (Field::Destination, self.destination.is_some()),
            (Field::Source, self.source.is_some()),
            (Field::Protocol, self.protocol.is_some()),
            (Field::SourcePort, self.source_port.is_some()),
            (Field::DestinationPort, self.destination_port.is_some()),
        ];
        there.into_iter().filter(|(_, there)| *there).map(|(field, _)| field).collect()
    }

    fn lengths(&self) -> Lengths {
        let length = |prefix: Option<Prefix>| prefix.map(|prefix| prefix.length);
        Lengths { destination: length(self.destination), source: length(self.source) }
    }

    fn is_single(&self) -> bool {
        self.ranges().into_iter().flatten().all(|(low, high)| low == high)
    }

    fn ranges(&self) -> [Option<(u64, u64)>; 3] {
        [self.protocol, self.source_port, self.destination_port]
    }

    /// Whether a packet can be in both. A field that one does not look at excludes nothing.
    pub fn overlaps(&self, other: &Self) -> bool {
        let prefixes = |a: Option<Prefix>, b: Option<Prefix>| match (a, b) {
            (Some(a), Some(b)) => a.contains(b) || b.contains(a),
            _ => true,
        };
        let ranges = self.ranges().into_iter().zip(other.ranges()).all(|pair| match pair {
            (Some((a, b)), Some((c, d))) => a.max(c) <= b.min(d),
            _ => true,
        });
        ranges
            && prefixes(self.destination, other.destination)
            && prefixes(self.source, other.source)
    }
}

/// `192.0.2.0/24 . 6 . 80-90`; `{:#}` is without lengths.
impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut first = true;
        let mut dot = |f: &mut std::fmt::Formatter<'_>| {
            if std::mem::take(&mut first) { Ok(()) } else { f.write_str(" . ") }
        };
        for prefix in [self.destination, self.source].into_iter().flatten() {
            dot(f)?;
            std::fmt::Display::fmt(&prefix, f)?;
        }
        for range in self.ranges().into_iter().flatten() {
            dot(f)?;
            write_range(f, range)?;
        }
        Ok(())
    }
}
