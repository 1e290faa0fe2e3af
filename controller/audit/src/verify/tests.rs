use jiff::Timestamp;
use sark_core::Severity;
use sark_core::audit::{AuditRecord, Correlation, Evidence, Outcome, Written};
use sark_core::storage::KeptCheckpoint;

use super::*;
use crate::{SigningKey, prune_record as sark_record};

fn record(number: u64) -> AuditRecord {
    let at = Timestamp::from_second(1_790_000_000 + number as i64).unwrap();
    let mut record = AuditRecord::new(
        at,
        "uid:0(root)",
        "test.event",
        Outcome::Ok,
        serde_json::json!({ "number": number }),
    )
    .on(Evidence { rules: vec!["p/r".into()], ..Evidence::default() })
    .about(Correlation {
        host: Some("h".into()),
        user: Some("u".into()),
        ..Correlation::default()
    });
    record.severity = Severity::Low;
    record
}

/// Of one column, and what the verifier calls it.
type Change<'c> = (&'c dyn Fn(&mut Index), &'static str);

struct Trail {
    records: Vec<Stored>,
    trees: Vec<Tree>,
}

impl Trail {
    fn new(length: u64) -> Self {
        let (mut head, mut tree) = (Head::BEGINNING, Tree::default());
        let mut trail = Self { records: Vec::new(), trees: vec![Tree::default()] };
        for number in 1..=length {
            let written = Written::of(&record(number)).unwrap();
            head = head.with_octets(written.text().as_bytes());
            let (text, index) = (written.text().to_owned(), written.index().clone());
            let stored = Stored { head, text, index, unreadable: None };
            tree.push(stored.leaf());
            trail.records.push(stored);
            trail.trees.push(tree.clone());
        }
        trail
    }

    fn head(&self, sequence: u64) -> Head {
        match sequence {
            0 => Head::BEGINNING,
            n => self.records[n as usize - 1].head,
        }
    }

    fn checkpoint(&self, sequence: u64) -> Checkpoint {
        let key = SigningKey::from_seed("sark.example/audit", &[7; 32]).unwrap();
        let tree = &self.trees[sequence as usize];
        Checkpoint::new(key.public(), self.head(sequence), tree, Timestamp::UNIX_EPOCH)
    }
}

fn verify(records: &[Stored], anchors: &[Checkpoint]) -> Result<Verified, Bad> {
    let mut verifier = Verifier::new(Head::BEGINNING, Tree::default(), anchors.iter().cloned())?;
    records.iter().try_for_each(|stored| verifier.push(stored))?;
    verifier.finish(None)
}

#[test]
fn a_whole_trail_verifies_with_its_checkpoints_and_from_where_it_was_pruned() {
    let trail = Trail::new(20);
    let anchors = [trail.checkpoint(20), trail.checkpoint(7), trail.checkpoint(16)];
    let verified = verify(&trail.records, &anchors).unwrap();
    assert_eq!((verified.checkpoints, verified.vouched, verified.head.sequence), (3, 20, 20));
    assert_eq!(verified.tree, trail.trees[20]);
    for pruned in 0..=20 {
        let tree = trail.trees[pruned as usize].clone();
        let mut verifier = Verifier::new(trail.head(pruned), tree, anchors.clone()).unwrap();
        trail.records[pruned as usize..].iter().for_each(|one| verifier.push(one).unwrap());
        let after = verifier.finish(Some(trail.head(20))).unwrap();
        assert_eq!((after.root, after.began), (verified.root, pruned));
        assert_eq!(after.vouched, 20);
    }
    assert!(verify(&[], &[]).is_ok());
}

#[test]
fn the_first_bad_record_is_named() {
    let trail = Trail::new(20);
    for at in 0..20_u64 {
        let at_index = at as usize;
        let sequence = at + 1;
        let damaged = |damage: &dyn Fn(&mut Vec<Stored>)| {
            let mut records = trail.records.clone();
            damage(&mut records);
            verify(&records, &[]).map(drop)
        };
        let bad = |fault| Err(Bad { sequence, fault });
        // A bit, anywhere: of the text, of the hash, of the number.
        for bit in (0..trail.records[at_index].text.len() * 8).step_by(13) {
            let flipped = damaged(&|records| {
                let mut octets = std::mem::take(&mut records[at_index].text).into_bytes();
                octets[bit / 8] ^= 1 << (bit % 8);
                records[at_index].text = String::from_utf8_lossy(&octets).into_owned();
            });
            assert_eq!(flipped, bad(Fault::Changed));
        }
        assert_eq!(damaged(&|records| records[at_index].head.hash.0[31] ^= 1), bad(Fault::Changed));
        let columns: [Change<'_>; 9] = [
            (&|index| index.at += 1, "time"),
            (&|index| index.actor.push('x'), "actor"),
            (&|index| index.event.clear(), "event"),
            (&|index| index.severity ^= 1, "severity"),
            (&|index| index.is_alert ^= true, "mark of alerts"),
            (&|index| index.host = None, "host"),
            (&|index| index.user = Some("v".into()), "user"),
            (&|index| index.request = Some("r".into()), "request"),
            (&|index| index.policies = None, "policy"),
        ];
        for (change, name) in columns {
            let changed = damaged(&|records| change(&mut records[at_index].index));
            assert_eq!(changed, bad(Fault::Column(name)));
        }
        if at < 19 {
            let removed = damaged(&|records| drop(records.remove(at_index)));
            assert_eq!(removed, bad(Fault::Missing(sequence + 1)));
            let swapped = damaged(&|records| {
                let (one, two) = (records[at_index].clone(), records[at_index + 1].clone());
                (records[at_index].text, records[at_index].index) = (two.text, two.index);
                (records[at_index + 1].text, records[at_index + 1].index) = (one.text, one.index);
            });
            assert_eq!(swapped, bad(Fault::Changed));
            let with_numbers = damaged(&|records| records.swap(at_index, at_index + 1));
            assert_eq!(with_numbers, bad(Fault::Missing(sequence + 1)));
            // The numbers closed up after a removal.
            let closed = damaged(&|records| {
                records.remove(at_index);
                records[at_index..].iter_mut().for_each(|one| one.head.sequence -= 1);
            });
            assert_eq!(closed, bad(Fault::Changed));
        }
        let twice = damaged(&|records| records.insert(at_index, records[at_index].clone()));
        assert_eq!(twice, Err(Bad { sequence, fault: Fault::Again(sequence) }));
    }
}

#[test]
fn a_cut_tail_and_a_trail_written_anew_are_found_by_what_was_signed() {
    let trail = Trail::new(20);
    let anchors = [trail.checkpoint(8), trail.checkpoint(16)];
    for length in 0..16_usize {
        let cut = verify(&trail.records[..length], &anchors);
        let sequence = length as u64 + 1;
        assert_eq!(cut.map(drop), Err(Bad { sequence, fault: Fault::CutOff(16) }));
        assert!(verify(&trail.records[..length], &[]).is_ok(), "without an anchor nobody can tell");
    }
    // The store's own head is a weaker anchor.
    let mut verifier = Verifier::new(Head::BEGINNING, Tree::default(), []).unwrap();
    trail.records[..5].iter().for_each(|stored| verifier.push(stored).unwrap());
    let at_6 = |fault| Err(Bad { sequence: 6, fault });
    assert_eq!(verifier.clone().finish(Some(trail.head(9))).map(drop), at_6(Fault::BeyondHead(9)));
    let other = Head { hash: Digest([1; 32]), ..trail.head(5) };
    let head = verifier.finish(Some(other)).map(drop);
    assert_eq!(head, Err(Bad { sequence: 5, fault: Fault::Head }));
    // A whole trail made up by somebody who knows how.
    let other = Trail::new(21);
    let anew: Vec<_> = {
        let mut head = Head::BEGINNING;
        let texts = other.records.iter().filter(|stored| stored.head.sequence != 12);
        let chained = texts.map(|stored| {
            head = head.with_octets(stored.text.as_bytes());
            Stored { head, ..stored.clone() }
        });
        chained.collect()
    };
    assert!(verify(&anew, &[]).is_ok());
    let found = verify(&anew, &anchors).map(drop);
    assert_eq!(found, Err(Bad { sequence: 9, fault: Fault::Rewritten(16) }));
}

#[test]
fn a_row_that_cannot_be_read_is_named() {
    let mut trail = Trail::new(20);
    trail.records[6].unreadable = Some("body".into());
    let found = verify(&trail.records, &[]).map(drop);
    assert_eq!(found, Err(Bad { sequence: 7, fault: Fault::Damaged("body".into()) }));
}

#[test]
fn what_is_gone_from_the_beginning_was_pruned_by_sarkd_or_is_missed() {
    let trail = Trail::new(20);
    let kept = |sequence: u64| KeptCheckpoint {
        head: trail.head(sequence),
        at: Timestamp::UNIX_EPOCH,
        note: "note".into(),
        tree: String::new(),
    };
    let of = |sequence| sark_record(Timestamp::UNIX_EPOCH, &kept(sequence), "keepDays");
    // Begins after 8; the record that comes next is this one.
    let found = |last: &AuditRecord| {
        let tree = trail.trees[8].clone();
        let mut verifier = Verifier::new(trail.head(8), tree, []).unwrap().from_beginning();
        trail.records[8..].iter().for_each(|one| verifier.push(one).unwrap());
        let written = Written::of(last).unwrap();
        let head = verifier.head().with_octets(written.text().as_bytes());
        let (text, index) = (written.text().to_owned(), written.index().clone());
        verifier.push(&Stored { head, text, index, unreadable: None }).unwrap();
        verifier.finish(None).map(|verified| verified.began)
    };
    let missed = Err(Bad { sequence: 8, fault: Fault::Unrecorded });
    assert_eq!(found(&of(8)), Ok(8));
    for other in [
        record(21),
        of(7),
        of(16),
        AuditRecord { actor: "uid:0(root)".into(), ..of(8) },
        AuditRecord { event: "audit.pruned".into(), ..of(8) },
        AuditRecord {
            detail: serde_json::json!({ "upTo": 8, "hash": trail.head(7).hash }),
            ..of(8)
        },
    ] {
        assert_eq!(found(&other), missed, "{other:?}");
    }
    // Nothing was pruned: nothing has to say so.
    let mut verifier =
        Verifier::new(Head::BEGINNING, Tree::default(), []).unwrap().from_beginning();
    trail.records.iter().for_each(|one| verifier.push(one).unwrap());
    assert!(verifier.finish(None).is_ok());
}
