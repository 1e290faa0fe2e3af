//! What else lives at an address: found out, not declared.
//!
//! An endpoint's own word is the least. To it come: ranges of others that cover the address, names
//! of others that lead to it, the network that announces it. The widest wins, and every reason that
//! says more than the endpoint is kept.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{AddressHit, Endpoint, Sharedness, Snapshot};

/// That an address of an endpoint is shared more widely than the endpoint says, and why: what cannot
/// be seen from the other endpoints.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shared {
    /// The address, or prefix of the endpoint.
    pub net: IpNet,
    /// At least this.
    pub sharedness: Sharedness,
    /// Why.
    pub reason: Reason,
}

/// Why an address is shared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Reason {
    /// The endpoint says so.
    Declared,
    /// Its owner publishes its prefixes, and this address is in none of them.
    NotPublished,
    /// It lies in, or holds, a range in which other sites live.
    Range {
        /// Whose.
        endpoint: String,
        /// Which.
        prefix: IpNet,
    },
    /// A name of another provider leads there too.
    Name {
        /// The name.
        name: String,
        /// The provider.
        provider: String,
    },
    /// A cloud or content network announces it.
    Network {
        /// Number of the autonomous system.
        asn: u32,
        /// Its name.
        name: String,
    },
}

/// Reasons of one answer; what is shared for a hundred reasons is no clearer for a thousand.
const MOST_REASONS: usize = 32;

impl Snapshot {
    /// What else lives at an address or prefix of an endpoint, and why, strongest first; the
    /// endpoint's own word comes last. Of very many reasons the first are told.
    pub fn sharedness(&self, endpoint: &Endpoint, net: IpNet) -> (Sharedness, Vec<Reason>) {
        self.sharedness_within(endpoint, net, net)
    }

    /// [`Snapshot::sharedness`] without the reasons. Does not allocate.
    #[must_use]
    pub fn effective_sharedness(&self, endpoint: &Endpoint, net: IpNet) -> Sharedness {
        self.effective_within(endpoint, net, net)
    }

    /// What else lives at `part` of a prefix (or learned address) of an endpoint, and why.
    pub(crate) fn sharedness_within(
        &self,
        endpoint: &Endpoint,
        prefix: IpNet,
        part: IpNet,
    ) -> (Sharedness, Vec<Reason>) {
        let whys = self.whys(endpoint, prefix, part).take(MOST_REASONS);
        let mut reasons: Vec<Reason> = whys.map(|(_, why)| why.into()).collect();
        reasons.push(Reason::Declared);
        (self.effective_within(endpoint, prefix, part), reasons)
    }

    /// [`Snapshot::sharedness_within`] without the reasons. Does not allocate.
    pub(crate) fn effective_within(
        &self,
        endpoint: &Endpoint,
        prefix: IpNet,
        part: IpNet,
    ) -> Sharedness {
        self.whys(endpoint, prefix, part).next().map_or(endpoint.sharedness, |(level, _)| level)
    }

    /// Why `part` of a prefix of an endpoint is shared more widely than the endpoint says, strongest
    /// first. Made one by one: the first says how widely.
    fn whys<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        prefix: IpNet,
        part: IpNet,
    ) -> impl Iterator<Item = (Sharedness, Why<'a>)> {
        // Sorted by prefix; those of one stand together.
        let begin = endpoint.shared.partition_point(|shared| shared.net < prefix);
        let shared = endpoint.shared.get(begin..).unwrap_or_default();
        let shared =
            shared.get(..shared.partition_point(|it| it.net == prefix)).unwrap_or_default();
        let levels = [Sharedness::Cdn, Sharedness::Cloud, Sharedness::Provider];
        levels.into_iter().filter(|level| *level > endpoint.sharedness).flat_map(move |level| {
            let ranges = self.markers(part, level);
            let ranges = ranges.filter(move |hit| !stands_out(endpoint, prefix, hit));
            let facts = shared.iter().filter(move |fact| fact.sharedness == level);
            let whys = ranges.map(Why::Range).chain(facts.map(Why::Fact));
            whys.map(move |why| (level, why))
        })
    }
}

/// A [`Reason`] to be.
#[derive(Clone, Copy)]
enum Why<'a> {
    Range(AddressHit<'a>),
    Fact(&'a Shared),
}

impl From<Why<'_>> for Reason {
    fn from(why: Why<'_>) -> Self {
        match why {
            Why::Range(AddressHit { endpoint, prefix }) => {
                Self::Range { endpoint: endpoint.id.clone(), prefix }
            }
            Why::Fact(shared) => shared.reason.clone(),
        }
    }
}

/// Whether an owner's own narrower word stands: a range that it publishes for one service is that
/// service's, though it lies in its network.
fn stands_out(endpoint: &Endpoint, prefix: IpNet, marker: &AddressHit<'_>) -> bool {
    let narrower =
        marker.prefix.prefix_len() < prefix.prefix_len() && marker.prefix.contains(&prefix);
    narrower && endpoint.verified && same_owner(marker.endpoint, endpoint)
}

/// Whether both are one provider's, or documents of both are on one site: `www.example.com` and `docs.example.com`. Without the
/// public suffix list, so only the last two labels count: sites under one suffix of two labels
/// (`co.uk`) look like one, so those suffixes are not taken for an owner.
fn same_owner(marker: &Endpoint, endpoint: &Endpoint) -> bool {
    fn sites(endpoint: &Endpoint) -> impl Iterator<Item = (&str, &str)> {
        endpoint.sources.iter().filter_map(|source| site(&source.source))
    }
    marker.provider == endpoint.provider
        || sites(marker).any(|site| sites(endpoint).any(|own| own == site))
}

/// The last two labels of a document's host.
fn site(source: &str) -> Option<(&str, &str)> {
    let host = source.strip_prefix("https://")?.split(['/', '?', '#', ':']).next()?;
    let mut labels = host.rsplit('.');
    let (top, second) = (labels.next()?, labels.next()?);
    // A list on a forge is nobody's own document.
    let forge =
        matches!(second, "github" | "githubusercontent" | "gitlab") && host != "api.github.com";
    (second.len() > 3 && top.len() > 1 && !forge).then_some((second, top))
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared => f.write_str("so its documents say"),
            Self::NotPublished => f.write_str("not among the prefixes that its owner publishes"),
            Self::Range { endpoint, prefix } => write!(f, "{prefix} of {endpoint} is shared"),
            Self::Name { name, provider } => write!(f, "{name} of {provider} leads there too"),
            Self::Network { asn, name } => write!(f, "AS{asn} ({name}) announces it"),
        }
    }
}
