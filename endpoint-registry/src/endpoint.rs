//! The one record type: LLM providers, tunnels, VPNs, Tor, DoH and proxies differ by `kind`.

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Given, NamePattern, PortRange, Shared, net_text};

/// What an endpoint serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Kind {
    Api,
    Chat,
    Asset,
    Telemetry,
    Tunnel,
    Vpn,
    Tor,
    Doh,
    Proxy,
}

/// Which end of a connection the addresses are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Clients connect to it.
    Ingress,
    /// The provider connects from it: never a destination.
    Egress,
    /// Tunnel or VPN entry.
    Relay,
    /// Where tunnel traffic leaves: never a destination.
    Exit,
}

/// What else lives at the addresses; the widest action follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharedness {
    /// Published by the owner for this service alone.
    Dedicated,
    /// Shared among services of one provider.
    Provider,
    /// Shared among a cloud's customers.
    Cloud,
    /// A content network's front: any site.
    Cdn,
}

/// Where a record is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum State {
    Candidate,
    Active,
    Draining,
    Retired,
}

/// Where a fact is from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provenance {
    /// Document or feed.
    pub source: String,
    /// First seen there.
    pub first_seen: Timestamp,
    /// Last seen there.
    pub last_seen: Timestamp,
}

/// An address that a name led to. Holds nothing that changes from answer to answer, so that a
/// registry version changes only when rules may.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Learned {
    /// The address.
    pub address: std::net::IpAddr,
    /// The name that was asked for.
    pub name: String,
    /// `active` or `draining`.
    pub state: State,
    /// What else lives at this address: set by [`Snapshot::build`](crate::Snapshot::build).
    pub sharedness: Sharedness,
    /// When it became active.
    pub since: Timestamp,
}

/// A set of names and addresses that serve one purpose, and what is known of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// Unique: `anthropic/api`.
    pub id: String,
    /// Slug of the provider or service: `anthropic`, `ngrok`.
    pub provider: String,
    /// For people: `Anthropic`.
    pub title: String,
    /// See the type.
    pub kind: Kind,
    /// See the type.
    pub role: Role,
    /// See the type.
    pub sharedness: Sharedness,
    /// Percent, 0 to 100.
    pub confidence: u8,
    /// Confirmed by its owner's own document. An unverified endpoint never carries a drop.
    pub verified: bool,
    /// See the type.
    pub state: State,
    /// Names, sorted.
    pub names: Vec<NamePattern>,
    /// Prefixes, sorted, host bits zero.
    #[serde(serialize_with = "net_text::serialize")]
    pub prefixes: Vec<IpNet>,
    /// Addresses that its names led to, sorted. Beside `prefixes`, which are published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learned: Vec<Learned>,
    /// Ports, sorted; empty means any.
    pub ports: Vec<PortRange>,
    /// After this it is not used.
    pub expires_at: Option<Timestamp>,
    /// Reference into the price table.
    pub price_ref: Option<String>,
    /// Never empty.
    pub sources: Vec<Provenance>,
    /// What each layer gave, in their order; empty if all is the seed's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Given>,
    /// What facts from outside the registry say about addresses of it, sorted; see
    /// [`Snapshot::sharedness`](crate::Snapshot::sharedness).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<Shared>,
}

/// Why an endpoint is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum EndpointError {
    #[error("{0:?} is not an endpoint id: write provider/service, such as openai/api")]
    Id(String),
    #[error("{0:?} is not a slug: lower-case letters, digits and single hyphens, at most 63")]
    Slug(String),
    #[error("{id} belongs to {expected:?}, not to {provider:?}: an id begins with its provider")]
    Provider { id: String, provider: String, expected: String },
    #[error("{id} has no title")]
    Title { id: String },
    #[error("{id} has no source: say which document or feed it is from")]
    NoSource { id: String },
    #[error("{id} names a source without text")]
    EmptySource { id: String },
    #[error("{id} was last seen ({last}) before it was first seen ({first}) in {source_name}")]
    Seen { id: String, source_name: String, first: Timestamp, last: Timestamp },
    #[error("{id} has confidence {confidence}: it is a percentage, 0 to 100")]
    Confidence { id: String, confidence: u8 },
    #[error("{id}: {prefix} has bits set after its length; the prefix is {network}")]
    HostBits { id: String, prefix: IpNet, network: IpNet },
    #[error("{id}: its {what} are not sorted, or one is there twice")]
    Unsorted { id: String, what: &'static str },
}

impl Endpoint {
    /// Whether it keeps what every endpoint promises; the first broken promise if not.
    pub fn check(&self) -> Result<(), EndpointError> {
        let id = || self.id.clone();
        let (provider, service) = self.id.split_once('/').ok_or_else(|| EndpointError::Id(id()))?;
        check_slug(provider)?;
        check_slug(service)?;
        if provider != self.provider {
            let (provider, expected) = (self.provider.clone(), provider.to_owned());
            return Err(EndpointError::Provider { id: id(), provider, expected });
        }
        if self.title.trim().is_empty() {
            return Err(EndpointError::Title { id: id() });
        }
        if self.confidence > 100 {
            return Err(EndpointError::Confidence { id: id(), confidence: self.confidence });
        }
        if let Some(&prefix) = self.prefixes.iter().find(|prefix| prefix.trunc() != **prefix) {
            return Err(EndpointError::HostBits { id: id(), prefix, network: prefix.trunc() });
        }
        let unsorted = |what| EndpointError::Unsorted { id: id(), what };
        if !self.names.is_sorted_by(|a, b| a < b) {
            return Err(unsorted("names"));
        }
        if !self.prefixes.is_sorted_by(|a, b| a < b) {
            return Err(unsorted("prefixes"));
        }
        if !self.learned.is_sorted_by(|a, b| a < b) {
            return Err(unsorted("learned addresses"));
        }
        if !self.ports.is_sorted_by(|a, b| a < b) {
            return Err(unsorted("ports"));
        }
        self.check_sources()
    }

    fn check_sources(&self) -> Result<(), EndpointError> {
        let id = || self.id.clone();
        if self.sources.is_empty() {
            return Err(EndpointError::NoSource { id: id() });
        }
        for Provenance { source, first_seen, last_seen } in &self.sources {
            if source.trim().is_empty() {
                return Err(EndpointError::EmptySource { id: id() });
            }
            if last_seen < first_seen {
                let (source_name, first, last) = (source.clone(), *first_seen, *last_seen);
                return Err(EndpointError::Seen { id: id(), source_name, first, last });
            }
        }
        Ok(())
    }

    /// Sorts names, prefixes, ports and sources and removes repetitions, so that equal content is
    /// equal; clears host bits.
    pub fn normalize(&mut self) {
        fn tidy<T: Ord>(list: &mut Vec<T>) {
            list.sort_unstable();
            list.dedup();
        }
        self.prefixes.iter_mut().for_each(|prefix| *prefix = prefix.trunc());
        tidy(&mut self.names);
        tidy(&mut self.prefixes);
        tidy(&mut self.learned);
        tidy(&mut self.ports);
        tidy(&mut self.sources);
        tidy(&mut self.shared);
    }

    /// Whether one of its prefixes, which are sorted, covers the address.
    #[must_use]
    pub fn publishes(&self, address: std::net::IpAddr) -> bool {
        const FEW: usize = 64;
        if self.prefixes.len() <= FEW {
            return self.prefixes.iter().any(|net| net.contains(&address));
        }
        let host = IpNet::from(address);
        (0..=host.max_prefix_len()).any(|length| {
            let wider = IpNet::new(address, length).map(|net| net.trunc());
            wider.is_ok_and(|net| self.prefixes.binary_search(&net).is_ok())
        })
    }

    /// What names led to at this address. Learned addresses are sorted.
    #[must_use]
    pub fn learned_at(&self, address: std::net::IpAddr) -> &[Learned] {
        let begin = self.learned.partition_point(|learned| learned.address < address);
        let rest = self.learned.get(begin..).unwrap_or_default();
        let end = rest.partition_point(|learned| learned.address == address);
        rest.get(..end).unwrap_or_default()
    }

    /// When the oldest of its sources first had it.
    #[must_use]
    pub fn first_seen(&self) -> Option<Timestamp> {
        self.sources.iter().map(|source| source.first_seen).min()
    }

    /// When any of its sources last had it.
    #[must_use]
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.sources.iter().map(|source| source.last_seen).max()
    }

    /// Whether clients connect to it, so that an outbound rule may name its addresses. `egress`
    /// and `exit` are the other end of the connection.
    #[must_use]
    pub fn is_destination(&self) -> bool {
        matches!(self.role, Role::Ingress | Role::Relay)
    }

    /// Whether it may be used at `now`: neither retired nor expired.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.state != State::Retired && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Slug of a provider or service.
pub(crate) fn check_slug(slug: &str) -> Result<(), EndpointError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = (1..=63).contains(&slug.len())
        && slug.bytes().all(allowed)
        && !slug.starts_with('-')
        && !slug.ends_with('-')
        && !slug.contains("--");
    if good { Ok(()) } else { Err(EndpointError::Slug(slug.to_owned())) }
}

/// The lower-case words of the enums, as in YAML and JSON.
macro_rules! words {
    ($type:ident: $($variant:ident = $word:literal),+ $(,)?) => {
        impl $type {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word used in files and messages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words!(Kind: Api = "api", Chat = "chat", Asset = "asset", Telemetry = "telemetry",
    Tunnel = "tunnel", Vpn = "vpn", Tor = "tor", Doh = "doh", Proxy = "proxy");
words!(Role: Ingress = "ingress", Egress = "egress", Relay = "relay", Exit = "exit");
words!(Sharedness: Dedicated = "dedicated", Provider = "provider", Cloud = "cloud", Cdn = "cdn");
words!(State: Candidate = "candidate", Active = "active", Draining = "draining", Retired = "retired");

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Endpoint {
        let mut seed = crate::seed().into_iter();
        seed.find(|endpoint| endpoint.id == "anthropic/api").unwrap()
    }

    #[test]
    fn what_led_to_an_address_is_found() {
        let learned = |address: &str, name: &str| Learned {
            address: address.parse().unwrap(),
            name: name.to_owned(),
            state: State::Active,
            sharedness: Sharedness::Cdn,
            since: Timestamp::UNIX_EPOCH,
        };
        let all = [
            ("192.0.2.1", "a.example.com"),
            ("192.0.2.2", "a.example.com"),
            ("192.0.2.2", "b.example.com"),
            ("2001:db8::2", "a.example.com"),
        ];
        let endpoint =
            Endpoint { learned: all.map(|(at, name)| learned(at, name)).into(), ..good() };
        for address in ["192.0.2.0", "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::2", "::1"] {
            let names = |(at, name): &(&str, &'static str)| (*at == address).then_some(*name);
            let wanted: Vec<&str> = all.iter().filter_map(names).collect();
            let found = endpoint.learned_at(address.parse().unwrap());
            let found: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
            assert_eq!(found, wanted, "{address}");
        }
    }

    #[test]
    fn a_broken_promise_is_named() {
        type Change = fn(&mut Endpoint);
        let cases: [(Change, &str); 14] = [
            (|e| e.id = "anthropic".into(), "provider/service"),
            (|e| e.id = "anthropic/API".into(), "\"API\" is not a slug"),
            (|e| e.id = "anthropic/a--b".into(), "not a slug"),
            (|e| e.id = "anthropic/".into(), "not a slug"),
            (|e| e.id = "anthropic/a/b".into(), "not a slug"),
            (|e| e.provider = "openai".into(), "belongs to \"anthropic\""),
            (|e| e.title = " ".into(), "no title"),
            (|e| e.confidence = 101, "0 to 100"),
            (|e| e.sources.clear(), "no source"),
            (|e| e.sources[0].source = String::new(), "source without text"),
            (|e| e.sources[0].last_seen = Timestamp::UNIX_EPOCH, "before it was first seen"),
            (|e| e.prefixes = vec!["192.0.2.1/24".parse().unwrap()], "192.0.2.0/24"),
            (|e| e.prefixes.reverse(), "prefixes are not sorted"),
            (|e| e.ports.push(e.ports[0]), "ports are not sorted"),
        ];
        assert_eq!(good().check(), Ok(()));
        for (change, part) in cases {
            let mut endpoint = good();
            change(&mut endpoint);
            let message = endpoint.check().unwrap_err().to_string();
            assert!(message.contains(part), "{part}: {message}");
        }
    }

    #[test]
    fn normalizing_keeps_the_promises_of_lists() {
        let mut endpoint = good();
        endpoint.prefixes.reverse();
        endpoint.prefixes.push("160.79.105.9/23".parse().unwrap());
        endpoint.ports.extend_from_within(..);
        endpoint.sources.extend_from_within(..);
        endpoint.normalize();
        assert_eq!(endpoint, good());
    }

    #[test]
    fn many_prefixes_cover_what_few_do() {
        let net = |text: String| text.parse::<IpNet>().unwrap();
        let few: Vec<IpNet> = ["10.0.0.0/8", "192.0.2.0/31", "2001:db8::/32", "::1/128"]
            .map(|text| net(text.into()))
            .into();
        let hosts = (0..300).map(|at| net(format!("198.51.100.{}/32", at % 200)));
        let few = Endpoint { prefixes: few, ..good() };
        let mut many = few.clone();
        many.prefixes.extend(hosts);
        many.normalize();
        for (address, is) in [
            ("10.9.8.7", true),
            ("11.0.0.0", false),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("2001:db8:ffff::", true),
            ("2001:db9::", false),
            ("::1", true),
            ("::2", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!((few.publishes(address), many.publishes(address)), (is, is), "{address}");
        }
        assert!(many.publishes("198.51.100.199".parse().unwrap()));
        assert!(!many.publishes("198.51.100.200".parse().unwrap()));
    }

    #[test]
    fn it_is_usable_until_it_expires_or_retires() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let endpoint = good();
        assert!(endpoint.is_usable(now));
        assert!(!Endpoint { expires_at: Some(now), ..endpoint.clone() }.is_usable(now));
        assert!(!Endpoint { state: State::Retired, ..endpoint }.is_usable(now));
    }

    #[test]
    fn words_are_the_same_everywhere() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        for sharedness in Sharedness::ALL {
            assert_eq!(serde_json::to_value(sharedness).unwrap(), sharedness.as_str());
        }
        for state in State::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        let json = serde_json::to_value(good()).unwrap();
        assert_eq!(serde_json::from_value::<Endpoint>(json).unwrap(), good());
    }
}
