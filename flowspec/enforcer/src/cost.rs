//! What lookups cost a packet.

/// Whether so many lookups of hash tables are cheaper than lookups of so many sets of intervals,
/// which have this many entries together.
///
/// As measured: a set of intervals costs as much as two hash tables when it is small, and about one
/// more for each 32 times as many entries.
pub(crate) fn hashes_are_cheaper(tables: usize, sets: usize, entries: usize) -> bool {
    let doublings = usize::try_from(entries.max(1).ilog2()).unwrap_or(usize::MAX);
    let set = doublings.saturating_add(10);
    tables.saturating_mul(5) <= sets.saturating_mul(set)
}
