//! Who is told what.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sark_core::decision::Severity;
use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::quiet::QuietHours;

/// One of `alerts.routes`. An alert goes to the sinks of every route that takes it, once each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route {
    /// As obligations of policies name it, beside what it takes by itself. What names a route that
    /// there is not, and is taken by none, goes to the one that takes most.
    pub name: String,
    /// Sinks that are told.
    pub to: Vec<String>,
    /// Least severity.
    #[serde(default = "low")]
    pub severity: Severity,
    /// Events, `*` at the end for all that begin so: `registry.*`. By default all.
    #[serde(default)]
    pub events: Vec<String>,
    /// Whether only those that name it are taken.
    #[serde(default)]
    pub only_when_named: bool,
    /// Whether it is told when the cause is gone.
    #[serde(default = "yes")]
    pub resolved: bool,
    /// In these hours nothing is sent: it goes out when they end.
    #[serde(default)]
    pub quiet_hours: Option<String>,
}

fn low() -> Severity {
    Severity::Low
}

fn yes() -> bool {
    true
}

impl Route {
    fn takes(&self, message: &Message, named: &[String]) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(beginning) => message.event.starts_with(beginning),
            None => message.event == *pattern,
        };
        // What ends an alert may be another event: who knows of the alert hears of its end.
        if message.is_resolved() {
            return self.resolved;
        }
        named.contains(&self.name)
            || !self.only_when_named
                && message.severity >= self.severity
                && (self.events.is_empty() || self.events.iter().any(fits))
    }
}

/// Whether one has this name.
pub(crate) fn is_route(routes: &[Route], name: &str) -> bool {
    routes.iter().any(|route| route.name == name)
}

/// The route that takes most: of those that want no name and take all events the one of the least
/// severity; the first, if several do.
fn widest(routes: &[Route]) -> Option<&Route> {
    routes.iter().min_by_key(|it| (it.only_when_named, !it.events.is_empty(), it.severity))
}

/// Sinks that are told of this message, and when; each once, as soon as one of its routes lets it.
pub(crate) fn sinks(
    routes: &[Route],
    quiet: &[QuietHours],
    zone: &TimeZone,
    message: &Message,
    named: &[String],
    now: Timestamp,
) -> Vec<(String, Timestamp)> {
    let mut told: Vec<(String, Timestamp)> = Vec::new();
    let mut taking: Vec<&Route> =
        routes.iter().filter(|route| route.takes(message, named)).collect();
    // A name that no route has means somebody all the same.
    let is_lost = taking.is_empty() && named.iter().any(|name| !is_route(routes, name));
    if is_lost && !message.is_resolved() {
        taking.extend(widest(routes));
    }
    for route in taking {
        let hours = route.quiet_hours.as_ref().and_then(|name| {
            quiet.iter().find(|hours| hours.name == *name && message.severity < hours.except)
        });
        let due = hours.and_then(|hours| hours.until(now, zone)).unwrap_or(now);
        for sink in &route.to {
            // What is wrong with a sink is told to the others.
            if message.about_sink() == Some(sink) {
                continue;
            }
            match told.iter_mut().find(|(known, _)| known == sink) {
                Some((_, known)) => *known = (*known).min(due),
                None => told.push((sink.clone(), due)),
            }
        }
    }
    told
}
