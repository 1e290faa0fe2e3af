//! What every store of reports must do.

#![expect(clippy::unwrap_used, reason = "a check that does not hold panics")]

use jiff::Timestamp;

use super::record;
use crate::ContentHash;
use crate::request::Confidence;
use crate::sensor::{Fact, SensorReport};
use crate::storage::{Added, Alike, AuditStore, ReportFilter, SensorStore, StoredReport};

fn at(second: i64) -> Timestamp {
    Timestamp::new(1_790_000_000 + second, 7_000).expect("a time in range")
}

/// A report of this sensor, and its answer.
#[must_use]
pub fn report(sensor: &str, id: &str, second: i64) -> StoredReport {
    StoredReport {
        key: format!("key-{id}"),
        body: ContentHash::of(id.as_bytes()),
        at: at(second),
        actor: format!("sensor:{sensor}"),
        report: SensorReport {
            id: id.into(),
            sensor: sensor.into(),
            kind: "rfc1149".into(),
            event: "carrier".into(),
            site: Some("é".into()),
            confidence: Confidence::try_from(0.5).unwrap(),
            recent: 1,
            facts: [
                ("payload".into(), Fact::Flag(true)),
                ("octets".into(), Fact::Count(-3)),
                ("metres".into(), Fact::Measure(1.5)),
                ("leg".into(), Fact::Text("left".into())),
            ]
            .into(),
        },
        answer: r#"{"id":"é"}"#.into(),
        is_alert: true,
    }
}

/// All checks, on a store that is empty.
pub async fn run<S: SensorStore + AuditStore>(store: &S) {
    let all = ReportFilter::default();
    assert!(store.reports(&all, 10).await.unwrap().is_empty());
    assert!(store.last_reports().await.unwrap().is_empty());
    let (one, two) = (report("cat-1", "a", 1), report("cat-2", "a", 2));
    assert_eq!(store.add_report(&one, &record("one")).await.unwrap(), Added::New);
    assert_eq!(store.add_report(&two, &record("two")).await.unwrap(), Added::New);
    let records = store.records(100).await.unwrap().len();
    // The same again, by its key or by its id.
    let before = Added::Before(Box::new(one.clone()));
    for again in [
        StoredReport { key: "other".into(), at: at(9), ..one.clone() },
        StoredReport {
            report: SensorReport { id: "b".into(), ..one.report.clone() },
            ..one.clone()
        },
    ] {
        assert_eq!(store.add_report(&again, &record("again")).await.unwrap(), before);
    }
    assert_eq!(store.records(100).await.unwrap().len(), records, "nothing was written");
    assert_eq!(store.report("cat-1", "key-a", "x").await.unwrap(), Some(one.clone()));
    assert_eq!(store.report("cat-1", "x", "a").await.unwrap(), Some(one.clone()));
    assert_eq!(store.report("cat-3", "key-a", "a").await.unwrap(), None);
    let three = report("cat-1", "c", 30);
    store.add_report(&three, &record("three")).await.unwrap();
    let silent = StoredReport { is_alert: false, ..report("cat-3", "d", 3) };
    store.add_report(&silent, &record("four")).await.unwrap();
    assert_eq!(store.report("cat-3", "key-d", "d").await.unwrap(), Some(silent.clone()));
    let count = async |event: &str, site, after| {
        let alike = Alike { kind: "rfc1149", event, site, after: at(after), alerts: true };
        let alerts = store.count_reports(alike).await.unwrap();
        let all = store.count_reports(Alike { alerts: false, ..alike }).await.unwrap();
        (all, alerts)
    };
    assert_eq!(count("carrier", Some("é"), 0).await, (4, 3));
    assert_eq!(count("carrier", Some("é"), 1).await, (3, 2), "after, and not at");
    assert_eq!(count("carrier", None, 0).await, (0, 0));
    assert_eq!(count("escape", Some("é"), 0).await, (0, 0));
    assert_eq!(store.reports(&all, 2).await.unwrap(), [silent, three.clone()]);
    let of = ReportFilter { kind: Some("rfc1149".into()), sensor: Some("cat-1".into()) };
    assert_eq!(store.reports(&of, 10).await.unwrap(), [three, one]);
    let none = ReportFilter { kind: Some("generic".into()), sensor: None };
    assert!(store.reports(&none, 10).await.unwrap().is_empty());
    let last = store.last_reports().await.unwrap();
    let last: Vec<_> = last.iter().map(|l| (l.sensor.as_str(), l.at, l.count)).collect();
    assert_eq!(last, [("cat-1", at(30), 2), ("cat-2", at(2), 1), ("cat-3", at(3), 1)]);
    assert_eq!(store.forget_reports(at(4)).await.unwrap(), 3);
    assert_eq!(store.forget_reports(at(4)).await.unwrap(), 0);
    assert_eq!(store.reports(&all, 10).await.unwrap().len(), 1);
}
