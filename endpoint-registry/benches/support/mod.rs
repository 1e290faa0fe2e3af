//! Tables and questions, the same in every run.

#![allow(dead_code, reason = "each bench uses a part")]
#![expect(clippy::unwrap_used, reason = "a bench may fail")]

use ipnet::IpNet;
use sark_registry::{Endpoint, Kind, Provenance, Role, Sharedness, Snapshot, State};

pub mod mix;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn length(&mut self, shares: &[(u64, std::ops::RangeInclusive<u8>)]) -> u8 {
        let mut draw = self.below(100);
        for (share, lengths) in shares {
            if draw < *share {
                return lengths.start()
                    + self.below(u64::from(lengths.end() - lengths.start()) + 1) as u8;
            }
            draw -= share;
        }
        24
    }
}

/// Different prefixes with the lengths of the IPv4 BGP table, host bits zero.
pub fn ipv4_table(size: usize) -> Vec<(u32, u8)> {
    let shares = [
        (58, 24..=24),
        (12, 23..=23),
        (12, 22..=22),
        (9, 20..=21),
        (6, 16..=19),
        (1, 8..=15),
        (2, 25..=32),
    ];
    let mut random = Random(4);
    distinct(size, || {
        let length = random.length(&shares);
        let first = 1 + random.below(223);
        let bits = (first << 24) as u32 | (random.next() as u32 >> 8);
        (bits & (u32::MAX << (32 - u32::from(length))), length)
    })
}

/// Different prefixes with the lengths of the IPv6 BGP table, host bits zero.
pub fn ipv6_table(size: usize) -> Vec<(u128, u8)> {
    let shares = [
        (46, 48..=48),
        (14, 32..=32),
        (12, 40..=47),
        (10, 33..=39),
        (6, 29..=31),
        (7, 49..=64),
        (5, 128..=128),
    ];
    let registries = [0x2001, 0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00u128];
    let mut random = Random(6);
    distinct(size, || {
        let length = random.length(&shares);
        let first = registries[random.below(6) as usize] + u128::from(random.below(16));
        let rest = u128::from(random.next()) << 64 | u128::from(random.next());
        let bits = first << 112 | rest >> 16;
        (bits & (u128::MAX << (128 - u32::from(length))), length)
    })
}

/// So many different ones, sorted. In one piece of memory, which goes back when it is dropped: the
/// leavings of a tree would be counted with what is measured.
fn distinct<T: Ord>(size: usize, mut next: impl FnMut() -> T) -> Vec<T> {
    let mut all = Vec::with_capacity(size);
    while all.len() < size {
        all.extend((all.len()..size).map(|_| next()));
        all.sort_unstable();
        all.dedup();
    }
    all
}

/// Addresses as integers.
pub trait Bits: Copy {
    fn random(random: &mut Random) -> Self;
    fn inside(prefix: (Self, u8), random: &mut Random) -> Self;
}

impl Bits for u32 {
    fn random(random: &mut Random) -> Self {
        random.next() as u32
    }
    fn inside((bits, length): (u32, u8), random: &mut Random) -> Self {
        bits | (random.next() as u32).checked_shr(length.into()).unwrap_or(0)
    }
}

impl Bits for u128 {
    fn random(random: &mut Random) -> Self {
        // In the space in use, or all peers would say no at the first bits.
        0x2000 << 112 | (u128::from(random.next()) << 64 | u128::from(random.next())) >> 4
    }
    fn inside((bits, length): (u128, u8), random: &mut Random) -> Self {
        let host = u128::from(random.next()) << 64 | u128::from(random.next());
        bits | host.checked_shr(length.into()).unwrap_or(0)
    }
}

/// Half in a prefix of the table, half random.
pub fn questions<K: Bits>(table: &[(K, u8)]) -> Vec<K> {
    let mut random = Random(7);
    (0..1 << 16)
        .map(|number| match number % 2 {
            0 => K::random(&mut random),
            _ => K::inside(table[random.below(table.len() as u64) as usize], &mut random),
        })
        .collect()
}

/// A registry of endpoints with a hundred prefixes each.
pub fn snapshot(prefixes: impl Iterator<Item = IpNet>) -> Snapshot {
    Snapshot::build(endpoints(prefixes))
}

/// See [`snapshot`].
pub fn endpoints(prefixes: impl Iterator<Item = IpNet>) -> Vec<Endpoint> {
    let prefixes: Vec<IpNet> = prefixes.collect();
    let chunks = prefixes.chunks(100).enumerate();
    chunks.map(|(number, prefixes)| endpoint(number, prefixes.to_vec())).collect()
}

/// An endpoint with one name.
pub fn endpoint(number: usize, prefixes: Vec<IpNet>) -> Endpoint {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let source = "https://example.com/ranges".to_owned();
    Endpoint {
        id: format!("p{number}/api"),
        provider: format!("p{number}"),
        title: "Example".to_owned(),
        kind: Kind::Api,
        role: Role::Ingress,
        sharedness: Sharedness::Dedicated,
        confidence: 90,
        verified: true,
        state: State::Active,
        names: vec![format!("api{number}.example.com").parse().unwrap()],
        prefixes,
        ports: Vec::new(),
        expires_at: None,
        price_ref: None,
        learned: Vec::new(),
        layers: Vec::new(),
        shared: Vec::new(),
        sources: vec![Provenance { source, first_seen: at, last_seen: at }],
    }
}
