//! An NLRI in terms that nftables can say exactly (RFC 8955 section 4.2.2, RFC 8956 section 3).
//!
//! nftables stops at a rule, and finds nothing in a map, when the packet does not have the field.
//! That is what the RFC asks for, with `!=` too. Upper-layer fields are read by offset (`@th`),
//! beside a test of the protocol. In a later fragment nftables would read them from whatever stands
//! there (its fast path for short loads does not look at the fragment offset), so rules that have
//! them are kept away from later fragments: [`Matching::upper_layer`].

mod bits;
mod choice;

use sark_flowspec::iana::protocol;
use sark_flowspec::{Afi, Component, ComponentType, Nlri, PrefixMatch};

use crate::field::{Element, Field};
use crate::prefix::{Prefix, groups, ones};
use crate::values::Values;
use crate::{Options, Reason};
use choice::{Choice, join, product};

/// How a rule finds its packets.
#[derive(Debug, Clone)]
pub(crate) struct Matching {
    pub place: Place,
    /// Keys that together are the whole rule and exclude each other, if they are few.
    pub elements: Option<Vec<Element>>,
    /// The same as addresses, if there are any, and what is asked besides, which other rules may
    /// ask too: conditions that exclude each other.
    pub keyed: Option<(Element, Vec<String>)>,
    /// The same as conditions of nft rules that exclude each other. Empty: the rule never matches.
    pub alternatives: Vec<String>,
    /// They have sets without a name in them, which the kernel takes long to make when there are
    /// many.
    pub lists: bool,
    /// It looks into the upper-layer header, which later fragments do not have.
    pub upper_layer: bool,
}

/// Where the order of section 5.1 puts a rule, by its first component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Destination(Prefix),
    /// IPv6 with an offset: behind all without one.
    DestinationPattern,
    Source(Prefix),
    SourcePattern,
    Neither,
}

/// A rule of more keys is written as conditions.
const MOST_ELEMENTS: usize = 16;
/// The set of both protocols that have ports. The kernel takes long to name sets without a name
/// when there are many.
pub(crate) const TCP_UDP: &str = "tcp_udp";
const TCP_UDP_RANGES: [(u64, u64); 2] = [(6, 6), (17, 17)];
/// A rule of more conditions has sets in them instead.
const MOST_ALTERNATIVES: usize = 16;

impl Matching {
    pub fn of(nlri: &Nlri, options: &Options) -> Result<Self, Reason> {
        let mut builder = Builder::new(nlri.afi());
        for component in nlri.components() {
            builder.add(component, options)?;
        }
        let place = match nlri.components().first() {
            Some(Component::Destination(prefix)) => {
                Prefix::of(prefix).map_or(Place::DestinationPattern, Place::Destination)
            }
            Some(Component::Source(prefix)) => {
                Prefix::of(prefix).map_or(Place::SourcePattern, Place::Source)
            }
            _ => Place::Neither,
        };
        let (elements, upper_layer) = (builder.elements(), builder.upper_layer);
        let (address, choices) = builder.choices();
        let parts = choices.iter().map(Choice::parts).fold(1_usize, usize::saturating_mul);
        let lists = parts > MOST_ALTERNATIVES;
        let conditions = product(&choices, Choice::compact);
        let addresses = addresses(&address, nlri.afi());
        let alternatives =
            if lists { conditions.clone() } else { product(&choices, Choice::split) };
        let alternatives = alternatives.iter().map(|rest| join(&addresses, rest)).collect();
        let keyed = (address != Element::default()).then_some((address, conditions));
        Ok(Self { place, elements, keyed, alternatives, lists, upper_layer })
    }
}

struct Builder {
    afi: Afi,
    destination: Option<Prefix>,
    source: Option<Prefix>,
    protocols: Values,
    source_ports: Option<Values>,
    destination_ports: Option<Values>,
    upper_layer: bool,
    /// What is beyond maps of several fields.
    rest: Vec<Choice>,
}

impl Builder {
    fn new(afi: Afi) -> Self {
        Self {
            afi,
            destination: None,
            source: None,
            protocols: Values::all(0xff),
            source_ports: None,
            destination_ports: None,
            upper_layer: false,
            rest: Vec::new(),
        }
    }

    fn add(&mut self, component: &Component, options: &Options) -> Result<(), Reason> {
        let kind = component.component_type();
        let values = |items| Values::numeric(items, kind.max_value(self.afi));
        match component {
            Component::Destination(prefix) => self.destination = self.prefix("daddr", prefix),
            Component::Source(prefix) => self.source = self.prefix("saddr", prefix),
            Component::Protocol(items) => self.protocols = self.protocols.and(&values(items)),
            Component::Port(items) => {
                self.rest.push(Choice::either_port(values(items)));
                self.only(&[protocol::TCP, protocol::UDP]);
            }
            Component::DestinationPort(items) => {
                self.destination_ports = Some(values(items));
                self.only(&[protocol::TCP, protocol::UDP]);
            }
            Component::SourcePort(items) => {
                self.source_ports = Some(values(items));
                self.only(&[protocol::TCP, protocol::UDP]);
            }
            Component::IcmpType(items) => self.icmp("@th,0,8", values(items)),
            Component::IcmpCode(items) => self.icmp("@th,8,8", values(items)),
            Component::TcpFlags(items) => {
                self.rest.push(bits::tcp_flags(items, options)?);
                self.only(&[protocol::TCP]);
            }
            Component::PacketLength(items) => {
                let values = values(items);
                if options.merged_segments && !values.is_all() {
                    return Err(Reason::Merged("the length"));
                }
                self.rest.push(Choice::always_there("meta length", values));
            }
            Component::Dscp(items) => {
                let field = if self.afi == Afi::Ipv4 { "ip dscp" } else { "ip6 dscp" };
                self.rest.push(Choice::always_there(field, values(items)));
            }
            Component::Fragment(items) => self.rest.push(bits::fragment(items, self.afi)),
            Component::FlowLabel(items) => {
                self.rest.push(Choice::always_there("ip6 flowlabel", values(items)));
            }
        }
        Ok(())
    }

    /// Fields of the headers of these protocols.
    fn only(&mut self, protocols: &[u8]) {
        self.upper_layer = true;
        let ranges = protocols.iter().map(|p| (u64::from(*p), u64::from(*p))).collect();
        self.protocols = self.protocols.and(&Values::merged(ranges, 0xff));
    }

    fn icmp(&mut self, field: &str, values: Values) {
        self.rest.push(Choice::there(field, values));
        self.only(&[if self.afi == Afi::Ipv4 { protocol::ICMP } else { protocol::ICMPV6 }]);
    }

    /// A prefix for maps; a pattern becomes a condition.
    fn prefix(&mut self, field: &str, prefix: &PrefixMatch) -> Option<Prefix> {
        if let PrefixMatch::V6 { pattern, length, offset } = *prefix
            && offset > 0
        {
            let mask = groups(ones(length) & !ones(offset));
            let pattern = groups(pattern.to_bits());
            self.rest.push(Choice::one(format!("ip6 {field} & {mask} == {pattern}")));
        }
        // One that every address has excludes nothing.
        Prefix::of(prefix).filter(|prefix| prefix.length > 0)
    }

    fn elements(&self) -> Option<Vec<Element>> {
        let any = [(0, 0)];
        let protocols = (!self.protocols.is_all()).then(|| self.protocols.ranges());
        let ports = |ports: &Option<Values>| ports.as_ref().map(|ports| ports.ranges().to_vec());
        let (from, to) = (ports(&self.source_ports), ports(&self.destination_ports));
        let list = |values: Option<&[(u64, u64)]>| values.unwrap_or(&any).to_vec();
        let (protocol, source, destination) =
            (list(protocols), list(from.as_deref()), list(to.as_deref()));
        let count = protocol.len().saturating_mul(source.len()).saturating_mul(destination.len());
        if !self.rest.is_empty() || count > MOST_ELEMENTS {
            return None;
        }
        let mut elements = Vec::with_capacity(count);
        for p in &protocol {
            for s in &source {
                for d in &destination {
                    elements.push(Element {
                        destination: self.destination,
                        source: self.source,
                        protocol: protocols.map(|_| *p),
                        source_port: from.as_ref().map(|_| *s),
                        destination_port: to.as_ref().map(|_| *d),
                    });
                }
            }
        }
        // A rule that looks at nothing has no key.
        elements.retain(|element| *element != Element::default());
        (!elements.is_empty()).then_some(elements)
    }

    /// The addresses, and all else.
    fn choices(self) -> (Element, Vec<Choice>) {
        let looked_up = self.protocols.ranges() == TCP_UDP_RANGES;
        let mut all = vec![if self.protocols.is_empty() {
            Choice::never()
        } else if looked_up {
            Choice::one(format!("meta l4proto @{TCP_UDP}"))
        } else {
            Choice::always_there("meta l4proto", self.protocols)
        }];
        all.extend(self.source_ports.map(Choice::source_port));
        all.extend(self.destination_ports.map(Choice::destination_port));
        all.extend(self.rest);
        if looked_up {
            // Ports are compared, which is cheaper: most packets need no more.
            all.rotate_left(1);
        }
        let (destination, source) = (self.destination, self.source);
        (Element { destination, source, ..Element::default() }, all)
    }
}

fn addresses(element: &Element, afi: Afi) -> String {
    let test = |(field, prefix): (Field, Option<Prefix>)| {
        prefix.map(|prefix| format!("{} {prefix}", field.expression(afi)))
    };
    let both = [(Field::Destination, element.destination), (Field::Source, element.source)];
    both.into_iter().filter_map(test).collect::<Vec<_>>().join(" ")
}

/// The largest number of ranges of a bitmask.
const MOST_RANGES: usize = 512;

fn check_ranges(kind: ComponentType, values: &Values) -> Result<(), Reason> {
    let count = values.ranges().len();
    if count > MOST_RANGES {
        return Err(Reason::TooManyValues { kind, count, most: MOST_RANGES });
    }
    Ok(())
}
