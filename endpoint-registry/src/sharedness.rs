//! What else lives at an address: found out, not declared.
//!
//! An endpoint's own word is the least. To it come: ranges of others that cover the address, names
//! of others that lead to it, the network that announces it. The widest wins, and every reason that
//! says more than the endpoint is kept.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{Endpoint, Sharedness, Snapshot, State};

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

impl Snapshot {
    /// What else lives at an address or prefix of an endpoint, and why, strongest first; the
    /// endpoint's own word comes last.
    pub fn sharedness(&self, endpoint: &Endpoint, net: IpNet) -> (Sharedness, Vec<Reason>) {
        let mut found: Vec<(Sharedness, Reason)> = Vec::new();
        self.visit_sharedness(endpoint, net, |sharedness, reason| {
            found.push((sharedness, reason()));
        });
        found.sort_by_key(|(sharedness, _)| std::cmp::Reverse(*sharedness));
        let worst = found.first().map_or(endpoint.sharedness, |(sharedness, _)| *sharedness);
        (worst, found.into_iter().map(|(_, reason)| reason).collect())
    }

    /// [`Snapshot::sharedness`] without the reasons. Does not allocate.
    #[must_use]
    pub fn effective_sharedness(&self, endpoint: &Endpoint, net: IpNet) -> Sharedness {
        let mut worst = endpoint.sharedness;
        self.visit_sharedness(endpoint, net, |sharedness, _| worst = worst.max(sharedness));
        worst
    }

    /// The endpoint's own word, and all that is wider.
    fn visit_sharedness(
        &self,
        endpoint: &Endpoint,
        net: IpNet,
        mut visit: impl FnMut(Sharedness, &dyn Fn() -> Reason),
    ) {
        let own = endpoint.sharedness;
        if own < Sharedness::Cdn {
            for hit in self.overlaps(net) {
                let marker = hit.endpoint;
                if marker.sharedness > own && is_marker(marker, endpoint, hit.prefix, net) {
                    let (endpoint, prefix) = (&marker.id, hit.prefix);
                    visit(marker.sharedness, &|| Reason::Range {
                        endpoint: endpoint.clone(),
                        prefix,
                    });
                }
            }
            // Sorted by prefix; those of one address stand together.
            let begin = endpoint.shared.partition_point(|shared| shared.net < net);
            let rest = endpoint.shared.get(begin..).unwrap_or_default();
            for shared in rest.iter().take_while(|shared| shared.net == net) {
                if shared.sharedness > own {
                    visit(shared.sharedness, &|| shared.reason.clone());
                }
            }
        }
        visit(own, &|| Reason::Declared);
    }
}

/// Whether another endpoint's range says that `net` is shared: one that is in use and shared among a
/// cloud's customers or more. An owner's own narrower word stands: a range that it publishes for one
/// service is that service's, though it lies in its network.
fn is_marker(marker: &Endpoint, endpoint: &Endpoint, range: IpNet, net: IpNet) -> bool {
    let wide = marker.sharedness >= Sharedness::Cloud;
    let other = marker.id != endpoint.id;
    let in_use = matches!(marker.state, State::Active | State::Draining);
    let narrower = range.prefix_len() < net.prefix_len() && range.contains(&net);
    wide && other && in_use && !(narrower && endpoint.verified && same_owner(marker, endpoint))
}

/// Whether both are one provider's, or documents of both are on one site: `www.example.com` and `docs.example.com`. Without the
/// public suffix list, so only the last two labels count: sites under one suffix of two labels
/// (`co.uk`) look like one, so those suffixes are not taken for an owner.
fn same_owner(marker: &Endpoint, endpoint: &Endpoint) -> bool {
    if marker.provider == endpoint.provider {
        return true;
    }
    let sites = |endpoint: &'_ Endpoint| -> Vec<String> {
        endpoint.sources.iter().filter_map(|source| site(&source.source)).collect()
    };
    let own = sites(endpoint);
    sites(marker).iter().any(|site| own.contains(site))
}

fn site(source: &str) -> Option<String> {
    let host = source.strip_prefix("https://")?.split(['/', '?', '#', ':']).next()?;
    let mut labels = host.rsplit('.');
    let (top, second) = (labels.next()?, labels.next()?);
    // A list on a forge is nobody's own document.
    let forge =
        matches!(second, "github" | "githubusercontent" | "gitlab") && host != "api.github.com";
    (second.len() > 3 && top.len() > 1 && !forge).then(|| format!("{second}.{top}"))
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
