//! A process that writes to the trail as fast as it can, killed at random points, over and over.
//! Whatever the point: the chain verifies with every checkpoint that was signed, each record that was
//! acknowledged is there, and none is there twice.
//!
//! `SARK_TRAIL_ROUNDS` sets the number of kills (10 by default), `SARK_SOAK_FIRST` the first seed.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sark_audit::{Checkpoint, Note, SigningKey};
use sark_controller::Metrics;
use sark_controller::trail::{Anchors, Auditor, AuditorSettings, signing_key};
use sark_core::SystemClock;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::{AuditStore as _, CheckpointStore as _};
use sark_store::Store;
use sark_trail::{Trail, TrailSettings, WhenFull, trail};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const DIRECTORY: &str = "SARK_TRAIL_CHILD";
const FIRST: &str = "SARK_TRAIL_FIRST";
const ORIGIN: &str = "test/audit";

/// More than one process writes in its life.
const NUMBERS: u64 = 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_of_writing() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let (rounds, first) = (number("SARK_TRAIL_ROUNDS", 10), number("SARK_SOAK_FIRST", 1));
    let directory = tempfile::tempdir().unwrap();
    let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut acknowledged, mut read, mut unacknowledged) = (0, 0, 0);
    for round in 0..rounds {
        let acks = write_and_kill(directory.path(), round, first + round);
        acknowledged += acks.len();
        let store = Store::open(&directory.path().join("sark.db")).await.unwrap();
        // What was in the spool comes into the store, as at a start of sarkd.
        let (trail, tasks) = start(directory.path(), &store).await;
        trail.close().await;
        drop(trail);
        for task in tasks {
            task.await.unwrap();
        }
        for (sequence, record) in store.records_after(read, 10_000_000).await.unwrap() {
            read = sequence;
            if let Some(number) = record.detail["number"].as_u64() {
                let twice = seen.insert(number, sequence);
                assert_eq!(twice, None, "round {round}: record {number} is there twice");
            }
        }
        let lost: Vec<_> = acks.iter().filter(|number| !seen.contains_key(number)).collect();
        assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
        unacknowledged = seen.len() - acknowledged;
        let key = key(directory.path());
        let kept = store.checkpoints_after(0, 1_000_000).await.unwrap();
        let anchors: Vec<_> = kept
            .iter()
            .map(|kept| Checkpoint::open(&Note::parse(&kept.note).unwrap(), key.public()).unwrap())
            .collect();
        let verified = sark_audit::verify(&store, anchors, &mut |_| ()).await;
        let verified = verified.unwrap_or_else(|error| panic!("round {round}: {error:?}"));
        assert_eq!((verified.head.sequence, verified.checkpoints), (read, kept.len()));
        store.close().await;
    }
    let head = read;
    eprintln!(
        "{rounds} kills: {head} records, chain whole; {acknowledged} were acknowledged and are there \
         once, {unacknowledged} others are there once"
    );
    assert!(acknowledged > 0);
}

/// Runs the process until it has said something, then a little longer; what it acknowledged.
fn write_and_kill(directory: &Path, round: u64, seed: u64) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["trail_kill::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(FIRST, (round * NUMBERS).to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut acks = Vec::new();
    let mut line = String::new();
    let mut next = |acks: &mut Vec<u64>| {
        line.clear();
        // A line that the kill cut short has no end.
        let more = lines.read_line(&mut line).unwrap() > 0;
        if let Some(number) = line.strip_prefix("ack ").and_then(|rest| rest.strip_suffix('\n')) {
            acks.push(number.parse().unwrap());
        }
        more
    };
    while acks.is_empty() {
        assert!(next(&mut acks), "the process ended before it acknowledged anything");
    }
    let process = child.id();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(400).mul_f64(super::kill::random(seed)));
        let pid = nix::unistd::Pid::from_raw(i32::try_from(process).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    });
    while next(&mut acks) {}
    killer.join().unwrap();
    child.wait().unwrap();
    acks
}

/// Not a test: the process that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let directory = Path::new(&directory);
    let store = Store::open(&directory.join("sark.db")).await.unwrap();
    let (trail, _tasks) = start(directory, &store).await;
    let settings = AuditorSettings {
        records: 300,
        interval: Duration::from_millis(700),
        keep_days: None,
        keep_records: None,
    };
    let parts = (Arc::new(store.clone()), Arc::new(key(directory)), Arc::new(SystemClock));
    let metrics = Arc::new(Metrics::default());
    let (anchors, health) = (Anchors::default(), Arc::default());
    let auditor =
        Auditor::begin(parts.0, parts.1, anchors, settings, parts.2, metrics, health).await;
    tokio::spawn(auditor.unwrap().run(CancellationToken::new()));
    let next = Arc::new(AtomicU64::new(std::env::var(FIRST).unwrap().parse().unwrap()));
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..16 {
        let (trail, next, store) = (trail.clone(), Arc::clone(&next), store.clone());
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                // Some as changes are recorded, with no spool between.
                if writer == 0 {
                    store.append(&record(number)).await.unwrap();
                } else {
                    trail.durable(&record(number)).await.unwrap();
                }
                let mut out = std::io::stdout().lock();
                writeln!(out, "ack {number}").unwrap();
                out.flush().unwrap();
            }
        });
    }
    tasks.join_next().await;
}

async fn start(directory: &Path, store: &Store) -> (Trail, [JoinHandle<()>; 2]) {
    let settings = TrailSettings {
        directory: directory.join("spool"),
        queue: 1_000,
        most_octets: 1 << 30,
        when_full: WhenFull::Block,
        program: "sarkd",
    };
    let (store, clock) = (Arc::new(store.clone()), Arc::new(SystemClock));
    let (trail, writer, drain) =
        trail(&settings, store, clock, Arc::default(), Arc::default()).await.unwrap();
    let drain = tokio::spawn(drain.run(CancellationToken::new()));
    (trail, [tokio::task::spawn_blocking(move || writer.run()), drain])
}

fn key(directory: &Path) -> SigningKey {
    signing_key(&directory.join("audit.key"), ORIGIN).unwrap()
}

fn record(number: u64) -> AuditRecord {
    let detail =
        serde_json::json!({ "number": number, "why": "x".repeat((number % 700) as usize) });
    AuditRecord::new(jiff::Timestamp::UNIX_EPOCH, "sarkd", "test", Outcome::Ok, detail)
}
