//! Sensors that have to report, and do not: when all of a kind are silent, nobody watches.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sark_core::Severity;
use sark_core::audit::{AuditRecord, Notice, Outcome};
use sark_core::storage::LastReport;
use serde_json::json;

use sark_api::config::ExpectedConfig;

/// What was said of sensors that have to report. Says it once when one falls silent, and once when
/// it is heard again.
#[derive(Debug)]
pub struct Watch {
    expected: Vec<ExpectedConfig>,
    /// Nothing is late before this time and an interval.
    since: Timestamp,
    silent: BTreeSet<(String, String)>,
    gaps: BTreeSet<String>,
}

impl Watch {
    /// From now on.
    #[must_use]
    pub fn new(expected: Vec<ExpectedConfig>, since: Timestamp) -> Self {
        Self { expected, since, silent: BTreeSet::new(), gaps: BTreeSet::new() }
    }

    /// Whether anybody has to report.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expected.is_empty()
    }

    /// What changed, by what is stored now.
    pub fn look(&mut self, last: &[LastReport], now: Timestamp) -> Vec<AuditRecord> {
        let mut records = Vec::new();
        let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for expected in &self.expected {
            let of = |one: &&LastReport| one.kind == expected.kind && one.sensor == expected.sensor;
            let heard = last.iter().find(of).map(|one| one.at);
            let from = heard.map_or(self.since, |at| at.max(self.since));
            let late = now.duration_since(from);
            let is_silent = late > expected.every;
            let (all, silent) = kinds.entry(expected.kind.clone()).or_default();
            *all += 1;
            *silent += usize::from(is_silent);
            let key = (expected.kind.clone(), expected.sensor.clone());
            let changed =
                if is_silent { self.silent.insert(key) } else { self.silent.remove(&key) };
            if changed {
                records.push(of_sensor(expected, is_silent, heard, now));
            }
        }
        for (kind, (all, silent)) in kinds {
            let is_gap = silent == all;
            let changed =
                if is_gap { self.gaps.insert(kind.clone()) } else { self.gaps.remove(&kind) };
            if changed {
                records.push(of_kind(&kind, all, is_gap, now));
            }
        }
        records
    }

    /// How often to look.
    #[must_use]
    pub fn pace(&self) -> SignedDuration {
        let shortest = self.expected.iter().map(|expected| expected.every).min();
        let most = SignedDuration::from_secs(60);
        shortest.map_or(most, |every| (every / 4).min(most).max(SignedDuration::from_secs(1)))
    }
}

fn of_sensor(
    expected: &ExpectedConfig,
    is_silent: bool,
    heard: Option<Timestamp>,
    now: Timestamp,
) -> AuditRecord {
    let ExpectedConfig { sensor, kind, every } = expected;
    let title = if is_silent {
        format!("{sensor} has not reported for {every:#}")
    } else {
        format!("{sensor} reports again")
    };
    let outcome = if is_silent { Outcome::Failed } else { Outcome::Ok };
    let detail = json!({ "sensor": sensor, "kind": kind, "last": heard });
    let event = if is_silent { "sensor.silent" } else { "sensor.heard" };
    let notice = notice(format!("sensor.silent:{kind}:{sensor}"), title, !is_silent);
    AuditRecord::new(now, "sarkd", event, outcome, detail).told(Severity::Low, notice)
}

fn of_kind(kind: &str, all: usize, is_gap: bool, now: Timestamp) -> AuditRecord {
    let title = if is_gap {
        format!("coverage gap: of {all} sensors of kind {kind} none reports")
    } else {
        format!("sensors of kind {kind} report again")
    };
    let outcome = if is_gap { Outcome::Failed } else { Outcome::Ok };
    let detail = json!({ "kind": kind, "sensors": all });
    let event = if is_gap { "sensor.gap" } else { "sensor.covered" };
    let notice = notice(format!("sensor.gap:{kind}"), title, !is_gap);
    AuditRecord::new(now, "sarkd", event, outcome, detail).told(Severity::High, notice)
}

fn notice(key: String, title: String, resolved: bool) -> Notice {
    Notice {
        key,
        title,
        resolved,
        routes: Vec::new(),
        runbook: Some("sensors".to_owned()),
        facts: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn expected(sensor: &str) -> ExpectedConfig {
        ExpectedConfig {
            sensor: sensor.into(),
            kind: "rfc1149".into(),
            every: SignedDuration::from_secs(60),
        }
    }

    fn heard(sensor: &str, second: i64) -> LastReport {
        LastReport { sensor: sensor.into(), kind: "rfc1149".into(), at: at(second), count: 1 }
    }

    fn events(records: &[AuditRecord]) -> Vec<(&str, bool)> {
        fn one(record: &AuditRecord) -> (&str, bool) {
            (&record.event, record.notice.as_ref().is_some_and(|notice| notice.resolved))
        }
        records.iter().map(one).collect()
    }

    #[test]
    fn all_of_them_nap() {
        let mut watch = Watch::new(vec![expected("cat-1"), expected("cat-2")], at(0));
        assert!(watch.look(&[], at(60)).is_empty(), "nobody is late yet");
        let one = [heard("cat-1", 50)];
        assert_eq!(events(&watch.look(&one, at(70))), [("sensor.silent", false)]);
        assert!(watch.look(&one, at(80)).is_empty(), "it is said once");
        let all = watch.look(&one, at(120));
        assert_eq!(events(&all), [("sensor.silent", false), ("sensor.gap", false)]);
        assert_eq!(all[1].severity, Severity::High);
        let woke = [heard("cat-1", 50), heard("cat-2", 130)];
        let woken = watch.look(&woke, at(131));
        assert_eq!(events(&woken), [("sensor.heard", true), ("sensor.covered", true)]);
        assert_eq!(all[1].notice.as_ref().unwrap().key, woken[1].notice.as_ref().unwrap().key);
    }
}
