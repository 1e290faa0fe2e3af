//! How proxies were, as each engine's trail says: for who begins to lead.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sark_controller::pools::Past;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::AuditStore as _;
use sark_store::on_both_engines;
use sark_store::test_util::TestPlace;
use serde_json::json;

on_both_engines! {
    who_fell_long_ago_is_down
    who_was_up_later_is_up_although_no_record_says_that_it_rose
}

fn second(number: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
    begin + SignedDuration::from_secs(number)
}

/// As `sarkd` writes it: `inspection/a down`, and who is up in the pool.
fn turn(number: i64, words: &str, up: &[&str]) -> AuditRecord {
    let (name, state) = words.split_once(' ').unwrap();
    let (pool, proxy) = name.split_once('/').unwrap();
    let mut detail = json!({ "pool": pool, "proxy": proxy, "state": state, "up": up });
    if state == "down" {
        detail["holdDownSeconds"] = json!(10);
    }
    AuditRecord::new(second(number), "sarkd", "pool.state", Outcome::Ok, detail)
}

async fn who_fell_long_ago_is_down(place: TestPlace) {
    let store = place.open().await;
    // More than two looks find; only what they do not find is looked for further back.
    let flaps = 11_200;
    let mut records =
        vec![turn(1, "egress/x down", &[]), turn(2, "inspection/b down", &["a", "c"])];
    records.extend((3..3 + flaps).map(|number| match number % 2 {
        0 => turn(number, "inspection/a up", &["a", "c"]),
        _ => turn(number, "inspection/a down", &["c"]),
    }));
    for some in records.chunks(2_000) {
        store.append_all(some).await.unwrap();
    }
    let asked = [("inspection", "a"), ("inspection", "b"), ("inspection", "c"), ("egress", "x")];
    let past = Past::before(&store, second(100_000), &asked).await.unwrap();
    let of = |pool: &str, proxy: &str| *past.of(pool, proxy).unwrap();
    for (pool, proxy, fell) in [("inspection", "b", 2), ("egress", "x", 1)] {
        let was = of(pool, proxy);
        assert_eq!((was.is_up, was.since), (false, second(fell)), "{pool}/{proxy}");
        assert_eq!(was.hold_down, Duration::from_secs(10));
    }
    let last = 2 + flaps;
    let a = of("inspection", "a");
    assert_eq!((a.is_up, a.since, a.recovered), (true, second(last), Some(second(last))));
    assert!(of("inspection", "c").is_up);
    // Before the last turn, and before all.
    let past = Past::before(&store, second(last), &asked).await.unwrap();
    assert!(!past.of("inspection", "a").unwrap().is_up);
    assert_eq!(Past::before(&store, second(1), &asked).await.unwrap(), Past::default());
}

async fn who_was_up_later_is_up_although_no_record_says_that_it_rose(place: TestPlace) {
    let store = place.open().await;
    let records = [
        turn(1, "inspection/b down", &["a"]),
        turn(2, "inspection/a down", &[]),
        // That b rose is not on record.
        turn(9, "inspection/a up", &["a", "b"]),
    ];
    store.append_all(&records).await.unwrap();
    let asked = [("inspection", "a"), ("inspection", "b")];
    for (before, is_up, since) in [(9, false, 1), (10, true, 9)] {
        let past = Past::before(&store, second(before), &asked).await.unwrap();
        let was = past.of("inspection", "b").unwrap();
        assert_eq!((was.is_up, was.since), (is_up, second(since)));
    }
}
