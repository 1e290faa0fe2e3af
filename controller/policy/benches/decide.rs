//! One decision by the shipped set, and one worker made of it.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use sark_policy::decision::{Bounds, DecisionSet, Input, Limits, Line, SetFile, Worker};
use sark_registry::{Snapshot, seed};

fn shipped() -> Vec<SetFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/decision");
    let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if let (Ok(name), Ok(octets)) = (path.strip_prefix(&root), std::fs::read(&path))
            {
                files.push(SetFile { path: name.display().to_string(), octets });
            }
        }
    }
    files
}

fn decide(criterion: &mut Criterion) {
    let files = shipped();
    let set = DecisionSet::load(&files, None, &Limits::default()).expect("the shipped set loads");
    let set = Arc::new(set);
    let registry = Snapshot::build(seed());
    let now = "2026-11-27T10:00:00Z".parse().expect("a time");
    let inputs = [
        (
            Line::Llm,
            r#"{"id": "r", "operation": "chat", "user": "ada", "provider": "openai",
            "endpoint": "openai/api", "model": "gpt-5-mini", "body_bytes": 4000, "inspected": true,
            "spend": {"request_microusd": 9000, "day_microusd": 400000, "month_microusd": 900000}}"#,
        ),
        (Line::Tunnel, r#"{"id": "t", "service": "ngrok", "kind": "tunnel", "confidence": 0.9}"#),
        (
            Line::Sensor,
            r#"{"id": "s", "sensor": "roof-cat-2", "kind": "rfc1149", "event": "carrier",
            "confidence": 0.9}"#,
        ),
    ];
    for (line, json) in inputs {
        let input = Input::from_json(line, json).expect("an input");
        let mut worker = Worker::new(Arc::clone(&set), &Bounds::default()).expect("a worker");
        criterion.bench_function(&format!("decide/{line}"), |bencher| {
            bencher.iter(|| worker.decide(black_box(&input), &registry, now));
        });
    }
    criterion.bench_function("load/shipped", |bencher| {
        bencher.iter(|| DecisionSet::load(black_box(&files), None, &Limits::default()));
    });
    criterion.bench_function("worker/shipped", |bencher| {
        bencher.iter(|| Worker::new(Arc::clone(&set), &Bounds::default()));
    });
}

criterion_group!(benches, decide);
criterion_main!(benches);
