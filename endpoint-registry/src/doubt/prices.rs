//! Another price list: models that go, and prices that jump.
//!
//! New models are never doubted: nobody pays less for what was unpriced before.

use sark_prices::{Changed, PriceList, compare};

use super::{Change, Doubt, Examples, SAMPLE};
use crate::feed::{Format, PriceDoubt};

/// Looks at a list beside the one in use. Too many jumps are a reason to hold it; a few are odd.
pub(super) fn look(
    format: &Format,
    old: Option<&PriceList>,
    new: &PriceList,
    reasons: &mut Vec<Doubt>,
    warnings: &mut Vec<Doubt>,
) -> Change {
    let Some(old) = old else { return first(new) };
    let allowed = match format {
        Format::PriceList(allowed) => *allowed,
        _ => PriceDoubt::default(),
    };
    let mut comparison = compare(old, new);
    let before = number(comparison.before);
    let is_more = |count: u64, percent: u8| count > before.saturating_mul(percent.into()) / 100;
    let lost = number(comparison.removed.len());
    if is_more(lost, allowed.lost_percent) {
        reasons.push(Doubt::Lost { lost, before, percent: allowed.lost_percent });
    }
    let (factor, percent) = (allowed.factor, allowed.jump_percent);
    let mut found = Examples::default();
    for changed in &comparison.changed {
        if let Some(jump) = changed.jump(factor) {
            found.note(|| format!("{} ({jump})", changed.name));
        }
    }
    if found.count > 0 {
        let list = if is_more(found.count, percent) { reasons } else { warnings };
        list.push(Doubt::Jump { found, before, factor, percent });
    }
    // What is worst is seen first.
    comparison.changed.sort_by_key(|changed| changed.jump(factor).is_none());
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for changed in &comparison.changed {
        lines(changed, &mut added, &mut removed);
    }
    let changed = number(comparison.changed.len());
    Change {
        added: number(comparison.added.len()) + changed,
        removed: lost + changed,
        added_sample: added.into_iter().chain(comparison.added).take(SAMPLE).collect(),
        removed_sample: removed.into_iter().chain(comparison.removed).take(SAMPLE).collect(),
    }
}

/// Everything is new.
fn first(new: &PriceList) -> Change {
    let names = new.models().map(|(name, _)| name.to_owned());
    Change {
        added: number(new.len()),
        added_sample: names.take(SAMPLE).collect(),
        ..Change::default()
    }
}

/// A changed model goes with what it had and comes with what it has.
fn lines(changed: &Changed, added: &mut Vec<String>, removed: &mut Vec<String>) {
    let name = &changed.name;
    for price in &changed.prices {
        for (amount, lines) in [(price.from, &mut *removed), (price.to, &mut *added)] {
            if let Some(amount) = amount.filter(|_| lines.len() < SAMPLE) {
                lines.push(format!("{name} {} {amount}", price.source));
            }
        }
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
