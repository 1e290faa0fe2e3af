//! What a packet is asked before all else, for no rule is about most of them.
//!
//! The kernel loads and looks up four octets much faster than the sixteen of an IPv6 address, or a
//! key of several fields. Four octets of an address are often enough to tell, and a packet that no
//! rule can be about need not even be asked where it came in.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use sark_flowspec::Afi;

use crate::field::{Element, Field};
use crate::matching::Matching;
use crate::prefix::Prefix;

/// Conditions of rules without a prefix. More cost as much as the gate saves.
const MOST_CONDITIONS: usize = 4;
/// Of the values that a word can have, at most one in so many lets a packet pass.
const FEWEST_OTHERS: u64 = 8;
/// Bits of the longest key that the kernel has its fastest hash table for.
const WORD: u8 = 32;

/// Tests of which a packet meets at least one if any of these rules is about it. None where too many
/// other packets would, too, or where they cost too much.
pub(crate) fn gate<'m>(
    afi: Afi,
    rules: impl IntoIterator<Item = &'m Matching>,
) -> Option<Vec<String>> {
    let (mut destinations, mut sources, mut tests) = (Vec::new(), Vec::new(), Vec::new());
    for rule in rules {
        match rule.keyed {
            Some((Element { destination: Some(prefix), .. }, _)) => destinations.push(prefix),
            Some((Element { source: Some(prefix), .. }, _)) => sources.push(prefix),
            _ => tests.extend(rule.alternatives.iter().cloned()),
        }
    }
    if tests.len() > MOST_CONDITIONS || tests.iter().any(String::is_empty) {
        return None;
    }
    for (field, prefixes) in [(Field::Destination, destinations), (Field::Source, sources)] {
        if !prefixes.is_empty() {
            tests.push(Word::of(&prefixes)?.test(field, afi));
        }
    }
    Some(tests)
}

/// A part of an address that all prefixes of some rules have, and its values in them.
struct Word {
    /// Where it begins in the address, in bits.
    from: u8,
    /// Bits of it that are within the shortest prefix.
    length: u8,
    values: BTreeSet<u32>,
}

impl Word {
    /// The word that tells most: that with the most values, of which zero says little. Of several
    /// the last, as addresses differ more towards their end.
    fn of(prefixes: &[Prefix]) -> Option<Self> {
        let shortest = prefixes.iter().map(|prefix| prefix.length).min()?;
        let words = (0..shortest).step_by(usize::from(WORD)).map(|from| {
            let length = WORD.min(shortest - from);
            let values = prefixes.iter().map(|prefix| word(prefix.shortened(shortest), from));
            Self { from, length, values: values.collect() }
        });
        words.filter(Self::tells).max_by_key(|word| word.values.iter().filter(|v| **v > 0).count())
    }

    fn tells(&self) -> bool {
        self.values.len() as u64 * FEWEST_OTHERS <= 1 << self.length
    }

    fn test(&self, field: Field, afi: Afi) -> String {
        let (key, values): (_, Vec<String>) = match afi {
            Afi::Ipv4 => {
                let addresses = self.values.iter().map(|v| Ipv4Addr::from_bits(*v).to_string());
                (field.cut(afi, Some(self.length)), addresses.collect())
            }
            // nftables has no name for a part of an address.
            Afi::Ipv6 => {
                let address = if field == Field::Source { 64 } else { 192 };
                let mut key = format!("@nh,{},{WORD}", address + u32::from(self.from));
                if self.length < WORD {
                    key += &format!(" & {:#010x}", u32::MAX << (WORD - self.length));
                }
                (key, self.values.iter().map(|v| format!("{v:#010x}")).collect())
            }
        };
        format!("{key} {{ {} }}", values.join(",\n      "))
    }
}

/// The 32 bits of a prefix that begin there.
fn word(prefix: Prefix, from: u8) -> u32 {
    (prefix.bits << from >> 96) as u32
}
