//! Queue, spool and drain, with a store that comes and goes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sark_controller::Metrics;
use sark_core::SystemClock;
use sark_core::audit::{AuditRecord, Outcome, Spooled};
use sark_core::storage::{AuditStore, Mark, MemoryStore, StorageError};
use sark_trail::{Destination, Full, Spool, SpoolError, Trail, TrailSettings, WhenFull, trail};
use tokio_util::sync::CancellationToken;

fn record(number: u64) -> AuditRecord {
    let detail = json_number(number);
    AuditRecord::new(jiff::Timestamp::UNIX_EPOCH, "sarkd", "test", Outcome::Ok, detail)
}

fn json_number(number: u64) -> serde_json::Value {
    serde_json::json!({ "number": number })
}

fn settings(directory: &Path) -> TrailSettings {
    TrailSettings {
        directory: directory.to_owned(),
        queue: 64,
        most_octets: 1 << 20,
        when_full: WhenFull::Block,
        program: "sarkd",
    }
}

/// A trail whose tasks run; what it has is stored in the end.
struct Running {
    trail: Trail,
    writer: tokio::task::JoinHandle<()>,
    drain: tokio::task::JoinHandle<()>,
    stop: CancellationToken,
    metrics: Arc<Metrics>,
}

impl Running {
    async fn start<D: Destination + 'static>(settings: &TrailSettings, store: &Arc<D>) -> Self {
        let metrics = Arc::new(Metrics::default());
        let parts = (Arc::clone(store) as Arc<dyn Destination>, Arc::new(SystemClock));
        let counted = Arc::clone(metrics.trail());
        let (trail, writer, drain) =
            trail(settings, parts.0, parts.1, counted, Arc::default()).await.unwrap();
        let stop = CancellationToken::new();
        let writer = tokio::task::spawn_blocking(move || writer.run());
        let drain = tokio::spawn(drain.run(stop.clone()));
        Self { trail, writer, drain, stop, metrics }
    }

    /// No more records; what is there is stored.
    async fn finish(self) {
        drop(self.trail);
        self.writer.await.unwrap();
        self.drain.await.unwrap();
    }

    /// The store is away: what is there stays in the spool.
    async fn cut(self) {
        drop(self.trail);
        self.writer.await.unwrap();
        self.stop.cancel();
        self.drain.await.unwrap();
    }
}

async fn numbers(store: &MemoryStore) -> Vec<u64> {
    let records = store.records_after(0, 100_000).await.unwrap();
    records.iter().filter_map(|(_, record)| record.detail["number"].as_u64()).collect()
}

#[tokio::test]
async fn what_is_acknowledged_is_stored_once_whatever_the_store_does() {
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<MemoryStore> = Arc::default();
    let mut next = 0;
    for round in 0..6 {
        let running = Running::start(&settings(directory.path()), &store).await;
        // In every other round the store fails from the beginning.
        store.set_broken(round % 2 == 0);
        for _ in 0..500 {
            running.trail.durable(&record(next)).await.unwrap();
            next += 1;
        }
        if round % 2 == 0 {
            running.cut().await;
            store.set_broken(false);
        } else {
            running.finish().await;
            assert_eq!(numbers(&store).await, (0..next).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_torn_end_is_cut_off_and_damage_before_it_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let written: Vec<_> = (0..3).map(|n| Spooled::of(&record(n)).unwrap()).collect();
    let (mut spool, _) = Spool::open(directory.path()).unwrap();
    spool.add(written.iter()).unwrap();
    spool.sync().unwrap();
    drop(spool);
    let path = directory.path().join("00000000000000000001.spool");
    let whole = std::fs::read(&path).unwrap();
    let each = whole.len() / 3;
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let (spool, found) = Spool::open(directory.path()).unwrap();
        let records = (length / each) as u64;
        assert_eq!((spool.last(), found.records), (records, records));
        assert_eq!(found.torn, (length % each) as u64);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), (length / each * each) as u64);
    }
    // A flipped bit anywhere: nothing from there on is believed.
    for bit in (0..whole.len() * 8).step_by(7) {
        let mut octets = whole.clone();
        octets[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &octets).unwrap();
        let (_, found) = Spool::open(directory.path()).unwrap();
        assert_eq!(found.records, (bit / 8 / each) as u64);
    }
    // With records in a file after it, it is no torn end.
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    std::fs::write(directory.path().join("00000000000000000004.spool"), &whole).unwrap();
    let error = Spool::open(directory.path()).unwrap_err();
    assert!(matches!(error, SpoolError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn files_are_followed_by_others_and_taken_away_when_they_are_stored() {
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<MemoryStore> = Arc::default();
    let big = |n| {
        let detail = serde_json::json!({ "number": n, "why": "x".repeat(100_000) });
        AuditRecord { detail, ..record(n) }
    };
    {
        let (mut spool, _) = Spool::open(directory.path()).unwrap();
        for n in 0..400 {
            spool.add(std::iter::once(&Spooled::of(&big(n)).unwrap())).unwrap();
            spool.sync().unwrap();
        }
    }
    let files = || std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(files(), 4, "three files and the name");
    let settings = TrailSettings { most_octets: 1 << 30, ..settings(directory.path()) };
    Running::start(&settings, &store).await.finish().await;
    assert_eq!(numbers(&store).await, (0..400).collect::<Vec<_>>());
    let running = Running::start(&settings, &store).await;
    running.trail.durable(&record(400)).await.unwrap();
    running.finish().await;
    assert_eq!(numbers(&store).await, (0..=400).collect::<Vec<_>>());
    assert_eq!(files(), 2, "one file and the name");
}

/// A store that takes little at a time, and counts how often.
#[derive(Default)]
struct Little {
    store: MemoryStore,
    largest: AtomicUsize,
}

#[async_trait::async_trait]
impl Destination for Little {
    async fn mark(&self, name: &str) -> Result<u64, StorageError> {
        AuditStore::mark(&self.store, name).await
    }

    async fn write(&self, records: Vec<Spooled>, mark: Mark<'_>) -> Result<(), StorageError> {
        let octets = records.iter().map(|record| record.text().len()).sum();
        self.largest.fetch_max(octets, Ordering::Relaxed);
        Destination::write(&self.store, records, mark).await
    }

    fn most_octets(&self) -> u64 {
        10_000
    }
}

#[tokio::test]
async fn a_destination_is_given_as_much_at_a_time_as_it_takes() {
    let directory = tempfile::tempdir().unwrap();
    let (little, away) = (Arc::new(Little::default()), Arc::<MemoryStore>::default());
    away.set_broken(false);
    let running = Running::start(&settings(directory.path()), &away).await;
    away.set_broken(true);
    for n in 0..1000 {
        running.trail.durable(&record(n)).await.unwrap();
    }
    running.cut().await;
    let running = Running::start(&settings(directory.path()), &little).await;
    running.finish().await;
    assert_eq!(numbers(&little.store).await, (0..1000).collect::<Vec<_>>());
    let largest = little.largest.load(Ordering::Relaxed);
    assert!((9_000..10_200).contains(&largest), "{largest}");
}

#[tokio::test]
async fn a_full_spool_refuses_or_counts_as_configured() {
    for when_full in [WhenFull::Block, WhenFull::DropAndCount] {
        let directory = tempfile::tempdir().unwrap();
        let store: Arc<MemoryStore> = Arc::default();
        let settings =
            TrailSettings { most_octets: 2_000, when_full, ..settings(directory.path()) };
        let running = Running::start(&settings, &store).await;
        store.set_broken(true);
        let mut taken = 0;
        while running.trail.has_room() {
            running.trail.durable(&record(taken)).await.unwrap();
            taken += 1;
        }
        let answers: Vec<_> = (0..5).map(|n| running.trail.record(&record(1000 + n))).collect();
        let expected = match when_full {
            WhenFull::Block => Err(Full),
            WhenFull::DropAndCount => Ok(()),
        };
        assert_eq!(answers, [expected; 5]);
        store.set_broken(false);
        let room = async {
            while !running.trail.has_room() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), room).await.unwrap();
        running.trail.record(&record(taken)).unwrap();
        let text = running.metrics.text();
        running.finish().await;
        let mut expected: Vec<_> = (0..=taken).collect();
        expected.sort_unstable();
        assert_eq!(numbers(&store).await, expected);
        let all = store.records(1000).await.unwrap();
        let lost: Vec<_> = all.iter().filter(|record| record.event == "audit.lost").collect();
        match when_full {
            WhenFull::Block => {
                assert!(lost.is_empty() && text.contains("sark_audit_refused_total 5"), "{text}");
            }
            WhenFull::DropAndCount => {
                assert_eq!(lost[0].detail["records"], 5);
                assert!(lost[0].notice.is_some() && text.contains("sark_audit_dropped_total 5"));
            }
        }
    }
}
