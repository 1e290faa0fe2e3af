//! Spools that are not as they were left, and one that is full.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sark_core::SystemClock;
use sark_core::audit::Outcome;
use sark_core::storage::{AuditStore as _, MemoryStore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;

fn record(number: u64) -> AuditRecord {
    // All of one length.
    let detail = json!({ "number": number + 100 });
    AuditRecord::new(jiff::Timestamp::UNIX_EPOCH, "sarkd", "test", Outcome::Ok, detail)
}

struct Running {
    trail: Trail,
    health: Arc<TrailHealth>,
    tasks: [JoinHandle<()>; 2],
    stop: CancellationToken,
}

impl Running {
    async fn start(directory: &Path, store: &Arc<MemoryStore>, most_octets: u64) -> Self {
        let settings = TrailSettings {
            directory: directory.to_owned(),
            queue: 64,
            most_octets,
            when_full: WhenFull::Block,
            program: "sarkd",
        };
        let (health, stop) = (Arc::<TrailHealth>::default(), CancellationToken::new());
        let parts = (Arc::clone(store) as Arc<dyn Destination>, Arc::new(SystemClock));
        let made = trail(&settings, parts.0, parts.1, Arc::default(), Arc::clone(&health));
        let (trail, writer, drain) = made.await.unwrap();
        let writer = tokio::task::spawn_blocking(move || writer.run());
        let tasks = [writer, tokio::spawn(drain.run(stop.clone()))];
        Self { trail, health, tasks, stop }
    }

    async fn write(&self, numbers: std::ops::Range<u64>) {
        for number in numbers {
            self.trail.durable(&record(number)).await.unwrap();
        }
    }

    /// Everything is stored.
    async fn finish(self) {
        drop(self.trail);
        let ended = futures::future::join_all(self.tasks);
        let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
        ended.expect("the drain came to the end").into_iter().for_each(Result::unwrap);
    }

    /// Nothing more is stored.
    async fn cut(self) {
        drop(self.trail);
        let [writer, drain] = self.tasks;
        writer.await.unwrap();
        self.stop.cancel();
        drain.await.unwrap();
    }
}

async fn run(directory: &Path, store: &Arc<MemoryStore>, numbers: std::ops::Range<u64>) {
    let running = Running::start(directory, store, 1 << 20).await;
    running.write(numbers).await;
    running.finish().await;
}

async fn numbers(store: &MemoryStore) -> Vec<u64> {
    let records = store.records_after(0, 100_000).await.unwrap();
    records.iter().filter_map(|(_, it)| Some(it.detail["number"].as_u64()? - 100)).collect()
}

/// Details of the records of what was lost.
async fn lost(store: &MemoryStore) -> Vec<serde_json::Value> {
    let records = store.records_after(0, 100_000).await.unwrap();
    let lost = records.into_iter().filter(|(_, it)| it.event == "audit.lost");
    lost.inspect(|(_, it)| assert!(it.notice.is_some())).map(|(_, it)| it.detail).collect()
}

fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = all.filter(|path| path.to_str().unwrap().ends_with(ending)).collect();
    found.sort();
    found
}

/// As if it had not come to a clean end.
fn forget_the_end(directory: &Path) {
    let path = directory.join("id");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.lines().next().unwrap()).unwrap();
}

/// In the record of this number, all being of one length, in a file of so many.
fn spoil(path: &Path, at: usize, of: usize) {
    let mut octets = std::fs::read(path).unwrap();
    let middle = octets.len() / of * at + 40;
    octets[middle] ^= 1;
    std::fs::write(path, octets).unwrap();
}

#[tokio::test]
async fn files_that_are_gone_take_no_new_record_with_them() {
    for is_clean in [true, false] {
        let (directory, store) = (tempfile::tempdir().unwrap(), Arc::<MemoryStore>::default());
        let directory = directory.path();
        run(directory, &store, 0..5).await;
        files(directory, ".spool").iter().for_each(|path| std::fs::remove_file(path).unwrap());
        if !is_clean {
            forget_the_end(directory);
        }
        run(directory, &store, 5..9).await;
        run(directory, &store, 9..12).await;
        assert_eq!(numbers(&store).await, (0..12).collect::<Vec<_>>(), "clean: {is_clean}");
        assert!(lost(&store).await.is_empty(), "everything was stored");
    }
}

#[tokio::test]
async fn an_octet_that_went_bad_takes_no_new_record_with_it() {
    for is_clean in [true, false] {
        let (directory, store) = (tempfile::tempdir().unwrap(), Arc::<MemoryStore>::default());
        let directory = directory.path();
        run(directory, &store, 0..10).await;
        spoil(&files(directory, ".spool")[0], 4, 10);
        if !is_clean {
            forget_the_end(directory);
        }
        run(directory, &store, 10..20).await;
        assert_eq!(numbers(&store).await, (0..20).collect::<Vec<_>>(), "clean: {is_clean}");
        assert!(lost(&store).await.is_empty(), "everything was stored");
        assert_eq!(files(directory, ".damaged").len(), 1, "for a person to look at");
    }
}

#[tokio::test]
async fn what_was_acknowledged_and_is_damaged_is_told() {
    for is_clean in [true, false] {
        let (directory, store) = (tempfile::tempdir().unwrap(), Arc::<MemoryStore>::default());
        let directory = directory.path();
        let running = Running::start(directory, &store, 1 << 20).await;
        store.set_broken(true);
        running.write(0..10).await;
        running.cut().await;
        store.set_broken(false);
        spoil(&files(directory, ".spool")[0], 4, 10);
        if !is_clean {
            forget_the_end(directory);
        }
        run(directory, &store, 10..12).await;
        run(directory, &store, 12..13).await;
        assert_eq!(numbers(&store).await, [0, 1, 2, 3, 10, 11, 12], "clean: {is_clean}");
        let lost = lost(&store).await;
        assert_eq!(lost.len(), 1, "told once: {lost:?}");
        assert_eq!(lost[0]["records"], 6);
        if is_clean {
            assert_eq!((&lost[0]["from"], &lost[0]["to"]), (&json!(5), &json!(10)));
        } else {
            assert_eq!(lost[0]["orMore"], true);
        }
    }
}

#[tokio::test]
async fn a_torn_end_is_nobodys_loss() {
    let (directory, store) = (tempfile::tempdir().unwrap(), Arc::<MemoryStore>::default());
    let directory = directory.path();
    run(directory, &store, 0..3).await;
    forget_the_end(directory);
    let path = files(directory, ".spool").remove(0);
    let mut octets = std::fs::read(&path).unwrap();
    octets.extend_from_within(..octets.len() / 3 - 7);
    std::fs::write(&path, octets).unwrap();
    run(directory, &store, 3..6).await;
    assert_eq!(numbers(&store).await, (0..6).collect::<Vec<_>>());
    assert!(lost(&store).await.is_empty() && files(directory, ".damaged").is_empty());
}

/// As the error says: the damaged file is moved away.
#[tokio::test]
async fn a_gap_is_stepped_over_and_told() {
    let (directory, store) = (tempfile::tempdir().unwrap(), Arc::<MemoryStore>::default());
    let directory = directory.path();
    let written: Vec<_> = (0..9).map(|number| Spooled::of(&record(number)).unwrap()).collect();
    let (mut spool, _) = Spool::open(directory).unwrap();
    spool.add(written.iter()).unwrap();
    spool.sync().unwrap();
    drop(spool);
    let whole = std::fs::read(&files(directory, ".spool")[0]).unwrap();
    for (first, octets) in [1, 4, 7].iter().zip(whole.chunks(whole.len() / 3)) {
        std::fs::write(directory.join(format!("{first:020}.spool")), octets).unwrap();
    }
    let middle = files(directory, ".spool").remove(1);
    spoil(&middle, 1, 3);
    let error = Spool::open(directory).unwrap_err();
    assert!(matches!(error, SpoolError::Damaged { .. }), "{error:?}");
    std::fs::rename(&middle, directory.join("kept")).unwrap();
    run(directory, &store, 9..12).await;
    run(directory, &store, 12..13).await;
    assert_eq!(numbers(&store).await, [0, 1, 2, 6, 7, 8, 9, 10, 11, 12]);
    let lost = lost(&store).await;
    assert_eq!(lost.len(), 1, "told once: {lost:?}");
    assert_eq!((&lost[0]["from"], &lost[0]["to"]), (&json!(4), &json!(6)));
    assert_eq!(lost[0]["records"], 3);
    assert_eq!(files(directory, ".spool").len(), 1, "what is stored is taken away");
}

#[tokio::test]
async fn without_the_stores_word_nothing_is_numbered() {
    let (directory, store) = (tempfile::tempdir().unwrap(), Arc::<MemoryStore>::default());
    store.set_broken(true);
    let settings = TrailSettings {
        directory: directory.path().to_owned(),
        queue: 64,
        most_octets: 1 << 20,
        when_full: WhenFull::Block,
        program: "sarkd",
    };
    let (clock, health) = (Arc::new(SystemClock), Arc::default());
    let made = trail(&settings, store, clock, Arc::default(), health).await;
    assert!(matches!(made, Err(TrailError::Store(_))));
}

#[tokio::test]
async fn a_full_spool_is_a_problem_until_it_has_room() {
    let (directory, store) = (tempfile::tempdir().unwrap(), Arc::<MemoryStore>::default());
    let running = Running::start(directory.path(), &store, 2_000).await;
    let codes = || -> Vec<String> {
        running.health.problems().into_iter().map(|problem| problem.code.to_owned()).collect()
    };
    assert!(codes().is_empty());
    store.set_broken(true);
    let mut taken = 0;
    while running.trail.has_room() {
        running.write(taken..taken + 1).await;
        taken += 1;
    }
    for number in 0..3 {
        assert_eq!(running.trail.record(&record(number)), Err(Full));
    }
    // What cannot be refused any more is lost, and no decision.
    running.trail.note(&record(3));
    assert_eq!(codes(), ["audit-spool-full"]);
    store.set_broken(false);
    let room = async {
        while !running.trail.has_room() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), room).await.unwrap();
    assert!(codes().is_empty());
    running.write(taken..taken + 1).await;
    running.finish().await;
    let records = store.records(1_000).await.unwrap();
    let refused: Vec<_> = records.iter().filter(|it| it.event == "audit.refused").collect();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].notice.is_some() && refused[0].detail["decisions"] == 3, "{refused:?}");
    let lost: Vec<_> = records.iter().filter(|it| it.event == "audit.lost").collect();
    assert!(lost.len() == 1 && lost[0].detail["records"] == 1, "{lost:?}");
}

#[tokio::test]
async fn a_drain_that_keeps_up_reads_nothing_back() {
    let (directory, store) = (tempfile::tempdir().unwrap(), Arc::<MemoryStore>::default());
    let running = Running::start(directory.path(), &store, 1 << 20).await;
    files(directory.path(), ".spool").iter().for_each(|path| std::fs::remove_file(path).unwrap());
    running.write(0..5).await;
    running.finish().await;
    assert_eq!(numbers(&store).await, (0..5).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_the_store_did_not_take_is_read_back_and_all_is_in_order() {
    let (directory, store) = (tempfile::tempdir().unwrap(), Arc::<MemoryStore>::default());
    let running = Running::start(directory.path(), &store, 1 << 20).await;
    let shared = Arc::clone(&running.trail.shared);
    for round in 0..3 {
        running.write(round * 20..round * 20 + 10).await;
        store.set_broken(true);
        let failures = shared.metrics.failures.get();
        running.write(round * 20 + 10..round * 20 + 20).await;
        let refused = async {
            while shared.metrics.failures.get() == failures {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), refused).await.unwrap();
        store.set_broken(false);
    }
    running.finish().await;
    assert_eq!(numbers(&store).await, (0..60).collect::<Vec<_>>());
    assert_eq!(shared.octets.load(Ordering::Acquire), 0, "as many as there were are stored");
}

/// Of more octets than a file has.
#[tokio::test]
async fn files_of_which_nothing_was_read_back_are_taken_away_too() {
    let (directory, store) = (tempfile::tempdir().unwrap(), Arc::<MemoryStore>::default());
    let running = Running::start(directory.path(), &store, 64 << 20).await;
    let text = "a".repeat(1 << 19);
    for number in 0..40 {
        let detail = json!({ "number": number + 100, "text": text });
        let record = AuditRecord { detail, ..record(number) };
        running.trail.durable(&record).await.unwrap();
    }
    let shared = Arc::clone(&running.trail.shared);
    running.finish().await;
    assert_eq!(numbers(&store).await, (0..40).collect::<Vec<_>>());
    assert_eq!(shared.octets.load(Ordering::Acquire), 0);
    let left = files(directory.path(), ".spool");
    assert!(left.len() == 1 && !left[0].ends_with(format!("{:020}.spool", 1)), "{left:?}");
}
