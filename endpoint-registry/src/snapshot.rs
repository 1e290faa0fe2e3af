//! An immutable view of all endpoints.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use sark_core::ContentHash;

use crate::{
    Endpoint, Manifest, NamePattern, Sharedness,
    markers::Markers,
    name::normalize_query,
    name_index::NameIndex,
    overlay::NeverTouch,
    prefix_index::{Covering, Hit, PrefixIndex},
    size::Size,
};

/// All endpoints at one moment, sorted by id, with indexes. Share it in an `Arc`.
#[derive(Debug)]
pub struct Snapshot {
    endpoints: Vec<Endpoint>,
    /// Of each endpoint's content, in their order: what the version is a hash of.
    digests: Box<[[u8; 32]]>,
    version: ContentHash,
    ipv4: PrefixIndex<u32>,
    ipv6: PrefixIndex<u128>,
    names: NameIndex,
    markers: Markers,
    /// For answers; no part of the version.
    never_touch: Vec<NeverTouch>,
}

/// An endpoint that covers an address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AddressHit<'a> {
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// Its prefix; an address alone if it was learned.
    pub prefix: IpNet,
}

/// An endpoint that has a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NameHit<'a> {
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// Its name or wildcard.
    pub pattern: &'a NamePattern,
}

impl Snapshot {
    /// Sorted by id; the version is a hash of the content in canonical form. Of two endpoints with
    /// one id, the later wins (overlays come after the seed). Lists are sorted and freed of
    /// repetitions, host bits cleared ([`Endpoint::normalize`]); learned addresses are told what else
    /// lives there.
    #[must_use]
    pub fn build(mut endpoints: Vec<Endpoint>) -> Self {
        endpoints.reverse();
        endpoints.sort_by(|a, b| a.id.cmp(&b.id));
        endpoints.dedup_by(|later, kept| later.id == kept.id);
        endpoints.shrink_to_fit();
        for endpoint in &mut endpoints {
            endpoint.normalize();
            endpoint.shrink();
        }
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (owner, endpoint) in (0..).zip(&endpoints) {
            let learned = endpoint.learned.iter().map(|learned| IpNet::from(learned.address));
            for prefix in endpoint.prefixes.iter().copied().chain(learned) {
                match prefix {
                    IpNet::V4(net) => v4.push((net.network().to_bits(), net.prefix_len(), owner)),
                    IpNet::V6(net) => v6.push((net.network().to_bits(), net.prefix_len(), owner)),
                }
            }
        }
        let (ipv4, ipv6) = (PrefixIndex::build(v4), PrefixIndex::build(v6));
        let mut snapshot = Self {
            digests: Box::default(),
            version: ContentHash::of(b""),
            names: NameIndex::build(&endpoints),
            markers: Markers::of(&endpoints, &ipv4, &ipv6),
            ipv4,
            ipv6,
            endpoints,
            never_touch: Vec::new(),
        };
        snapshot.settle_learned();
        let manifest = Manifest::of(&snapshot.endpoints);
        snapshot.version = manifest.version();
        snapshot.digests = manifest.lines().iter().map(|(_, hash)| hash.digest()).collect();
        snapshot
    }

    /// What else lives at a learned address is known once all endpoints are.
    fn settle_learned(&mut self) {
        let of = |endpoint: &Endpoint| -> Vec<Sharedness> {
            let addresses = endpoint.learned.iter().map(|learned| learned.address.into());
            addresses.map(|net| self.effective_sharedness(endpoint, net)).collect()
        };
        let found: Vec<Vec<Sharedness>> = self.endpoints.iter().map(of).collect();
        for (endpoint, found) in self.endpoints.iter_mut().zip(found) {
            for (learned, sharedness) in endpoint.learned.iter_mut().zip(found) {
                learned.sharedness = sharedness;
            }
        }
    }

    /// With what no rule may touch, for its answers. Does not change its version.
    #[must_use]
    pub fn with_never_touch(mut self, never_touch: &[NeverTouch]) -> Self {
        self.never_touch = never_touch.to_vec();
        self
    }

    /// What no rule may touch.
    pub fn never_touch(&self) -> &[NeverTouch] {
        &self.never_touch
    }

    /// Hash of the content.
    pub fn version(&self) -> &ContentHash {
        &self.version
    }

    /// Each endpoint's id and hash: what the version is a hash of.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        let digests = self.digests.iter().copied().map(ContentHash::from_digest);
        let ids = self.endpoints.iter().map(|endpoint| endpoint.id.clone());
        Manifest::from_lines(ids.zip(digests).collect())
    }

    /// All, by id.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The endpoint with this id.
    pub fn by_id(&self, id: &str) -> Option<&Endpoint> {
        let place = self.endpoints.binary_search_by(|endpoint| endpoint.id.as_str().cmp(id));
        place.ok().and_then(|place| self.endpoints.get(place))
    }

    /// Endpoints of a provider or service (its slug), by id.
    pub fn by_provider<'a>(&'a self, slug: &'a str) -> impl Iterator<Item = &'a Endpoint> {
        // Ids begin with the slug and `/`, so they stand together.
        let begin = self
            .endpoints
            .partition_point(|endpoint| endpoint.id.bytes().lt(slug.bytes().chain([b'/'])));
        let rest = self.endpoints.get(begin..).unwrap_or_default();
        rest.iter().take_while(move |endpoint| endpoint.provider == slug)
    }

    /// Slugs of all providers and services, in order of their ids, each once.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        let groups = self.endpoints.chunk_by(|a, b| a.provider == b.provider);
        groups.filter_map(|group| group.first()).map(|endpoint| endpoint.provider.as_str())
    }

    /// The endpoint with the longest prefix that covers this address; of several the first by id.
    /// The fastest question: what a packet or a flow is asked.
    #[inline]
    pub fn longest_match(&self, address: IpAddr) -> Option<AddressHit<'_>> {
        match address.to_canonical() {
            IpAddr::V4(address) => self.longest4(address.to_bits()),
            IpAddr::V6(address) => self.longest6(address.to_bits()),
        }
    }

    // Two functions, so that an address travels in registers: an `IpAddr` is written to memory in
    // other pieces than it is read in, and a processor waits for that.

    fn longest4(&self, address: u32) -> Option<AddressHit<'_>> {
        self.hit4(self.ipv4.longest(address)?)
    }

    fn longest6(&self, address: u128) -> Option<AddressHit<'_>> {
        self.hit6(self.ipv6.longest(address)?)
    }

    /// Endpoints whose prefixes cover this address, longest prefix first, then by id. An IPv4
    /// address inside IPv6 (`::ffff:192.0.2.1`) is taken as the IPv4 address it is. Does not
    /// allocate.
    #[inline]
    pub fn covering(&self, address: IpAddr) -> CoveringAddress<'_> {
        let chain = match address.to_canonical() {
            IpAddr::V4(address) => Chain::V4(self.ipv4.covering(address.to_bits())),
            IpAddr::V6(address) => Chain::V6(self.ipv6.covering(address.to_bits())),
        };
        CoveringAddress { snapshot: self, chain }
    }

    /// [`Snapshot::covering`] as a list.
    pub fn lookup_address(&self, address: IpAddr) -> Vec<AddressHit<'_>> {
        self.covering(address).collect()
    }

    /// Endpoints that overlap this prefix: those that cover it, longest prefix first, then those
    /// in it, in order of address. Does not allocate.
    pub fn overlaps(&self, prefix: IpNet) -> impl Iterator<Item = AddressHit<'_>> {
        let (v4, v6) = bits(prefix);
        let v4 = v4.into_iter().flat_map(|(net, len)| self.ipv4.overlapping(net, len));
        let v6 = v6.into_iter().flat_map(|(net, len)| self.ipv6.overlapping(net, len));
        v4.filter_map(|hit| self.hit4(hit)).chain(v6.filter_map(|hit| self.hit6(hit)))
    }

    /// How many [`Snapshot::overlaps`] gives, without going through what is in the prefix.
    pub(crate) fn count_overlaps(&self, prefix: IpNet) -> usize {
        match bits(prefix) {
            (Some((net, len)), _) => self.ipv4.count_overlapping(net, len),
            (_, Some((net, len))) => self.ipv6.count_overlapping(net, len),
            (None, None) => 0,
        }
    }

    /// Of [`Snapshot::overlaps`] those that are in use and shared as widely as `level`, which is
    /// `Cloud` or more, and no others looked at.
    pub(crate) fn markers(
        &self,
        prefix: IpNet,
        level: Sharedness,
    ) -> impl Iterator<Item = AddressHit<'_>> {
        let (v4, v6) = bits(prefix);
        let v4 = v4.zip(self.markers.ipv4(level)).into_iter();
        let v4 = v4.flat_map(|((net, len), marks)| self.ipv4.overlapping_marked(net, len, marks));
        let v6 = v6.zip(self.markers.ipv6(level)).into_iter();
        let v6 = v6.flat_map(|((net, len), marks)| self.ipv6.overlapping_marked(net, len, marks));
        let v4 = v4.filter(move |hit| self.markers.is(hit.owner, level));
        let v6 = v6.filter(move |hit| self.markers.is(hit.owner, level));
        v4.filter_map(|hit| self.hit4(hit)).chain(v6.filter_map(|hit| self.hit6(hit)))
    }

    /// [`Snapshot::overlaps`] as a list.
    pub fn overlapping(&self, prefix: IpNet) -> Vec<AddressHit<'_>> {
        self.overlaps(prefix).collect()
    }

    /// Tells `visit` of each endpoint that has this name: exact first, then by longest suffix.
    /// Case and a trailing dot do not matter. Does not allocate for a name in lower-case ASCII.
    /// A visitor and not an iterator, because the normalized name lives here.
    pub fn visit_name<'a>(&'a self, name: &str, mut visit: impl FnMut(NameHit<'a>)) {
        if let Some(name) = normalize_query(name) {
            self.named(&name).for_each(&mut visit);
        }
    }

    /// [`Snapshot::visit_name`] of a name that is normalized.
    pub(crate) fn named<'q, 'a: 'q>(
        &'a self,
        name: &'q str,
    ) -> impl Iterator<Item = NameHit<'a>> + 'q {
        let hit = |(endpoint, name): (u32, u32)| {
            let endpoint = self.endpoints.get(endpoint as usize)?;
            Some(NameHit { endpoint, pattern: endpoint.names.get(name as usize)? })
        };
        let pattern = move |endpoint, name| Some(hit((endpoint, name))?.pattern);
        self.names.find(name, pattern).filter_map(hit)
    }

    /// Endpoints that have this name, exact first, then by longest suffix.
    pub fn lookup_name(&self, name: &str) -> Vec<NameHit<'_>> {
        let mut hits = Vec::new();
        self.visit_name(name, |hit| hits.push(hit));
        hits
    }

    /// What it takes.
    #[must_use]
    pub fn size(&self) -> Size {
        Size {
            endpoints: self.endpoints.iter().map(Endpoint::octets).sum::<usize>()
                + size_of_val(&*self.digests),
            prefixes: self.ipv4.octets() + self.ipv6.octets() + self.markers.octets(),
            names: self.names.octets(),
        }
    }

    #[inline]
    fn hit4(&self, hit: Hit<u32>) -> Option<AddressHit<'_>> {
        let endpoint = self.endpoints.get(hit.owner as usize)?;
        let prefix = Ipv4Net::new(hit.network.into(), hit.length).ok()?.into();
        Some(AddressHit { endpoint, prefix })
    }

    #[inline]
    fn hit6(&self, hit: Hit<u128>) -> Option<AddressHit<'_>> {
        let endpoint = self.endpoints.get(hit.owner as usize)?;
        let prefix = Ipv6Net::new(hit.network.into(), hit.length).ok()?.into();
        Some(AddressHit { endpoint, prefix })
    }
}

/// As the indexes have it: one of the two is there.
type Bits<K> = Option<(K, u8)>;

fn bits(prefix: IpNet) -> (Bits<u32>, Bits<u128>) {
    match prefix.trunc() {
        IpNet::V4(net) => (Some((net.network().to_bits(), net.prefix_len())), None),
        IpNet::V6(net) => (None, Some((net.network().to_bits(), net.prefix_len()))),
    }
}

/// See [`Snapshot::covering`].
#[derive(Debug, Clone)]
pub struct CoveringAddress<'a> {
    snapshot: &'a Snapshot,
    chain: Chain<'a>,
}

#[derive(Debug, Clone)]
enum Chain<'a> {
    V4(Covering<'a, u32>),
    V6(Covering<'a, u128>),
}

impl<'a> Iterator for CoveringAddress<'a> {
    type Item = AddressHit<'a>;

    #[inline]
    fn next(&mut self) -> Option<AddressHit<'a>> {
        match &mut self.chain {
            Chain::V4(chain) => self.snapshot.hit4(chain.next()?),
            Chain::V6(chain) => self.snapshot.hit6(chain.next()?),
        }
    }
}
