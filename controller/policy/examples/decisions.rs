//! `cargo xtask bench decisions`: the shipped set, by us and by OPA's own engine, on the same inputs in
//! one run.
//!
//! Ours is the whole of [`Worker::decide`]: preparing the input, every policy of the line, and the one
//! decision they come to. OPA's is what `tests/opa/opa.py` says: reading the input, the `decisions` of
//! every policy of the line, writing them; what of that is not evaluation (a constant on the same inputs)
//! is taken off in the last figure. Each thread has an engine, a program and data of its own. `anew` is
//! a worker that asks every policy each time; `sark`, as in sarkd, one that remembers answers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot run says so")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sark_policy::decision::{Bounds, DecisionSet, Input, Limits, Line, SetFile, Worker};
use sark_registry::{Snapshot, seed};
use serde_json::{Map, Value, json};

/// As in sarkd.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SECONDS: u64 = 3;
/// Each has an id, a size and a spending of its own; users, models and processes come again.
const INPUTS: u64 = 10_000;

struct Figures {
    per_second: f64,
    p50: f64,
    p99: f64,
    /// Of a call that evaluates nothing.
    overhead: f64,
}

fn main() {
    let files = shipped();
    let set = Arc::new(DecisionSet::load(&files, None, &Limits::default()).unwrap());
    let registry = Snapshot::build(seed());
    let now: Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
    println!("{} policies, {INPUTS} inputs a line, {SECONDS} s each", set.policies().len());
    println!("line    engine  threads  decisions/s    p50 µs    p99 µs");
    let mut opa = Opa::start(&files);
    for line in [Line::Llm, Line::Edr, Line::Tunnel, Line::Sensor] {
        let inputs: Vec<Input> = (0..INPUTS).map(|n| input(line, n)).collect();
        let text: String = inputs
            .iter()
            .map(|input| {
                format!(
                    "{}\n",
                    input.prepared(|_| &[], input.facts(&registry), &TimeZone::UTC, now)
                )
            })
            .collect();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for threads in [1, 2] {
            for forgetful in [true, false] {
                let figures = measure(&set, &inputs, &registry, now, threads, forgetful);
                print(line, if forgetful { "anew" } else { "sark" }, threads, &figures);
                if !forgetful {
                    ours.push(figures);
                }
            }
            if let Some(opa) = &mut opa {
                theirs.push(opa.measure(line, &text, threads));
                print(line, "opa", threads, theirs.last().unwrap());
            }
        }
        let second = |figures: &[Figures]| figures[1].per_second / figures[0].per_second;
        print!("{line}: a second thread x{:.2}", second(&ours));
        if let [one, two] = theirs.as_slice() {
            let (alone, both) =
                (ours[0].per_second / one.per_second, ours[1].per_second / two.per_second);
            print!(
                " (OPA x{:.2}); beside OPA x{alone:.1} on one, x{both:.1} on two; p50 x{:.1} without \
                 what OPA reads and writes",
                second(&theirs),
                (one.p50 - one.overhead) / ours[0].p50,
            );
        }
        println!();
    }
}

fn print(line: Line, engine: &str, threads: usize, figures: &Figures) {
    let Figures { per_second, p50, p99, .. } = figures;
    println!(
        "{:<7} {engine:<7} {threads:>7} {per_second:>12.0} {p50:>9.1} {p99:>9.1}",
        line.as_str()
    );
}

fn shipped() -> Vec<SetFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/decision");
    let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.push(SetFile { path: name, octets: std::fs::read(&path).unwrap() });
            }
        }
    }
    files
}

/// Most of what comes is fine; some of it is not.
fn input(line: Line, n: u64) -> Input {
    let one_of =
        |from: &[&str], salt: u64| from[((n * 31 + salt) % from.len() as u64) as usize].to_owned();
    let provider = one_of(&["openai", "anthropic", "google", "deepseek", "azure"], 3);
    let user = format!("user-{}", n % 50);
    let value = match line {
        Line::Llm | Line::Mcp => json!({
            "id": format!("r-{n}"), "operation": "chat", "user": user, "groups": [one_of(&["staff", "contractors"], 1)],
            "agent": "claude-code", "source": "10.20.1.7", "host": "build-7", "process": "node",
            "endpoint": format!("{provider}/api"), "provider": provider, "server_name": "api.example",
            "model": one_of(&["gpt-5-mini", "claude-sonnet-4-5", "gemini-2.5-flash", "o9"], 7),
            "stream": true, "body_bytes": 4_000 + n, "inspected": !n.is_multiple_of(7),
            "tools": ["bash", "edit", "web"],
            "spend": { "request_microusd": 9_000, "day_microusd": n % 200 * 400_000 + n, "month_microusd": n % 200 * 1_000_000 + n },
            "findings": if n.is_multiple_of(5) {
                json!([{ "class": "secret", "kind": "aws_access_key", "count": 1, "confidence": 0.9 }])
            } else { json!([]) },
        }),
        Line::Edr => json!({
            "id": format!("a-{n}"), "kind": one_of(&["llm_connection", "key_in_environment", "mcp_started", "agent_child"], 5),
            "connector": "osquery", "host": { "id": "h1", "name": "build-7", "tags": ["server"] }, "user": user,
            "process": { "name": one_of(&["node", "python3", "curl", "claude"], 2), "pid": 4_242 + n },
            "ancestors": [{ "name": "bash" }, { "name": "sshd" }], "agent": "claude-code", "provider": provider,
            "key_names": if n.is_multiple_of(4) { json!(["OPENAI_API_KEY"]) } else { json!([]) }, "confidence": 0.9,
        }),
        Line::Tunnel => json!({
            "id": format!("t-{n}"), "service": one_of(&["ngrok", "cloudflare-tunnel", "tor", "tailscale"], 1),
            "kind": one_of(&["tunnel", "vpn", "tor"], 4), "confidence": 0.9, "evidence": ["server_name", "process"],
            "user": user, "groups": ["staff"], "process": "ngrok", "host": "lap-3", "corporate": n.is_multiple_of(9),
            "llm_confidence": 0.8,
        }),
        Line::Sensor => json!({
            "id": format!("s-{n}"), "sensor": "roof-cat-2", "kind": "rfc1149", "confidence": 0.9, "recent": n % 6,
            "event": one_of(&["carrier", "escape", "all_asleep"], 2), "site": "roof",
            "facts": { "payload": n.is_multiple_of(2), "bytes": 200_000 },
        }),
    };
    Input::from_json(line, &value.to_string()).unwrap()
}

fn measure(
    set: &Arc<DecisionSet>,
    inputs: &[Input],
    registry: &Snapshot,
    now: Timestamp,
    threads: usize,
    forgetful: bool,
) -> Figures {
    let start = Barrier::new(threads + 1);
    let (mut taken, took) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                let (start, inputs) = (&start, inputs.to_vec());
                scope.spawn(move || {
                    let mut worker = Worker::new(Arc::clone(set), &Bounds::default()).unwrap();
                    if forgetful {
                        worker = worker.forgetful();
                    }
                    for input in inputs.iter().cycle().take(2_000) {
                        std::hint::black_box(worker.decide(input, registry, now));
                    }
                    start.wait();
                    let begun = Instant::now();
                    let mut taken: Vec<u64> = Vec::with_capacity(1 << 20);
                    for input in inputs.iter().cycle() {
                        // Read just now, as what sarkd decides on.
                        let input = input.clone();
                        let asked = Instant::now();
                        std::hint::black_box(worker.decide(&input, registry, now));
                        taken.push(asked.elapsed().as_nanos() as u64);
                        if begun.elapsed() > Duration::from_secs(SECONDS) {
                            break;
                        }
                    }
                    taken
                })
            })
            .collect();
        start.wait();
        let begun = Instant::now();
        let taken: Vec<u64> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        (taken, begun.elapsed())
    });
    taken.sort_unstable();
    let at = |percent: usize| taken[taken.len() * percent / 100] as f64 / 1_000.0;
    let per_second = taken.len() as f64 / took.as_secs_f64();
    Figures { per_second, p50: at(50), p99: at(99), overhead: 0.0 }
}

struct Opa {
    child: std::process::Child,
    answers: BufReader<std::process::ChildStdout>,
    folder: tempfile::TempDir,
}

impl Opa {
    /// With the same policies and data; `None` if `SARK_OPA` is not set.
    fn start(files: &[SetFile]) -> Option<Self> {
        if std::env::var_os("SARK_OPA").is_none() {
            println!(
                "SARK_OPA is not set, so OPA is not measured: `cargo xtask setup --only python`"
            );
            return None;
        }
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/opa/opa.py");
        let mut command = Command::new("python3");
        command.arg(program).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut opa = Self { child, answers, folder: tempfile::tempdir().unwrap() };
        let mut modules: Map<String, Value> = files
            .iter()
            .filter(|file| file.path.ends_with(".rego") && !file.path.ends_with("_test.rego"))
            .map(|file| (file.path.clone(), json!(String::from_utf8_lossy(&file.octets))))
            .collect();
        for line in Line::ALL {
            // What a decision is made of, and no helper rules.
            let text = format!(
                "package asked.{line}\n\ndecisions[policy] := data.sark.{line}[policy].decisions\n"
            );
            modules.insert(format!("asked_{line}.rego"), json!(text));
        }
        let data = files.iter().find(|file| file.path == "data.yaml").unwrap();
        let data = String::from_utf8_lossy(&data.octets);
        let data = sark_core::document::parse::<Value>("data.yaml", &data).unwrap().remove(0).value;
        opa.ask(&json!({ "load": { "modules": modules, "data": data } }));
        Some(opa)
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.child.stdin.as_mut().unwrap(), "{question}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer.get("error").is_none(), "{answer}");
        answer
    }

    fn measure(&mut self, line: Line, inputs: &str, threads: usize) -> Figures {
        let file = self.folder.path().join(line.as_str());
        std::fs::write(&file, inputs).unwrap();
        let answer = self.ask(&json!({ "bench": {
            "query": format!("data.asked.{line}.decisions"), "inputs": file,
            "threads": threads, "seconds": SECONDS,
        } }));
        let figure = |name: &str| answer["bench"][name].as_f64().unwrap();
        Figures {
            per_second: figure("per_second"),
            p50: figure("p50_ns") / 1_000.0,
            p99: figure("p99_ns") / 1_000.0,
            overhead: figure("overhead_ns") / 1_000.0,
        }
    }
}

impl Drop for Opa {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
