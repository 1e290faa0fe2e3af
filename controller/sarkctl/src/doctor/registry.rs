//! What the registry's feeds, versions and names mean for a person on call.

use jiff::{SignedDuration, Timestamp};
use sark_api::{
    FeedState, FeedView, FeedsResponse, NameView, NamesResponse, ProblemView, VersionsResponse,
};
use sark_registry::State;
use sark_registry::schedule::Schedule;

use super::Check;
use crate::render;

/// A copy that was not confirmed for this many of its feed's periods is too old.
const PERIODS: i32 = 3;
/// But never before this.
const LEAST: SignedDuration = SignedDuration::from_hours(24);
/// Of many names, these are named.
const FEW: usize = 3;

/// Which version rules are made from.
pub fn version(versions: &VersionsResponse, now: Timestamp) -> Check {
    let Some(number) = versions.in_use else {
        return Check::warn("version", "no registry version is stored yet", "see sarkd's log");
    };
    let text = match versions.versions.iter().find(|version| version.number == number) {
        Some(version) => {
            format!("{number}, {}, by {}", render::ago(version.at, now), version.cause)
        }
        None => format!("{number}, older than those that were listed"),
    };
    let Some(pinned) = versions.pinned else { return Check::ok("version", text) };
    let later = versions.versions.iter().filter(|version| version.number > pinned).count() as u64;
    Check::warn(
        "version",
        format!("{text}; pinned, and {} recorded and not used", render::count(later, "later one")),
        "if the reason is gone: `sarkctl registry diff VERSION`, then `sarkctl registry unpin`",
    )
}

/// A line for all, and one for each that needs a look; with `verbose` one for each.
pub fn feeds(response: &FeedsResponse, now: Timestamp, verbose: bool) -> Vec<Check> {
    if !response.enabled {
        return vec![off(response, now)];
    }
    let on: Vec<&FeedView> = response.feeds.iter().filter(|feed| feed.next_at.is_some()).collect();
    let mut checks = vec![summary(&on, now)];
    let waiting_too = response.feeds.iter().filter(|feed| feed.next_at.is_some() || is_held(feed));
    let each = waiting_too.map(|feed| one(feed, now));
    checks.extend(each.filter(|check| verbose || check.help.is_some()));
    checks
}

fn off(response: &FeedsResponse, now: Timestamp) -> Check {
    let text = "not asked: `registry.feeds.enabled` is off";
    let copies = response.feeds.iter().filter_map(|feed| feed.copy.as_ref());
    let oldest = copies.clone().map(|copy| copy.fetched_at.unwrap_or(copy.changed_at)).min();
    match oldest {
        None => Check::ok("feeds", format!("{text}; the registry is what ships and what you add")),
        Some(oldest) => Check::warn(
            "feeds",
            format!(
                "{text}; copies of {} are in use from before, the oldest of {}",
                render::count(copies.count() as u64, "feed"),
                render::ago(oldest, now)
            ),
            "they age: switch feeds on again, or go back to a version without them",
        ),
    }
}

fn summary(on: &[&FeedView], now: Timestamp) -> Check {
    let Some(next) = on.iter().min_by_key(|feed| feed.next_at) else {
        let help = "a feed's `enabled` says whether it is; `sarkctl registry feeds list`";
        return Check::warn("feeds", "asked for, but no feed is on", help);
    };
    let mut text = format!("{} on", on.len());
    for (state, word) in [
        (FeedState::Current, "current"),
        (FeedState::Waiting, "not asked yet"),
        (FeedState::Failing, "failing"),
        (FeedState::Held, "held"),
    ] {
        let number = on.iter().filter(|feed| feed.state == state).count();
        if number > 0 {
            text.push_str(&format!(", {number} {word}"));
        }
    }
    let at = next.next_at.map_or_else(String::new, |at| render::ahead(at, now));
    Check::ok("feeds", format!("{text}; next {} {at}", next.name))
}

fn is_held(feed: &FeedView) -> bool {
    feed.pending.is_some()
}

fn one(feed: &FeedView, now: Timestamp) -> Check {
    let name = format!("feed {}", feed.name);
    let had = feed.copy.as_ref().map(|copy| copy.fetched_at.unwrap_or(copy.changed_at));
    let in_use = match had {
        Some(at) => format!("the copy in use was confirmed {}", render::ago(at, now)),
        None => "no copy is in use".to_owned(),
    };
    let next = match feed.next_at {
        Some(at) => format!("asked again {}", render::ahead(at, now)),
        None => "not asked by itself".to_owned(),
    };
    let is_old = had.is_some_and(|at| now.duration_since(at) > patience(&feed.schedule, now));
    let check = if is_old { Check::fail } else { Check::warn };
    if let Some(pending) = &feed.pending {
        let doubts = told(&pending.doubts);
        let at = render::ago(pending.fetched_at, now);
        return check(
            &name,
            format!("a copy of {at} is held: {doubts}; {in_use}"),
            format!(
                "`sarkctl registry feeds show {}`, then accept or reject; docs/runbooks/feeds.md",
                feed.name
            ),
        );
    }
    if let Some(problem) = &feed.problem {
        let times = render::count(feed.failures.into(), "time");
        let ProblemView { code, message, help } = problem;
        return check(
            &name,
            format!("failed {times} in a row ({code}): {message}; {in_use}, {next}"),
            format!("{help}; docs/runbooks/feeds.md says more of `{code}`"),
        );
    }
    if is_old {
        return Check::fail(
            &name,
            format!("{in_use}, {next}"),
            format!("`sarkctl registry refresh {}` says why", feed.name),
        );
    }
    Check::ok(&name, format!("{in_use}, {next}"))
}

fn told(doubts: &[ProblemView]) -> String {
    let first = doubts.first().map_or("nobody knows why", |doubt| &doubt.message);
    match doubts.len() {
        0 | 1 => first.to_owned(),
        more => format!("{first} (and {} more)", render::count(more as u64 - 1, "reason")),
    }
}

/// How old a copy may be.
fn patience(schedule: &str, now: Timestamp) -> SignedDuration {
    let schedule: Option<Schedule> = schedule.parse().ok();
    let period = schedule.and_then(|schedule| {
        let first = schedule.next(now)?;
        Some(schedule.next(first)?.duration_since(first))
    });
    period.map_or(LEAST, |period| period.saturating_mul(PERIODS)).max(LEAST)
}

/// Nothing if no name is asked for.
pub fn names(response: &NamesResponse, now: Timestamp) -> Vec<Check> {
    let names = &response.names;
    if !response.enabled || names.is_empty() {
        return Vec::new();
    }
    let is_kept = |state| matches!(state, State::Active | State::Draining);
    let leads = |name: &&NameView| name.addresses.iter().any(|address| is_kept(address.state));
    let addresses = names.iter().flat_map(|name| &name.addresses);
    let addresses = addresses.filter(|address| is_kept(address.state)).count();
    let number = render::count(names.len() as u64, "name");
    let text = format!("{number} asked for, {addresses} addresses in use");
    let stale: Vec<&NameView> = names.iter().filter(|name| name.stale_since.is_some()).collect();
    let since = stale.iter().filter_map(|name| name.stale_since).min();
    let mut checks = Vec::new();
    match since {
        Some(since) if stale.len() == names.len() => checks.push(Check::fail(
            "names",
            format!("{text}; no resolver answers, since {}", render::ago(since, now)),
            "see `registry.resolve.resolvers`; what was learned stays; docs/runbooks/names.md",
        )),
        Some(since) => checks.push(Check::warn(
            "names",
            format!("{text}; stale since {}: {}", render::ago(since, now), some(&stale)),
            "what was learned of them stays; docs/runbooks/names.md",
        )),
        None => checks.push(Check::ok("names", text)),
    }
    let answered = |name: &&NameView| name.answered_at.is_some() && name.stale_since.is_none();
    let nowhere: Vec<&NameView> =
        names.iter().filter(|name| answered(name) && !leads(name)).collect();
    let (unsure, empty): (Vec<_>, Vec<_>) =
        nowhere.into_iter().partition(|name| !name.addresses.is_empty());
    if !empty.is_empty() {
        checks.push(Check::warn(
            "no address",
            format!("answered without an address that may be learned: {}", some(&empty)),
            "`sarkctl registry names NAME` shows what was refused; else it is misspelt or gone",
        ));
    }
    if !unsure.is_empty() {
        checks.push(Check::warn(
            "candidates",
            format!("resolvers do not agree, and no client asked: {}", some(&unsure)),
            "name the resolver that clients use, with `clients: true`; docs/runbooks/names.md",
        ));
    }
    checks
}

fn some(names: &[&NameView]) -> String {
    let few: Vec<&str> = names.iter().take(FEW).map(|name| name.name.as_str()).collect();
    let few = few.join(", ");
    match names.len().saturating_sub(FEW) {
        0 => few,
        more => format!("{few} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
