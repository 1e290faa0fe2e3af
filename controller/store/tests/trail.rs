//! A trail that somebody has laid hands on, past the store: what `audit verify` then finds.

use sark_audit::{Bad, Checkpoint, Fault, SigningKey, Tree, Verified, WalkError, verify};
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::{AuditStore, CheckpointStore, KeptCheckpoint};
use sark_store::test_util::TestPlace;
use sark_store::{Store, on_both_engines};

on_both_engines! {
    whole_and_pruned_trails_verify_and_are_proven
    a_flipped_bit_is_found
    every_bit_of_a_row_counts
    a_removed_record_is_found
    a_reordered_pair_is_found
    a_changed_column_is_found
    a_removed_beginning_is_found
    a_cut_tail_is_found_with_the_anchor
    writers_of_two_stores_make_one_chain
}

/// A trail of 20 records, anchored at 16; without its triggers.
async fn trail(place: &TestPlace) -> (Store, Checkpoint) {
    let store = place.open().await;
    let records: Vec<_> = (1..=20).map(record).collect();
    store.append_all(&records).await.unwrap();
    let anchor = checkpoint(&store, 16).await;
    let triggers = match place {
        TestPlace::Sqlite(_) => "DROP TRIGGER trail_is_final; DROP TRIGGER trail_stays;",
        TestPlace::Postgres(_) => {
            "DROP TRIGGER trail_is_final ON trail; DROP TRIGGER trail_stays ON trail;"
        }
    };
    place.raw(triggers).await.unwrap();
    (store, anchor)
}

fn record(number: u32) -> AuditRecord {
    let at = "2026-11-28T12:00:00Z".parse().unwrap();
    AuditRecord::new(at, "sarkd", "test", Outcome::Ok, serde_json::json!({ "number": number }))
}

/// Made of the records themselves and kept.
async fn checkpoint(store: &Store, sequence: u64) -> Checkpoint {
    let mut tree = Tree::default();
    let stored = store.stored_after(0, sequence as u32).await.unwrap();
    stored.iter().for_each(|one| tree.push(one.leaf()));
    let key = SigningKey::from_seed("test", &[1; 32]).unwrap();
    let head = stored[stored.len() - 1].head;
    let at = "2026-11-28T12:00:00Z".parse().unwrap();
    let checkpoint = Checkpoint::new(key.public(), head, &tree, at);
    let note = checkpoint.sign(&key).to_string();
    let kept = KeptCheckpoint { head, at, note, tree: tree.to_string() };
    store.keep_checkpoint(&kept).await.unwrap();
    checkpoint
}

async fn found(store: &Store, anchors: &[Checkpoint]) -> Result<Verified, Bad> {
    match verify(store, anchors.to_vec(), &mut |_| ()).await {
        Ok(verified) => Ok(verified),
        Err(WalkError::Bad(bad)) => Err(bad),
        Err(other) => panic!("{other:?}"),
    }
}

async fn assert_found(store: &Store, anchors: &[Checkpoint], sequence: u64, fault: Fault) {
    assert_eq!(found(store, anchors).await, Err(Bad { sequence, fault }));
}

async fn whole_and_pruned_trails_verify_and_are_proven(place: TestPlace) {
    let store = place.open().await;
    let records: Vec<_> = (1..=20).map(record).collect();
    store.append_all(&records).await.unwrap();
    let anchors = [checkpoint(&store, 8).await, checkpoint(&store, 16).await];
    let verified = found(&store, &anchors).await.unwrap();
    assert_eq!((verified.checkpoints, verified.vouched, verified.head.sequence), (2, 16, 20));
    let proven = |proof: &[_], text: &str, sequence: u64| {
        let leaf = sark_core::audit::Digest::of_leaf(text.as_bytes());
        sark_audit::check_inclusion(sequence - 1, leaf, 16, &anchors[1].root, proof)
    };
    for pruned in [false, true] {
        if pruned {
            let kept = store.checkpoint_at(8).await.unwrap().unwrap();
            let of_it = sark_audit::prune_record(kept.at, &kept, "keepRecords");
            assert_eq!(store.prune(&anchors[0].head, &of_it).await.unwrap(), None);
            store.set_cursor("alerts", 20).await.unwrap();
            let gone = store.prune(&anchors[0].head, &of_it).await.unwrap();
            assert_eq!(gone, Some(8));
            let verified = found(&store, &anchors).await.unwrap();
            assert_eq!((verified.began, verified.head.sequence), (8, 21));
        }
        for sequence in 9..=16 {
            let (text, proof) = sark_audit::prove(&store, sequence, 16).await.unwrap();
            proven(&proof, &text, sequence).unwrap();
            proven(&proof, &text.replace("number", "n"), sequence).unwrap_err();
        }
        let first = sark_audit::prove(&store, 8, 16).await;
        assert_eq!(first.is_ok(), !pruned, "{first:?}");
        sark_audit::prove(&store, 17, 16).await.unwrap_err();
    }
}

async fn a_flipped_bit_is_found(place: TestPlace) {
    let (store, anchor) = trail(&place).await;
    let flip = "UPDATE trail SET body = replace(body, '\"number\":7', '\"number\":6')
                WHERE sequence = 7";
    place.raw(flip).await.unwrap();
    assert_found(&store, &[], 7, Fault::Changed).await;
    assert_found(&store, &[anchor], 7, Fault::Changed).await;
}

/// Each bit of the text and of each column beside it, flipped in the row itself; what the engine does
/// not store is none.
async fn every_bit_of_a_row_counts(place: TestPlace) {
    let (store, anchor) = trail(&place).await;
    let mut full = record(21);
    full.about.host = Some("hé".into());
    full.about.user = Some("u1".into());
    full.about.request = Some("r1".into());
    full.evidence.rules = vec!["p/r".into()];
    store.append(&full).await.unwrap();
    let row = store.stored_after(20, 1).await.unwrap().remove(0);
    let is_sqlite = matches!(place, TestPlace::Sqlite(_));
    let hex = |octets: &[u8]| octets.iter().map(|o| format!("{o:02x}")).collect::<String>();
    let text = |octets: &[u8]| match is_sqlite {
        true => format!("CAST(x'{}' AS TEXT)", hex(octets)),
        false => format!("convert_from('\\x{}', 'UTF8')", hex(octets)),
    };
    let blob = |octets: &[u8]| match is_sqlite {
        true => format!("x'{}'", hex(octets)),
        false => format!("'\\x{}'::bytea", hex(octets)),
    };
    let index = &row.index;
    let optional = |text: &Option<String>| text.clone().unwrap().into_bytes();
    let columns: [(&str, Vec<u8>, bool); 8] = [
        ("body", row.text.clone().into_bytes(), true),
        ("actor", index.actor.clone().into_bytes(), true),
        ("event", index.event.clone().into_bytes(), true),
        ("host", optional(&index.host), true),
        ("person", optional(&index.user), true),
        ("request", optional(&index.request), true),
        ("policies", optional(&index.policies), true),
        ("hash", row.head.hash.0.to_vec(), false),
    ];
    let mut columns: Vec<_> = columns
        .into_iter()
        .map(|(column, octets, is_text)| {
            let of = |octets: &[u8]| if is_text { text(octets) } else { blob(octets) };
            let flips = (0..octets.len() * 8).map(|bit| {
                let mut flipped = octets.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                of(&flipped)
            });
            (column, of(&octets), flips.collect::<Vec<_>>())
        })
        .collect();
    let mut numbers = vec![("at", index.at), ("severity", i64::from(index.severity))];
    if is_sqlite {
        numbers.push(("is_alert", i64::from(index.is_alert)));
    } else {
        columns.push(("is_alert", index.is_alert.to_string(), vec![(!index.is_alert).to_string()]));
    }
    columns.extend(numbers.into_iter().map(|(column, number)| {
        let flips = (0..64).map(|bit| (number ^ (1_i64 << bit)).to_string());
        (column, number.to_string(), flips.collect())
    }));
    let mut refused = 0;
    for (column, whole, flips) in columns {
        let set = |to: &str| format!("UPDATE trail SET {column} = {to} WHERE sequence = 21");
        for flipped in flips {
            if place.raw(&set(&flipped)).await.is_err() {
                // PostgreSQL takes no text that is not UTF-8.
                assert!(!is_sqlite, "{column}: {flipped}");
                refused += 1;
                continue;
            }
            match found(&store, std::slice::from_ref(&anchor)).await {
                Err(Bad { sequence: 21, .. }) => {}
                other => panic!("{column}: {flipped}: {other:?}"),
            }
        }
        place.raw(&set(&whole)).await.unwrap();
    }
    assert_eq!(refused > 0, !is_sqlite);
    found(&store, &[anchor]).await.unwrap();
}

/// Up to a checkpoint that is kept, and the row that says where the trail begins set to it.
async fn a_removed_beginning_is_found(place: TestPlace) {
    let (store, anchor) = trail(&place).await;
    let sequence = checkpoint(&store, 8).await.head.sequence;
    let remove = "INSERT INTO trail_pruned (one, sequence, hash, tree)
                  SELECT 1, sequence, hash, tree FROM trail_checkpoint WHERE sequence = 8;
                  DELETE FROM trail WHERE sequence <= 8;";
    place.raw(remove).await.unwrap();
    assert_found(&store, &[anchor], sequence, Fault::Unrecorded).await;
}

async fn a_removed_record_is_found(place: TestPlace) {
    let (store, anchor) = trail(&place).await;
    place.raw("DELETE FROM trail WHERE sequence IN (7, 8)").await.unwrap();
    assert_found(&store, &[], 7, Fault::Missing(9)).await;
    // Closing the gap does not help.
    place.raw("UPDATE trail SET sequence = sequence + 100 WHERE sequence > 8").await.unwrap();
    place.raw("UPDATE trail SET sequence = sequence - 102 WHERE sequence > 8").await.unwrap();
    assert_found(&store, &[anchor], 7, Fault::Changed).await;
}

async fn a_reordered_pair_is_found(place: TestPlace) {
    let (store, _) = trail(&place).await;
    let swap = "UPDATE trail SET sequence = 100 WHERE sequence = 7;
                UPDATE trail SET sequence = 7 WHERE sequence = 8;
                UPDATE trail SET sequence = 8 WHERE sequence = 100;";
    place.raw(swap).await.unwrap();
    assert_found(&store, &[], 7, Fault::Changed).await;
}

async fn a_changed_column_is_found(place: TestPlace) {
    let (store, _) = trail(&place).await;
    place.raw("UPDATE trail SET event = 'harmless' WHERE sequence = 7").await.unwrap();
    assert_found(&store, &[], 7, Fault::Column("event")).await;
}

async fn a_cut_tail_is_found_with_the_anchor(place: TestPlace) {
    let (store, anchor) = trail(&place).await;
    place.raw("DELETE FROM trail WHERE sequence > 14").await.unwrap();
    assert_found(&store, &[], 15, Fault::BeyondHead(20)).await;
    let head = "UPDATE trail_head SET sequence = 14,
                hash = (SELECT hash FROM trail WHERE sequence = 14)";
    place.raw(head).await.unwrap();
    // Now the store itself is of one mind: only what was signed elsewhere knows better.
    assert_eq!(found(&store, &[]).await.unwrap().head.sequence, 14);
    assert_found(&store, &[anchor], 15, Fault::CutOff(16)).await;
}

async fn writers_of_two_stores_make_one_chain(place: TestPlace) {
    let stores = [place.open().await, place.open().await];
    for round in 0..10 {
        let (one, two) = (record(round), [record(round), record(round)]);
        let (first, second) = tokio::join!(stores[0].append(&one), stores[1].append_all(&two));
        first.unwrap();
        second.unwrap();
    }
    assert_eq!(found(&stores[0], &[]).await.unwrap().head.sequence, 30);
}
