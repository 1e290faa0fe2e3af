//! Sensors that have to report, and do not: when all of a kind are silent, nobody watches.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sark_core::Severity;
use sark_core::audit::{AuditRecord, Notice, Outcome};
use sark_core::storage::LastReport;
use serde_json::json;

use sark_api::config::ExpectedConfig;

/// The events that begin and end what is said: of a sensor, and of a kind.
const OF_SENSOR: [&str; 2] = ["sensor.silent", "sensor.heard"];
const OF_KIND: [&str; 2] = ["sensor.gap", "sensor.covered"];
/// Their keys begin so.
const SILENT: &str = "sensor.silent:";
const GAP: &str = "sensor.gap:";

/// What was said of sensors that have to report. Says it once when one falls silent, and once when
/// it is heard again, with a restart between them too.
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

    /// What was said before, by the keys of alerts that are open: nobody is silent who is not among them.
    /// Of whom nothing is expected any more, the end is said.
    pub fn remember(
        &mut self,
        open: impl IntoIterator<Item = String>,
        now: Timestamp,
    ) -> Vec<AuditRecord> {
        let ours = |key: &String| key.starts_with(SILENT) || key.starts_with(GAP);
        let told: BTreeSet<String> = open.into_iter().filter(ours).collect();
        let silent = |one: &&ExpectedConfig| told.contains(&silent_key(&one.kind, &one.sensor));
        let gap = |one: &&ExpectedConfig| told.contains(&gap_key(&one.kind));
        let pair = |one: &ExpectedConfig| (one.kind.clone(), one.sensor.clone());
        self.silent = self.expected.iter().filter(silent).map(pair).collect();
        self.gaps = self.expected.iter().filter(gap).map(|one| one.kind.clone()).collect();
        let sensors = self.expected.iter().map(|one| silent_key(&one.kind, &one.sensor));
        let keys: BTreeSet<String> =
            sensors.chain(self.expected.iter().map(|one| gap_key(&one.kind))).collect();
        told.difference(&keys).map(|key| forgotten(key, now)).collect()
    }

    /// Whether anybody has to report.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expected.is_empty()
    }

    /// What changed, by what is stored now.
    pub fn look(&mut self, last: &[LastReport], now: Timestamp) -> Vec<AuditRecord> {
        let mut records = Vec::new();
        let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
        for expected in &self.expected {
            let of = |one: &&LastReport| one.kind == expected.kind && one.sensor == expected.sensor;
            let heard = last.iter().find(of).map(|one| one.at);
            let is_late = |from: Timestamp| now.duration_since(from) > expected.every;
            let is_awake = heard.is_some_and(|at| !is_late(at));
            let key = (expected.kind.clone(), expected.sensor.clone());
            // A start is a respite for who was not silent before. Who was ends it with a report.
            let is_silent = !is_awake && (self.silent.contains(&key) || is_late(self.since));
            let kind = kinds.entry(expected.kind.clone()).or_default();
            kind.all += 1;
            kind.silent += usize::from(is_silent);
            kind.awake += usize::from(is_awake);
            let changed =
                if is_silent { self.silent.insert(key) } else { self.silent.remove(&key) };
            if changed {
                records.push(of_sensor(expected, is_silent, heard, now));
            }
        }
        for (name, Kind { all, silent, awake }) in kinds {
            let is_gap = silent == all || (awake == 0 && self.gaps.contains(&name));
            let changed =
                if is_gap { self.gaps.insert(name.clone()) } else { self.gaps.remove(&name) };
            if changed {
                records.push(of_kind(&name, all, is_gap, now));
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

/// Sensors of a kind that have to report.
#[derive(Debug, Default)]
struct Kind {
    all: usize,
    silent: usize,
    /// Heard of in time.
    awake: usize,
}

fn forgotten(key: &str, now: Timestamp) -> AuditRecord {
    let event = if key.starts_with(GAP) { OF_KIND[1] } else { OF_SENSOR[1] };
    let notice = Notice {
        key: key.to_owned(),
        title: "Nothing is expected here any more".to_owned(),
        resolved: true,
        routes: Vec::new(),
        runbook: Some("sensors".to_owned()),
        facts: BTreeMap::new(),
    };
    let detail = json!({ "key": key, "reason": "sensors.expected does not have it any more" });
    AuditRecord::new(now, "sarkd", event, Outcome::Ok, detail).told(Severity::Info, notice)
}

fn silent_key(kind: &str, sensor: &str) -> String {
    format!("{SILENT}{kind}:{sensor}")
}

fn gap_key(kind: &str) -> String {
    format!("{GAP}{kind}")
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
    let event = OF_SENSOR[usize::from(!is_silent)];
    let notice = notice(silent_key(kind, sensor), title, !is_silent);
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
    let event = OF_KIND[usize::from(!is_gap)];
    let notice = notice(gap_key(kind), title, !is_gap);
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
    use sark_core::storage::{AuditStore as _, MemoryStore};

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

    async fn looks(watch: &mut Watch, store: &MemoryStore, last: &[LastReport], second: i64) {
        store.append_all(&watch.look(last, at(second))).await.unwrap();
    }

    /// Keys that are open by the records alone, as the dispatcher has them.
    async fn open(store: &MemoryStore) -> BTreeSet<String> {
        let mut open = BTreeSet::new();
        for record in store.records(100).await.unwrap().into_iter().rev() {
            let notice = record.notice.unwrap();
            if notice.resolved {
                open.remove(&notice.key);
            } else {
                open.insert(notice.key);
            }
        }
        open
    }

    async fn after_restart(store: &MemoryStore, second: i64) -> Watch {
        let mut watch = Watch::new(vec![expected("cat-1"), expected("cat-2")], at(second));
        let ended = watch.remember(open(store).await, at(second));
        store.append_all(&ended).await.unwrap();
        watch
    }

    #[tokio::test]
    async fn of_whom_nothing_is_expected_any_more_the_end_is_said_once() {
        let store = MemoryStore::default();
        let mut watch = after_restart(&store, 0).await;
        looks(&mut watch, &store, &[], 100).await;
        let mut without = Watch::new(vec![expected("cat-2")], at(110));
        let ended = without.remember(open(&store).await, at(110));
        assert_eq!(events(&ended), [("sensor.heard", true)]);
        let key = ended[0].notice.as_ref().map(|notice| notice.key.as_str());
        assert_eq!(key, Some(silent_key("rfc1149", "cat-1").as_str()));
        store.append_all(&ended).await.unwrap();
        assert_eq!(without.remember(open(&store).await, at(111)), []);
        let mut nobody = Watch::new(Vec::new(), at(120));
        let ended = nobody.remember(open(&store).await, at(120));
        assert_eq!(events(&ended), [("sensor.covered", true), ("sensor.heard", true)]);
    }

    #[tokio::test]
    async fn who_slept_before_a_restart_is_told_to_wake_once() {
        let store = MemoryStore::default();
        let mut watch = after_restart(&store, 0).await;
        looks(&mut watch, &store, &[], 100).await;
        let began = ["sensor.silent", "sensor.silent", "sensor.gap"];
        let written = async || {
            let mut all = store.records(100).await.unwrap();
            all.reverse();
            all
        };
        assert_eq!(events(&written().await), began.map(|event| (event, false)));
        // A restart is no report: nothing ends, and nothing is told again.
        let mut watch = after_restart(&store, 110).await;
        looks(&mut watch, &store, &[], 111).await;
        looks(&mut watch, &store, &[], 500).await;
        assert_eq!(written().await.len(), 3);
        let mut watch = after_restart(&store, 510).await;
        let one = [heard("cat-1", 515)];
        looks(&mut watch, &store, &one, 520).await;
        let ended = [("sensor.heard", true), ("sensor.covered", true)];
        assert_eq!(events(&written().await[3..]), ended);
        // The other is silent still; who woke is not told again.
        let mut watch = after_restart(&store, 530).await;
        looks(&mut watch, &store, &one, 540).await;
        assert_eq!(written().await.len(), 5);
        looks(&mut watch, &store, &[heard("cat-1", 515), heard("cat-2", 541)], 542).await;
        assert_eq!(events(&written().await[5..]), [("sensor.heard", true)]);
    }

    #[tokio::test]
    async fn a_gap_ends_with_a_report_and_not_with_another_sensor_to_wait_for() {
        let store = MemoryStore::default();
        let mut watch = Watch::new(vec![expected("cat-1")], at(0));
        looks(&mut watch, &store, &[], 100).await;
        let mut watch = after_restart(&store, 110).await;
        assert!(watch.look(&[], at(120)).is_empty(), "cat-2 has time, and the gap is there");
        let woke = watch.look(&[heard("cat-2", 125)], at(130));
        assert_eq!(events(&woke), [("sensor.covered", true)]);
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
