//! Which of a pool's proxies gets which sources.
//!
//! A prefix is cut into 2^k parts, where k follows from how many proxies are configured. Each part
//! ranks all of them in an order of its own and belongs to the first that is up. So one that leaves
//! moves its own parts and no others, and has the same ones again when it is back.
//!
//! The ranks are those of rendezvous hashing (Thaler and Ravishankar, 1998: the highest weight of a
//! hash over part and proxy) with a ceiling: of one prefix no proxy is first for more than an even
//! share of the parts, rounded up, and none is second for more than that of what it is second for,
//! and so on.

use std::collections::BTreeMap;

use sark_flowspec::Afi;
use sha2::{Digest, Sha256};

use crate::aggregate::{Evidence, aggregate};
use crate::net::Net;

/// Parts of a prefix for each proxy, at least: so many that even shares are nearly even.
const EACH: usize = 4;

/// A proxy, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sharer<'a> {
    pub name: &'a str,
    pub is_up: bool,
}

/// What one proxy gets.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Share {
    /// Sorted and disjoint.
    pub sources: Vec<Net>,
    /// Part of all addresses, from 0 to 1.
    pub part: f64,
}

/// A prefix that is shared, and whether it is cut.
struct Whole {
    net: Net,
    is_cut: bool,
    /// Whether its addresses count in [`Share::part`].
    counts: bool,
}

/// Shares these sources (sorted and disjoint; `None` is all) among the proxies, one of which is up.
/// In the order of `proxies`; together they are the sources, and no two overlap.
pub(crate) fn shares(sources: Option<&[Net]>, afi: Afi, proxies: &[Sharer<'_>]) -> Vec<Share> {
    let wholes = wholes(sources, afi);
    let mut parts: Vec<Vec<Net>> = vec![Vec::new(); proxies.len()];
    let mut weight = vec![0.0; proxies.len()];
    for whole in &wholes {
        let cut = if whole.is_cut { cut(whole.net, afi, proxies.len()) } else { vec![whole.net] };
        for (net, proxy) in ranked(cut, proxies) {
            parts[proxy].push(net);
            weight[proxy] += if whole.counts { addresses(net) } else { 0.0 };
        }
    }
    let all: f64 = weight.iter().sum();
    let share =
        |(nets, weight): (Vec<Net>, f64)| Share { sources: joined(nets), part: weight / all };
    parts.into_iter().zip(weight).map(share).collect()
}

fn wholes(sources: Option<&[Net]>, afi: Afi) -> Vec<Whole> {
    let one = |net, is_cut, counts| Whole { net, is_cut, counts };
    match (sources, afi) {
        (Some(sources), _) => sources.iter().map(|&net| one(net, true, true)).collect(),
        (None, Afi::Ipv4) => vec![one(Net::ANY, true, true)],
        // Clients are in 2000::/3 (RFC 4291 section 2.4); the first bits of all addresses would
        // give them to one proxy.
        (None, Afi::Ipv6) => {
            let top = |bits: u128, length: u8| Net { bits: bits << 125, length };
            let rest = [top(0, 3), top(2, 2), top(4, 1)].map(|net| one(net, false, false));
            std::iter::once(one(top(1, 3), true, true)).chain(rest).collect()
        }
    }
}

/// The parts of a prefix; one that is too long stays whole.
fn cut(net: Net, afi: Afi, proxies: usize) -> Vec<Net> {
    let width: u8 = match afi {
        Afi::Ipv4 => 32,
        Afi::Ipv6 => 128,
    };
    let count = match proxies {
        0 | 1 => 1,
        more => (EACH * more).next_power_of_two(),
    };
    let length = net.length.saturating_add(u8::try_from(count.ilog2()).unwrap_or(u8::MAX));
    if length > width {
        return vec![net];
    }
    let part = |n: u128| Net {
        bits: net.bits | n.checked_shl(128 - u32::from(length)).unwrap_or(0),
        length,
    };
    (0..count as u128).map(part).collect()
}

/// Each part with its proxy.
fn ranked(parts: Vec<Net>, proxies: &[Sharer<'_>]) -> Vec<(Net, usize)> {
    let mut out = Vec::with_capacity(parts.len());
    let mut open = vec![(parts, (0..proxies.len()).collect::<Vec<usize>>())];
    while let Some((parts, left)) = open.pop() {
        let mut down: BTreeMap<usize, Vec<Net>> = BTreeMap::new();
        for (net, proxy) in first(parts, &left, proxies) {
            // Nobody is up: the first has it, so that nothing is lost.
            match proxies[proxy].is_up || left.len() == 1 {
                true => out.push((net, proxy)),
                false => down.entry(proxy).or_default().push(net),
            }
        }
        for (gone, parts) in down {
            open.push((parts, left.iter().copied().filter(|&proxy| proxy != gone).collect()));
        }
    }
    out
}

/// Who of these is first for each part: by weight, up to an even share.
fn first(parts: Vec<Net>, of: &[usize], proxies: &[Sharer<'_>]) -> Vec<(Net, usize)> {
    let Some(&any) = of.first() else { return Vec::new() };
    if of.len() == 1 {
        return parts.into_iter().map(|net| (net, any)).collect();
    }
    let even = parts.len().div_ceil(of.len());
    let mut pairs: Vec<(u64, usize, usize)> = Vec::with_capacity(parts.len() * of.len());
    for (place, net) in parts.iter().enumerate() {
        pairs.extend(of.iter().map(|&proxy| (weight(proxies[proxy].name, *net), place, proxy)));
    }
    pairs.sort_unstable_by(|a, b| b.cmp(a));
    let mut has: BTreeMap<usize, usize> = BTreeMap::new();
    let mut chosen: Vec<Option<usize>> = vec![None; parts.len()];
    for (_, place, proxy) in pairs {
        let has = has.entry(proxy).or_default();
        if chosen[place].is_none() && *has < even {
            chosen[place] = Some(proxy);
            *has += 1;
        }
    }
    // There is room for all: as many times `even` as there are proxies.
    parts.into_iter().zip(chosen).map(|(net, proxy)| (net, proxy.unwrap_or(any))).collect()
}

fn weight(proxy: &str, part: Net) -> u64 {
    let digest = Sha256::new()
        .chain_update(proxy)
        .chain_update([0, part.length])
        .chain_update(part.bits.to_be_bytes())
        .finalize();
    digest.iter().take(8).fold(0, |weight, octet| weight << 8 | u64::from(*octet))
}

fn addresses(net: Net) -> f64 {
    0.5f64.powi(net.length.into())
}

/// Fewer prefixes for the same addresses.
fn joined(nets: Vec<Net>) -> Vec<Net> {
    let evidence = |net| Evidence { net, endpoints: Vec::new(), literal: true, joins: true };
    aggregate(nets.into_iter().map(evidence).collect()).into_iter().map(|it| it.net).collect()
}

#[cfg(test)]
mod tests;
