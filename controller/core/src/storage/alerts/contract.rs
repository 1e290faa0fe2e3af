//! What every memory of the dispatcher must do, as checks that panic. Each wants a store that is
//! empty.

#![expect(clippy::unwrap_used, reason = "a check that does not hold panics")]

use jiff::Timestamp;
use serde_json::json;

use super::{
    AlertStore, Delivery, DeliveryFilter, DeliveryState, Group, NO_SINK, NewDelivery, Replay,
    Settled, Taken,
};
use crate::decision::Severity;
use crate::storage::contract::record;

fn at(seconds: i64) -> Timestamp {
    Timestamp::new(1_790_000_000 + seconds, 123_456_000).expect("a time in range")
}

/// An open alert.
#[must_use]
pub fn group(key: &str, last: i64) -> Group {
    Group {
        key: key.into(),
        event: "registry.feed.held".into(),
        title: "a \"b\" é".into(),
        severity: Severity::High,
        opened_at: at(0),
        last_at: at(last),
        told_at: at(1),
        count: 7,
        sinks: vec!["soc".into(), "pager".into()],
    }
}

/// A delivery to be made.
#[must_use]
pub fn new(id: &str, sink: &str, key: &str, due: i64) -> NewDelivery {
    NewDelivery {
        id: id.into(),
        sink: sink.into(),
        key: key.into(),
        sequence: 3,
        due_at: at(due),
        hurries: false,
        message: json!({ "title": "é\u{0}'\"", "count": 1 }),
    }
}

fn taken(from: u64, to: u64, deliveries: Vec<NewDelivery>) -> Taken {
    Taken { from, to, at: at(0), groups: Vec::new(), closed: Vec::new(), deliveries }
}

fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.id.as_str()).collect()
}

/// All checks, on a store that is empty; `records` says how many records its trail has.
pub async fn run<S: AlertStore>(store: &S, records: impl AsyncFn() -> usize) {
    empty(store).await;
    what_is_taken_is_taken_once(store).await;
    groups(store).await;
    of_one_alert_one_after_another(store).await;
    an_attempt_ends(store, &records).await;
    dead_letters_are_replayed(store, &records).await;
    sinks_that_are_gone(store).await;
    what_is_old_is_forgotten(store).await;
    what_is_worse_does_not_wait(store).await;
    what_was_told_last_is_told_last_again(store).await;
    what_lasts_is_not_forgotten(store).await;
}

async fn empty<S: AlertStore>(store: &S) {
    assert_eq!(store.alert_cursor().await.unwrap(), 0);
    assert!(store.alert_groups(&["x".into()]).await.unwrap().is_empty());
    assert!(store.open_alerts(9).await.unwrap().is_empty());
    assert!(store.due("soc", at(0), 9).await.unwrap().is_empty());
    assert_eq!(store.next_due("soc").await.unwrap(), None);
    assert!(store.deliveries(&DeliveryFilter::default(), 9).await.unwrap().is_empty());
    assert_eq!(store.delivery(1).await.unwrap(), None);
    assert!(store.sink_counts().await.unwrap().is_empty());
}

async fn what_is_taken_is_taken_once<S: AlertStore>(store: &S) {
    let deliveries = vec![new("a", "soc", "k1", 0), new("b", "pager", "k1", 5)];
    assert!(store.take(&taken(0, 4, deliveries.clone())).await.unwrap());
    assert_eq!(store.alert_cursor().await.unwrap(), 4);
    // Another dispatcher was faster: nothing of it.
    assert!(!store.take(&taken(0, 9, vec![new("z", "soc", "k9", 0)])).await.unwrap());
    assert_eq!(store.alert_cursor().await.unwrap(), 4);
    // An id that is known is not made again.
    assert!(store.take(&taken(4, 5, deliveries)).await.unwrap());
    let all = store.deliveries(&DeliveryFilter::default(), 9).await.unwrap();
    assert_eq!(ids(&all), ["b", "a"]);
    let wanted = Delivery {
        number: all[1].number,
        id: "a".into(),
        sink: "soc".into(),
        key: "k1".into(),
        sequence: 3,
        message: json!({ "title": "é\u{0}'\"", "count": 1 }),
        state: DeliveryState::Pending,
        attempts: 0,
        made_at: at(0),
        due_at: at(0),
        ended_at: None,
        note: None,
    };
    assert_eq!(all[1], wanted);
    assert_eq!(store.delivery(wanted.number).await.unwrap(), Some(wanted));
    let filter = DeliveryFilter { sink: Some("pager".into()), ..DeliveryFilter::default() };
    assert_eq!(ids(&store.deliveries(&filter, 9).await.unwrap()), ["b"]);
    assert_eq!(ids(&store.deliveries(&DeliveryFilter::default(), 1).await.unwrap()), ["b"]);
}

async fn groups<S: AlertStore>(store: &S) {
    let open = Taken { groups: vec![group("x", 9), group("y", 8)], ..taken(5, 6, Vec::new()) };
    assert!(store.take(&open).await.unwrap());
    assert_eq!(store.open_alerts(9).await.unwrap(), [group("x", 9), group("y", 8)]);
    assert_eq!(store.open_alerts(1).await.unwrap(), [group("x", 9)]);
    assert_eq!(store.alert_groups(&["y".into(), "z".into()]).await.unwrap(), [group("y", 8)]);
    let next = Taken {
        groups: vec![group("y", 20)],
        closed: vec!["x".into(), "never".into()],
        ..taken(6, 7, Vec::new())
    };
    assert!(store.take(&next).await.unwrap());
    assert_eq!(store.open_alerts(9).await.unwrap(), [group("y", 20)]);
}

async fn of_one_alert_one_after_another<S: AlertStore>(store: &S) {
    let later = vec![
        new("c", "soc", "k1", 0),
        new("d", "soc", "k2", 3),
        new("e", "soc", "k3", 1),
        new("f", "pager", "k3", 1),
    ];
    assert!(store.take(&taken(7, 8, later)).await.unwrap());
    let due = async |now| store.due("soc", at(now), 9).await.unwrap();
    assert_eq!(ids(&due(0).await), ["a"]);
    assert_eq!(ids(&due(2).await), ["a", "e"]);
    assert_eq!(ids(&due(9).await), ["a", "d", "e"]);
    assert_eq!(ids(&store.due("soc", at(9), 2).await.unwrap()), ["a", "d"]);
    assert_eq!(store.next_due("soc").await.unwrap(), Some(at(0)));
    let first = due(0).await.remove(0);
    let retry = Settled {
        number: first.number,
        state: DeliveryState::Pending,
        attempts: 1,
        due_at: at(60),
        at: at(1),
        note: "answered 503".into(),
    };
    store.settle(&retry, None).await.unwrap();
    // "c" waits for "a", whatever its own time says.
    assert_eq!(ids(&due(9).await), ["d", "e"]);
    assert_eq!(store.next_due("soc").await.unwrap(), Some(at(1)));
    let first = store.delivery(first.number).await.unwrap().unwrap();
    assert_eq!((first.attempts, first.ended_at), (1, None));
    assert_eq!(first.note.as_deref(), Some("answered 503"));
    let done = Settled { state: DeliveryState::Delivered, at: at(61), attempts: 2, ..retry };
    store.settle(&done, None).await.unwrap();
    assert_eq!(ids(&due(9).await), ["c", "d", "e"]);
}

async fn an_attempt_ends<S: AlertStore>(store: &S, records: &impl AsyncFn() -> usize) {
    let before = records().await;
    for delivery in store.due("soc", at(9), 9).await.unwrap() {
        let dead = Settled {
            number: delivery.number,
            state: DeliveryState::Dead,
            attempts: 1,
            due_at: delivery.due_at,
            at: at(70),
            note: "answered 400".into(),
        };
        store.settle(&dead, Some(&record("alerts.dead"))).await.unwrap();
        // What has ended does not end again, and has no second record.
        let again = Settled { state: DeliveryState::Delivered, ..dead };
        store.settle(&again, None).await.unwrap();
    }
    assert_eq!(records().await, before + 3);
    assert_eq!(store.next_due("soc").await.unwrap(), None);
    let filter = DeliveryFilter { state: Some(DeliveryState::Dead), ..DeliveryFilter::default() };
    let dead = store.deliveries(&filter, 9).await.unwrap();
    assert_eq!(ids(&dead), ["e", "d", "c"]);
    assert!(dead.iter().all(|delivery| delivery.ended_at == Some(at(70))));
    let counts = store.sink_counts().await.unwrap();
    let of = |sink: &str| counts.iter().find(|count| count.sink == sink).unwrap();
    let soc = of("soc");
    assert_eq!((soc.pending, soc.delivered, soc.dead), (0, 1, 3));
    assert_eq!((soc.oldest_pending, soc.last_delivered), (None, Some(at(61))));
    assert_eq!((of("pager").pending, of("pager").oldest_pending), (2, Some(at(0))));
}

async fn dead_letters_are_replayed<S: AlertStore>(store: &S, records: &impl AsyncFn() -> usize) {
    let before = records().await;
    let filter = DeliveryFilter { state: Some(DeliveryState::Dead), ..DeliveryFilter::default() };
    let dead = store.deliveries(&filter, 9).await.unwrap();
    let replay =
        async |which: Replay| store.replay(&which, at(80), &record("alerts.replay")).await.unwrap();
    assert_eq!(replay(Replay::One(dead[0].number)).await, 1);
    assert_eq!(replay(Replay::One(dead[0].number)).await, 0);
    assert_eq!(replay(Replay::Sink("pager".into())).await, 0);
    assert_eq!(replay(Replay::Sink("soc".into())).await, 2);
    assert_eq!(replay(Replay::All).await, 0);
    assert_eq!(records().await, before + 2);
    let due = store.due("soc", at(80), 9).await.unwrap();
    assert_eq!(ids(&due), ["c", "d", "e"]);
    assert!(due.iter().all(|d| d.attempts == 0 && d.ended_at.is_none() && d.due_at == at(80)));
}

async fn sinks_that_are_gone<S: AlertStore>(store: &S) {
    assert_eq!(store.give_up_others(&["soc".into()], at(90)).await.unwrap(), 2);
    assert_eq!(store.give_up_others(&["soc".into()], at(90)).await.unwrap(), 0);
    let filter = DeliveryFilter { sink: Some("pager".into()), ..DeliveryFilter::default() };
    let gone = store.deliveries(&filter, 9).await.unwrap();
    assert!(gone.iter().all(|d| d.state == DeliveryState::Dead));
    assert_eq!(gone[0].note.as_deref(), Some(NO_SINK));
}

async fn what_is_old_is_forgotten<S: AlertStore>(store: &S) {
    let left = async || {
        let all = store.deliveries(&DeliveryFilter::default(), 99).await.unwrap();
        all.iter().map(|delivery| delivery.id.clone()).collect::<Vec<_>>().concat()
    };
    store.forget_alerts(at(61), at(90), at(20), &[]).await.unwrap();
    assert_eq!(left().await, "fedcba");
    store.forget_alerts(at(62), at(90), at(20), &[]).await.unwrap();
    assert_eq!(left().await, "fedcb");
    assert_eq!(store.open_alerts(9).await.unwrap().len(), 1);
    store.forget_alerts(at(62), at(91), at(21), &[]).await.unwrap();
    // What is pending is never forgotten.
    assert_eq!(left().await, "edc");
    assert!(store.open_alerts(9).await.unwrap().is_empty());
    // Numbers are not used again.
    let last = store.deliveries(&DeliveryFilter::default(), 1).await.unwrap()[0].number;
    assert!(store.take(&taken(8, 9, vec![new("g", "soc", "k4", 0)])).await.unwrap());
    let newest = store.deliveries(&DeliveryFilter::default(), 1).await.unwrap();
    assert!(newest[0].number > last && newest[0].id == "g");
}

/// Held by quiet hours, and then worse: both come, in their order. What was attempted is not hurried.
async fn what_is_worse_does_not_wait<S: AlertStore>(store: &S) {
    let hurries =
        |id: &str, key: &str, due| NewDelivery { hurries: true, ..new(id, "night", key, due) };
    let held = vec![
        new("h1", "night", "k1", 500),
        new("h2", "night", "k2", 500),
        new("h3", "day", "k1", 500),
        new("h4", "night", "k3", 100),
    ];
    assert!(store.take(&taken(9, 10, held)).await.unwrap());
    assert_eq!(store.next_due("night").await.unwrap(), Some(at(100)));
    // An end hurries nobody: it waits for what it ends.
    assert!(store.take(&taken(10, 11, vec![new("e1", "night", "k1", 110)])).await.unwrap());
    let due = async |now| store.due("night", at(now), 9).await.unwrap();
    assert_eq!(ids(&due(120).await), ["h4"]);
    let retried = due(100).await.remove(0);
    let retry = Settled {
        number: retried.number,
        state: DeliveryState::Pending,
        attempts: 1,
        due_at: at(400),
        at: at(101),
        note: "answered 503".into(),
    };
    store.settle(&retry, None).await.unwrap();
    let worse = vec![hurries("w1", "k1", 200), hurries("w3", "k3", 200)];
    assert!(store.take(&taken(11, 12, worse)).await.unwrap());
    // A known id is not made again, and hurries nobody.
    assert!(store.take(&taken(12, 13, vec![hurries("h2", "k2", 0)])).await.unwrap());
    assert_eq!(store.next_due("night").await.unwrap(), Some(at(200)));
    assert!(store.due("day", at(200), 9).await.unwrap().is_empty());
    let mut order = Vec::new();
    while let Some(delivery) = due(200).await.into_iter().next() {
        order.push(delivery.id.clone());
        ended(store, delivery.number, DeliveryState::Delivered).await;
    }
    assert_eq!(order, ["h1", "e1", "w1"]);
    // Of "k3" one was attempted: what comes after it waits for its next attempt.
    assert_eq!(ids(&due(400).await), ["h4"]);
    assert_eq!(ids(&due(500).await), ["h2", "h4"]);
}

async fn ended<S: AlertStore>(store: &S, number: u64, state: DeliveryState) {
    let (due_at, note) = (at(600), "said".to_owned());
    let settled = Settled { number, state, attempts: 1, due_at, at: at(600), note };
    store.settle(&settled, None).await.unwrap();
}

/// A trigger that is replayed after its end was delivered opens what nothing would close.
async fn what_was_told_last_is_told_last_again<S: AlertStore>(store: &S) {
    let all = vec![
        new("t1", "page", "p", 0),
        new("t2", "page", "p", 0),
        new("t3", "page", "p", 0),
        new("t4", "page", "q", 0),
        new("t5", "other", "p", 0),
    ];
    assert!(store.take(&taken(13, 14, all)).await.unwrap());
    let numbers = async |sink: &str| {
        let filter = DeliveryFilter { sink: Some(sink.into()), ..DeliveryFilter::default() };
        let mut found = store.deliveries(&filter, 9).await.unwrap();
        found.reverse();
        found.into_iter().map(|delivery| delivery.number).collect::<Vec<_>>()
    };
    let page = numbers("page").await;
    let (delivered, dead) = (DeliveryState::Delivered, DeliveryState::Dead);
    for (number, state) in page.iter().zip([dead, delivered, delivered, delivered]) {
        ended(store, *number, state).await;
    }
    ended(store, numbers("other").await[0], delivered).await;
    // What a dead letter needs after it stays as long as the letter does.
    store.forget_alerts(at(601), at(600), at(0), &[]).await.unwrap();
    assert_eq!(numbers("page").await, [page[0], page[2]]);
    assert!(numbers("other").await.is_empty());
    let replay = Replay::One(page[0]);
    assert_eq!(store.replay(&replay, at(700), &record("alerts.replay")).await.unwrap(), 1);
    let due = async || store.due("page", at(700), 9).await.unwrap();
    assert_eq!(ids(&due().await), ["t1"]);
    ended(store, page[0], delivered).await;
    let last = due().await;
    assert_eq!(ids(&last), ["t3"]);
    assert_eq!((last[0].attempts, last[0].ended_at, last[0].due_at), (0, None, at(700)));
    ended(store, page[2], delivered).await;
    // What is the last itself brings nothing with it.
    assert_eq!(store.replay(&Replay::All, at(700), &record("alerts.replay")).await.unwrap(), 0);
}

async fn what_lasts_is_not_forgotten<S: AlertStore>(store: &S) {
    let keys = ["health.a", "health.b:\"é", "healthy", "decision.x:health.a", "%"];
    let groups = keys.map(|key| group(key, 5)).to_vec();
    let open = Taken { groups, ..taken(14, 15, Vec::new()) };
    assert!(store.take(&open).await.unwrap());
    let left = async || {
        let open = store.open_alerts(9).await.unwrap();
        open.into_iter().map(|group| group.key).collect::<Vec<_>>()
    };
    let lasting = ["health.".to_owned(), "none.".to_owned()];
    store.forget_alerts(at(0), at(0), at(5), &lasting).await.unwrap();
    assert_eq!(left().await.len(), 5);
    store.forget_alerts(at(0), at(0), at(6), &lasting).await.unwrap();
    assert_eq!(left().await, ["health.a", "health.b:\"é"]);
    store.forget_alerts(at(0), at(0), at(6), &[]).await.unwrap();
    assert!(left().await.is_empty());
}
