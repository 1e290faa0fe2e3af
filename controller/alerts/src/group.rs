//! One cause is one alert: what has the same key within the window is counted, not told again.
//!
//! Alerts are of two sorts. A condition [lasts] until a record says that it is gone: silence means
//! nothing. Everything else happens, and nothing says that it is over: when it has not happened for
//! a window, the next time is a new alert, as severe as it is itself.
//!
//! [lasts]: LASTING

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sark_core::audit::AuditRecord;
use sark_core::storage::alerts::{Group, NewDelivery, Taken};

use crate::message::{Kind, Message, SELF_KEY, bounded_key, delivery_id};
use crate::quiet::QuietHours;
use crate::route::{Route, is_route, sinks};

/// The keys of conditions begin with one of these: who writes that one begins writes that it ends.
/// For what is wrong with a sink see [`SELF_KEY`].
pub const LASTING: [&str; 5] =
    ["approval:", "health.", "sensor.gap:", "sensor.silent:", "sensor.state:"];

fn lasts(key: &str) -> bool {
    key.starts_with(SELF_KEY) || LASTING.iter().any(|prefix| key.starts_with(prefix))
}

/// What decides who is told.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which installation tells it.
    pub source: String,
    /// Where the runbooks are.
    pub runbooks: Option<String>,
    /// For so long after an alert was told it is not told again, unless it is worse or gone.
    pub window: Duration,
    /// Of the quiet hours.
    pub zone: TimeZone,
    /// By name.
    pub quiet: Vec<QuietHours>,
    /// All.
    pub routes: Vec<Route>,
}

/// What becomes of the records after `from`: `records` as the trail has them, `groups` the open
/// alerts of their keys. All of it is stored at once or not at all.
#[must_use]
pub fn take(
    plan: &Plan,
    from: u64,
    records: &[(u64, AuditRecord)],
    groups: Vec<Group>,
    now: Timestamp,
) -> Taken {
    let mut open: BTreeMap<String, Group> =
        groups.into_iter().map(|group| (group.key.clone(), group)).collect();
    let mut taken = Taken {
        from,
        to: records.last().map_or(from, |(sequence, _)| *sequence),
        at: now,
        groups: Vec::new(),
        closed: Vec::new(),
        deliveries: Vec::new(),
    };
    let mut touched: Vec<String> = Vec::new();
    for (sequence, record) in records {
        let Some(notice) = &record.notice else { continue };
        let message =
            Message::of(record, notice, *sequence, &plan.source, plan.runbooks.as_deref());
        if !touched.contains(&message.key) {
            touched.push(message.key.clone());
        }
        let told = match message.is_resolved() {
            true => resolve(&mut open, message),
            false => count(&mut open, message, plan.window),
        };
        let Some((message, told_before)) = told else { continue };
        let mut to = sinks(&plan.routes, &plan.quiet, &plan.zone, &message, &notice.routes, now);
        // Who was not told that it began need not know that it ended.
        to.retain(|(sink, _)| told_before.as_ref().is_none_or(|told| told.contains(sink)));
        if let Some(group) = open.get_mut(&message.key) {
            let new = to.iter().map(|(sink, _)| sink).filter(|sink| !group.sinks.contains(sink));
            let new: Vec<String> = new.cloned().collect();
            group.sinks.extend(new);
        }
        taken.deliveries.extend(to.into_iter().map(|(sink, due_at)| NewDelivery {
            id: delivery_id(&message, &sink),
            key: message.key.clone(),
            sequence: *sequence,
            due_at,
            // Nobody is disturbed to hear that something is over.
            hurries: !message.is_resolved(),
            message: serde_json::to_value(&message).unwrap_or_default(),
            sink,
        }));
    }
    for key in touched {
        match open.remove(&key) {
            Some(group) => taken.groups.push(group),
            None => taken.closed.push(key),
        }
    }
    taken
}

/// Routes that these records name and that there are not: who is told of them is found without.
#[must_use]
pub fn unknown_routes(routes: &[Route], records: &[(u64, AuditRecord)]) -> BTreeSet<String> {
    let notices = records.iter().filter_map(|(_, record)| record.notice.as_ref());
    let named = notices.flat_map(|notice| &notice.routes);
    named.filter(|name| !is_route(routes, name)).cloned().collect()
}

/// Keys of the alerts that these records are of.
#[must_use]
pub fn keys(records: &[(u64, AuditRecord)]) -> Vec<String> {
    let notices = records.iter().filter_map(|(_, record)| record.notice.as_ref());
    let mut keys: Vec<String> = notices.map(|notice| bounded_key(&notice.key)).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// The message, and which sinks it may go to at most.
type Told = Option<(Message, Option<Vec<String>>)>;

fn resolve(open: &mut BTreeMap<String, Group>, message: Message) -> Told {
    let group = open.remove(&message.key)?;
    let message = Message {
        severity: group.severity.max(message.severity),
        first_at: group.opened_at,
        count: group.count,
        ..message
    };
    Some((message, Some(group.sinks)))
}

fn count(open: &mut BTreeMap<String, Group>, message: Message, window: Duration) -> Told {
    let goes_on = |group: &&mut Group| {
        let silent = message.at.duration_since(group.last_at);
        lasts(&group.key) || !Duration::try_from(silent).is_ok_and(|silent| silent >= window)
    };
    let Some(group) = open.get_mut(&message.key).filter(goes_on) else {
        let group = Group {
            key: message.key.clone(),
            event: message.event.clone(),
            title: message.title.clone(),
            severity: message.severity,
            opened_at: message.at,
            last_at: message.at,
            told_at: message.at,
            count: 1,
            sinks: Vec::new(),
        };
        open.insert(message.key.clone(), group);
        return Some((message, None));
    };
    group.count += 1;
    group.last_at = message.at;
    group.title.clone_from(&message.title);
    let since = message.at.duration_since(group.told_at);
    let kind = match () {
        () if message.severity > group.severity => Kind::Worse,
        () if since.unsigned_abs() >= window => Kind::Again,
        () => return None,
    };
    group.severity = group.severity.max(message.severity);
    group.told_at = message.at;
    let (first_at, count, severity) = (group.opened_at, group.count, group.severity);
    Some((Message { kind, first_at, count, severity, ..message }, None))
}

#[cfg(test)]
mod tests;
