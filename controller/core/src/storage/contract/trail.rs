//! The trail: one chain, searched.

use super::record;
use crate::audit::{AuditRecord, Head, Page, Search, Stored, Written};
use crate::decision::Severity;
use crate::storage::{AuditStore, Mark, StorageError};

/// All checks; other records may be there.
pub(super) async fn run<S: AuditStore>(store: &S) {
    what_is_written_is_chained(store).await;
    a_batch_is_whole_and_moves_its_mark(store).await;
    secrets_are_not_stored(store).await;
    a_name_with_a_nul_is_stored(store).await;
    searches_find_what_the_records_say(store).await;
    alerts_are_found_and_the_rest_is_passed_over(store).await;
}

/// Everything, in pages.
pub async fn all<S: AuditStore>(store: &S) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let after = all.last().map_or(0, |last| last.head.sequence);
        let page = store.stored_after(after, 7).await.unwrap();
        assert!(page.len() <= 7);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

async fn what_is_written_is_chained<S: AuditStore>(store: &S) {
    store.append(&record("chain.one")).await.unwrap();
    store.append_all(&[record("chain.two"), record("chain.three")]).await.unwrap();
    let all = all(store).await;
    let mut head = Head::BEGINNING;
    for stored in &all {
        head = head.with_octets(stored.text.as_bytes());
        assert_eq!(stored.head, head, "numbers from 1 without gaps, each hash over the one before");
        let record = stored.record().unwrap();
        let written = Written::of(&record).unwrap();
        assert_eq!((written.text(), written.index()), (&*stored.text, &stored.index));
    }
    assert_eq!(store.head().await.unwrap(), head);
    let last: Vec<AuditRecord> = all.iter().rev().take(3).map(|s| s.record().unwrap()).collect();
    assert_eq!(last, [record("chain.three"), record("chain.two"), record("chain.one")]);
    assert!(store.stored_after(head.sequence, 9).await.unwrap().is_empty());
    assert!(store.stored_after(u64::MAX, 9).await.unwrap().is_empty());
    assert!(store.stored_after(0, 0).await.unwrap().is_empty());
}

async fn a_batch_is_whole_and_moves_its_mark<S: AuditStore>(store: &S) {
    assert_eq!(store.mark("spool").await.unwrap(), 0);
    let before = store.head().await.unwrap();
    let many: Vec<_> =
        (0..700).map(|n| Written::of(&record(&format!("many.{n}"))).unwrap()).collect();
    let mark = |after, position| Some(Mark { name: "spool", after, position });
    let after = store.write(&many, mark(0, 700)).await.unwrap();
    assert_eq!(after.sequence, before.sequence + 700);
    assert_eq!(store.mark("spool").await.unwrap(), 700);
    assert_eq!(store.mark("other").await.unwrap(), 0);
    assert_eq!(store.head().await.unwrap(), after);
    let stored = store.stored_after(before.sequence, 1000).await.unwrap();
    assert!(stored.iter().map(|s| &*s.text).eq(many.iter().map(Written::text)));
    // Nothing to write is nothing written; the mark moves all the same.
    assert_eq!(store.write(&[], mark(700, 701)).await.unwrap(), after);
    assert_eq!(store.mark("spool").await.unwrap(), 701);
    // What was written already, or comes after what was not, is not written.
    for thought in [0, 700, 702] {
        let error = store.write(&many, mark(thought, 800)).await.unwrap_err();
        assert!(matches!(error, StorageError::Moved(701)), "{thought}: {error:?}");
    }
    assert_eq!((store.head().await.unwrap(), store.mark("spool").await.unwrap()), (after, 701));
    let other = Some(Mark { name: "another", after: 1, position: 2 });
    let error = store.write(&many, other).await.unwrap_err();
    assert!(matches!(error, StorageError::Moved(0)), "{error:?}");
}

async fn secrets_are_not_stored<S: AuditStore>(store: &S) {
    let key = "sk-ant-api03-A1b2C3d4E5f6G7h8I9j0";
    let mut leaking = record("leak");
    leaking.actor = format!("token:{key}");
    leaking.detail = serde_json::json!({ "why": key, "prompt": "tell me" });
    store.append(&leaking).await.unwrap();
    let found = store.records(1).await.unwrap();
    assert_eq!(found[0].actor, "token:[redacted:anthropic-key]");
    let expected =
        serde_json::json!({ "why": "[redacted:anthropic-key]", "prompt": "[redacted:by-name]" });
    assert_eq!(found[0].detail, expected);
    let by = Search { actor: Some(found[0].actor.clone()), ..Search::default() };
    let page = Page::Back { before: None, limit: 9 };
    assert_eq!(store.search(&by, page).await.unwrap().len(), 1);
}

/// What a hostile client may call itself is stored on every engine.
async fn a_name_with_a_nul_is_stored<S: AuditStore>(store: &S) {
    let mut odd = record("nul");
    odd.actor = "a\0b".into();
    odd.about.host = Some("\0".into());
    store.append(&odd).await.unwrap();
    assert_eq!(store.records(1).await.unwrap(), [odd]);
}

async fn searches_find_what_the_records_say<S: AuditStore>(store: &S) {
    let severities = [Severity::Info, Severity::Low, Severity::Medium, Severity::High];
    let mut given = Vec::new();
    for number in 0..48_usize {
        let text = |words: &[&str]| words[number % words.len()].to_owned();
        let mut one = record(&text(&[
            "s.a",
            "s.ab",
            "s.a.b",
            "s.%",
            "S.A",
            "s_a",
            "s.a\u{10ffff}",
            "decision.a",
            "decision/",
            "decisio",
        ]));
        // Before 1970, within one microsecond, and out of order.
        one.at = jiff::Timestamp::from_nanosecond((24 - number as i128) * 400).unwrap();
        one.actor = text(&["search:a", "sarkd", "search:b", "search:é'", "search:A", "search:%"]);
        one.severity = severities[number % 4];
        one.notice = one.notice.filter(|_| number % 3 == 0);
        one.about.host = (number % 5 > 0).then(|| text(&["h1", "h2", "H1"]));
        one.about.user = (number % 7 > 0).then(|| text(&["u1", "u2"]));
        one.about.request =
            (number % 5 != 1).then(|| text(&["r1", "r10", "r2", "R1", "r%", "r\u{10ffff}1"]));
        one.evidence.rules = match number % 4 {
            0 => vec![],
            1 => vec!["p1/r1".into(), "p2/r1".into(), "p1/r2".into()],
            2 => vec!["p2/p1".into()],
            _ => vec!["p_/r".into(), "no-slash".into()],
        };
        given.push(one);
    }
    let first = store.head().await.unwrap().sequence + 1;
    store.append_all(&given).await.unwrap();
    let word = |word: &str| Some(word.to_owned());
    let at = |nanos: i128| Some(jiff::Timestamp::from_nanosecond(nanos).unwrap());
    let any = Search::default();
    let searches = [
        Search { until: at(1_000_000), ..any.clone() },
        Search { since: at(-3_000), until: at(2_001), ..any.clone() },
        Search { actor: word("search:a"), ..any.clone() },
        Search { actor: word("search:é'"), ..any.clone() },
        Search { actor: word("search:%"), ..any.clone() },
        Search { event: word("s.a"), ..any.clone() },
        Search { event: word("s.%"), ..any.clone() },
        Search { event: word("s.a\u{10ffff}"), ..any.clone() },
        Search { event: word("S"), ..any.clone() },
        Search { event: word("decision.a"), ..any.clone() },
        Search { event: word("dec"), ..any.clone() },
        Search { event: word("decision/"), ..any.clone() },
        Search { actor: word("sarkd"), until: at(1_000_000), ..any.clone() },
        Search { event: word(""), until: at(1_000_000), ..any.clone() },
        Search { severity: Some(Severity::Medium), until: at(1_000_000), ..any.clone() },
        Search { host: word("h1"), ..any.clone() },
        Search { user: word("u2"), host: word("H1"), ..any.clone() },
        Search { request: word("r1"), ..any.clone() },
        Search { request: word("r10"), ..any.clone() },
        Search { request: word("r%"), ..any.clone() },
        Search { request: word("r\u{10ffff}"), ..any.clone() },
        Search { request: word("r2"), host: word("h1"), ..any.clone() },
        Search { request: word(""), until: at(1_000_000), ..any.clone() },
        Search { policy: word("p1"), ..any.clone() },
        Search { policy: word("p_"), ..any.clone() },
        Search { policy: word("no-slash"), ..any.clone() },
        Search { policy: word("p"), ..any.clone() },
        Search { policy: word("p1 p2"), ..any.clone() },
        Search { alerts: true, until: at(1_000_000), ..any.clone() },
    ];
    for search in searches {
        let numbered = (first..).zip(&given).filter(|(_, one)| search.finds(one));
        let expected: Vec<_> = numbered.map(|(number, one)| (number, one.clone())).collect();
        let mut on = Vec::new();
        loop {
            let after = on.last().map_or(first - 1, |(number, _)| *number);
            let found = store.search(&search, Page::On { after, limit: 5 }).await.unwrap();
            if found.is_empty() {
                break;
            }
            on.extend(found);
        }
        assert_eq!(on, expected, "{search:?}");
        let mut back: Vec<(u64, AuditRecord)> = Vec::new();
        loop {
            let before = back.last().map(|(number, _)| *number);
            let page = Page::Back { before, limit: 5 };
            let mut found = store.search(&search, page).await.unwrap();
            found.retain(|(number, _)| *number >= first);
            if found.is_empty() {
                break;
            }
            back.extend(found);
        }
        back.reverse();
        assert_eq!(back, expected, "{search:?}");
    }
    let none = Search { host: word("h3"), ..any };
    assert!(store.search(&none, Page::Back { before: None, limit: 9 }).await.unwrap().is_empty());
    let nowhere = Page::Back { before: Some(0), limit: 9 };
    assert!(store.search(&Search::default(), nowhere).await.unwrap().is_empty());
}

async fn alerts_are_found_and_the_rest_is_passed_over<S: AuditStore>(store: &S) {
    let from = store.head().await.unwrap().sequence;
    assert_eq!(store.alerts_after(from, 9).await.unwrap(), (Vec::new(), from));
    let alert = |event: &str| AuditRecord { notice: record("first").notice, ..record(event) };
    let plain = |event: &str| AuditRecord { notice: None, ..record(event) };
    let all = [plain("a"), alert("b"), plain("c"), alert("d"), plain("e"), plain("f")];
    store.append_all(&all).await.unwrap();
    let alerts_after = async |after: u64, limit: u32| {
        let (found, to) = store.alerts_after(from + after, limit).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|(n, it)| (n - from, it.event)).collect();
        (found, to - from)
    };
    let (b, d) = ((2, "b".to_owned()), (4, "d".to_owned()));
    assert_eq!(alerts_after(0, 9).await, (vec![b.clone(), d.clone()], 6));
    // Whether there are more is not known: the last that was found is as far as it goes.
    assert_eq!(alerts_after(0, 1).await, (vec![b], 2));
    assert_eq!(alerts_after(2, 1).await, (vec![d], 4));
    assert_eq!(alerts_after(4, 1).await, (Vec::new(), 6));
    assert_eq!(alerts_after(6, 1).await, (Vec::new(), 6));
}
