//! Facts from outside the registry about who else is at an address: names of others that lead there,
//! and whose network it is.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use publicsuffix::{List, Psl as _};

use super::FeedCopy;
use crate::{
    Endpoint, Reason, Shared, Sharedness,
    feed::{AsnRange, Content},
};

/// Networks in which other people's sites live. Only ever makes an address more shared.
const NETWORKS: [(u32, Sharedness); 28] = {
    use Sharedness::{Cdn, Cloud};
    [
        (13335, Cdn),    // Cloudflare
        (209242, Cdn),   // Cloudflare Spectrum
        (54113, Cdn),    // Fastly
        (16625, Cdn),    // Akamai
        (20940, Cdn),    // Akamai
        (12222, Cdn),    // Akamai
        (19551, Cdn),    // Imperva
        (60068, Cdn),    // CDN77
        (200325, Cdn),   // bunny.net
        (30148, Cdn),    // Sucuri
        (2635, Cdn),     // Automattic
        (14618, Cloud),  // Amazon
        (16509, Cloud),  // Amazon
        (15169, Cloud),  // Google
        (396982, Cloud), // Google Cloud
        (8075, Cloud),   // Microsoft
        (14061, Cloud),  // DigitalOcean
        (16276, Cloud),  // OVH
        (24940, Cloud),  // Hetzner
        (213230, Cloud), // Hetzner
        (63949, Cloud),  // Akamai (Linode)
        (20473, Cloud),  // Vultr
        (31898, Cloud),  // Oracle
        (45102, Cloud),  // Alibaba
        (37963, Cloud),  // Alibaba
        (132203, Cloud), // Tencent
        (12876, Cloud),  // Scaleway
        (212238, Cloud), // Datacamp
    ]
};

/// Fills in [`Endpoint::shared`].
pub(super) fn find(endpoints: &mut BTreeMap<String, Endpoint>, feeds: &[FeedCopy<'_>]) {
    let leads = Leads::of(endpoints);
    let networks = Networks::of(feeds);
    let owners = Owners::of(feeds);
    let found = |endpoint: &Endpoint| of(endpoint, &leads, &networks, &owners);
    let found: Vec<Vec<Shared>> = endpoints.values().map(found).collect();
    for (endpoint, found) in endpoints.values_mut().zip(found) {
        // Nothing makes a content network's address more shared.
        if endpoint.sharedness < Sharedness::Cdn {
            endpoint.shared = found;
        }
    }
}

fn of(
    endpoint: &Endpoint,
    leads: &Leads<'_>,
    networks: &Networks<'_>,
    owners: &Owners,
) -> Vec<Shared> {
    let own = endpoint.sharedness;
    let mut shared = Vec::new();
    if own == Sharedness::Cdn {
        return shared;
    }
    for learned in &endpoint.learned {
        let mut note = |sharedness, reason| {
            let net = IpNet::from(learned.address);
            shared.extend((sharedness > own).then_some(Shared { net, sharedness, reason }));
        };
        let published = endpoint.publishes(learned.address);
        if !published {
            note(Sharedness::Provider, Reason::NotPublished);
        }
        if let Some((provider, name)) = leads.other(learned.address, endpoint, owners) {
            let (name, provider) = (name.to_owned(), provider.to_owned());
            note(Sharedness::Cloud, Reason::Name { name, provider });
        }
        // An owner may stand in a cloud's network with ranges of its own.
        if !(published && endpoint.verified)
            && let Some((sharedness, reason)) = networks.of_address(learned.address)
        {
            note(sharedness, reason);
        }
    }
    for net in endpoint.prefixes.iter().filter(|_| !endpoint.verified) {
        if let Some((sharedness, reason)) = networks.of_address(net.network())
            && sharedness > own
        {
            shared.push(Shared { net: *net, sharedness, reason });
        }
    }
    shared
}

/// All learned addresses, with the providers whose names lead there and those names.
struct Leads<'a>(BTreeMap<IpAddr, BTreeMap<&'a str, BTreeSet<&'a str>>>);

impl<'a> Leads<'a> {
    fn of(endpoints: &'a BTreeMap<String, Endpoint>) -> Self {
        let mut leads = Self(BTreeMap::new());
        for endpoint in endpoints.values() {
            for learned in &endpoint.learned {
                let there = leads.0.entry(learned.address).or_default();
                there.entry(&endpoint.provider).or_default().insert(&learned.name);
            }
        }
        leads
    }

    /// A provider and its name that is another owner's.
    fn other(
        &self,
        address: IpAddr,
        endpoint: &Endpoint,
        owners: &Owners,
    ) -> Option<(&'a str, &'a str)> {
        let there = self.0.get(&address)?;
        let ours = there.get(&*endpoint.provider);
        let one = |name: &str| ours.into_iter().flatten().any(|ours| owners.are_one(ours, name));
        let others = there.iter().filter(|(provider, _)| **provider != endpoint.provider);
        let mut names = others.flat_map(|(of, names)| names.iter().map(|name| (*of, *name)));
        names.find(|(_, name)| !one(name))
    }
}

/// The public suffix list, if a feed has it.
struct Owners(Option<List>);

impl Owners {
    fn of(feeds: &[FeedCopy<'_>]) -> Self {
        let list = feeds.iter().rev().find_map(|copy| match &copy.copy.content {
            Content::Suffixes(text) => text.parse().ok(),
            _ => None,
        });
        Self(list)
    }

    /// Whether two names are under one registered domain: known only with the list.
    fn are_one(&self, a: &str, b: &str) -> bool {
        let domain = |name: &str| {
            let domain = self.0.as_ref()?.domain(name.as_bytes())?;
            Some(domain.as_bytes().to_vec())
        };
        matches!((domain(a), domain(b)), (Some(a), Some(b)) if a == b)
    }
}

/// Who announces what, if a feed has it.
struct Networks<'a>(Vec<&'a [AsnRange]>);

impl<'a> Networks<'a> {
    fn of(feeds: &[FeedCopy<'a>]) -> Self {
        let tables = feeds.iter().filter_map(|copy| match &copy.copy.content {
            Content::Asns(ranges) => Some(ranges.as_slice()),
            _ => None,
        });
        Self(tables.collect())
    }

    /// If it is a cloud or content network.
    fn of_address(&self, address: IpAddr) -> Option<(Sharedness, Reason)> {
        let range = self.0.iter().find_map(|table| {
            let place = table.partition_point(|range| range.first <= address).checked_sub(1)?;
            table.get(place).filter(|range| range.last >= address)
        })?;
        let (_, sharedness) = NETWORKS.iter().find(|(asn, _)| *asn == range.asn)?;
        let (asn, name) = (range.asn, range.name.to_string());
        Some((*sharedness, Reason::Network { asn, name }))
    }
}
