//! Bitmask components: whatever their items say comes to a set of values.

use sark_flowspec::iana::{fragment, tcp};
use sark_flowspec::{Afi, BitmaskItem, ComponentType, Fragment};

use super::check_ranges;
use super::choice::{ANY_TWO, Choice};
use crate::values::{Values, holds};
use crate::{Options, Reason};

/// Octets 13 and 14 of the TCP header, data offset left out.
const FLAGS: &str = "@th,96,16";
/// What merging changes: a run of segments ends with the flags of its last one.
const MERGED: u64 = (tcp::FIN | tcp::PSH | tcp::CWR) as u64;

pub fn tcp_flags(items: &[BitmaskItem], options: &Options) -> Result<Choice, Reason> {
    // The data offset is read as zero, so its bits do not differ between packets.
    let mask = items.iter().fold(0, |mask, item| mask | item.value) & u64::from(tcp::ALL);
    if options.merged_segments && mask & MERGED != 0 {
        return Err(Reason::Merged("the flag FIN, PSH or CWR"));
    }
    if items.len() > 1 && items.iter().skip(1).all(|item| item.and) {
        return Ok(Choice::one(all_of(items, mask)));
    }
    let values = Values::bitmask(items, mask);
    check_ranges(ComponentType::TcpFlags, &values)?;
    Ok(if values.is_all() {
        // The octets have to be there.
        Choice::one(format!("{FLAGS} == {ANY_TWO}"))
    } else {
        Choice::there(&format!("{FLAGS} & {mask:#x}"), values)
    })
}

/// Items that must all hold are as many tests, whatever the number of their bits.
fn all_of(items: &[BitmaskItem], mask: u64) -> String {
    let test = |item: &BitmaskItem| {
        // Of the data offset every bit is zero.
        let bits = item.value & mask;
        let wanted = if item.all { item.value } else { 0 };
        let equal = item.all != item.not;
        let sign = if equal { "==" } else { "!=" };
        format!("{FLAGS} & {bits:#x} {sign} {wanted:#x}")
    };
    items.iter().map(test).collect::<Vec<_>>().join(" ")
}

/// All ways in which a packet can be fragmented.
fn states(items: &[BitmaskItem], afi: Afi) -> impl Iterator<Item = Fragment> {
    (0..8_u8)
        .map(|bits| Fragment { dont: bits & 1 != 0, more: bits & 2 != 0, offset: bits & 4 != 0 })
        .filter(move |state| holds(items, state.bits(afi)))
        .filter(move |state| !state.dont || afi == Afi::Ipv4)
}

pub fn fragment(items: &[BitmaskItem], afi: Afi) -> Choice {
    let states = states(items, afi);
    match afi {
        Afi::Ipv4 => fragment_v4(states),
        Afi::Ipv6 => {
            let conditions = states.flat_map(fragment_v6).map(|text| (*text).to_owned());
            Choice::Conditions(conditions.collect())
        }
    }
}

/// Flags and offset of the header as one number, the reserved bit left out: DF 0x4000, MF 0x2000.
fn fragment_v4(states: impl Iterator<Item = Fragment>) -> Choice {
    let ranges = states.map(|state| {
        let flags = (u64::from(state.dont) * 0x4000) | (u64::from(state.more) * 0x2000);
        if state.offset { (flags | 1, flags | 0x1fff) } else { (flags, flags) }
    });
    Choice::always_there("@nh,48,16 & 0x7fff", Values::merged(ranges.collect(), 0x7fff))
}

/// The fragment header (RFC 8200 section 4.5); a packet without one is whole, and so is one that
/// says that it is the first and the last.
fn fragment_v6(state: Fragment) -> &'static [&'static str] {
    match (state.offset, state.more) {
        (false, false) => &["exthdr frag missing", "frag frag-off 0 frag more-fragments 0"],
        (false, true) => &["frag frag-off 0 frag more-fragments 1"],
        (true, false) => &["frag frag-off != 0 frag more-fragments 0"],
        (true, true) => &["frag frag-off != 0 frag more-fragments 1"],
    }
}

// The component's bits are those of `Fragment::bits`; nothing else depends on their values.
const _: () =
    assert!(fragment::DF | fragment::IS_FRAGMENT | fragment::FIRST | fragment::LAST == 15);
