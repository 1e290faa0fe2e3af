//! `policy eval`, `policy explain` and `policy bench`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sark_core::decision::{Action, Decision, Obligation};
use sark_core::{Clock as _, SystemClock};
use sark_policy::decision::{Bounds, DecisionSet, Input, Line, Worker};
use sark_registry::Snapshot;
use serde::Serialize;

use super::sets::{self, Files, SetArgs};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::offline;
use crate::output::{Out, printable, style};
use crate::render;
use crate::table::{Cell, Table};

/// See [`super::Command::Eval`].
#[derive(Debug, clap::Args)]
pub struct EvalArgs {
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    input: InputArgs,
}

/// What is decided on.
#[derive(Debug, clap::Args)]
struct InputArgs {
    /// JSON of what to decide on, one or several one after another; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    input: PathBuf,
    /// What it is: llm, mcp, edr, tunnel or sensor; by default it is recognised
    #[arg(long, value_name = "LINE", value_parser = sets::line)]
    line: Option<Line>,
    /// Endpoints to add to those that ship; may be repeated
    #[arg(long, value_name = "FILE")]
    registry: Vec<PathBuf>,
    /// The time to decide at [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = offline::timestamp)]
    now: Option<Timestamp>,
}

/// See [`super::Command::Bench`].
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    input: InputArgs,
    /// Threads, each with a worker of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    threads: u8,
    /// How long
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=60))]
    seconds: u8,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    set: String,
    set_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    results: Vec<Decided>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Decided {
    line: Line,
    id: String,
    decision: Decision,
    /// All policies of the line, whether one of their rules matched or not.
    asked: Vec<String>,
}

struct Ready {
    files: Files,
    set: Arc<DecisionSet>,
    inputs: Vec<Input>,
    registry: Snapshot,
    now: Timestamp,
}

fn ready(set: &SetArgs, input: &InputArgs) -> Result<Ready, Failure> {
    let files = set.read()?;
    let set = files.load()?;
    Ok(Ready {
        files,
        set,
        inputs: sets::inputs(&input.input, input.line)?,
        registry: offline::registry(&input.registry)?,
        now: input.now.unwrap_or_else(|| SystemClock.now()),
    })
}

fn worker(set: &Arc<DecisionSet>) -> Result<Worker, Failure> {
    Worker::new(Arc::clone(set), &Bounds::default()).map_err(Failure::failed)
}

fn decided(ready: &Ready) -> Result<Report, Failure> {
    let mut worker = worker(&ready.set)?;
    let policies = ready.set.policies();
    let results = ready.inputs.iter().map(|input| {
        let line = input.line();
        let of_line = policies.iter().filter(|policy| policy.line == line);
        Decided {
            line,
            id: input.id().to_owned(),
            decision: worker.decide(input, &ready.registry, ready.now),
            asked: of_line.map(|policy| policy.id.clone()).collect(),
        }
    });
    Ok(Report {
        results: results.collect(),
        set: ready.set.settings().name.clone(),
        set_version: ready.set.version().as_str().to_owned(),
        revision: ready.files.revision.clone(),
    })
}

/// `policy eval`.
pub fn eval(arguments: &EvalArgs, context: &mut Context) -> Outcome {
    let report = decided(&ready(&arguments.set, &arguments.input)?)?;
    context.out.data(&report, |out| {
        list(out, report.results.iter().map(|one| (one.line, one.id.as_str(), &one.decision)))
    })?;
    Ok(Exit::Done)
}

/// Decisions, one a line.
pub(super) fn list<'a>(
    out: &mut Out,
    decisions: impl Iterator<Item = (Line, &'a str, &'a Decision)>,
) -> io::Result<()> {
    let mut table = Table::new(["LINE", "ID", "DECISION", "SEVERITY", "POLICY", "RULE", "REASON"]);
    for (line, id, decision) in decisions {
        table.row([
            line.as_str().into(),
            printable(id).into(),
            Cell::new(colour(decision.action), decision.action.as_str()),
            decision.severity.as_str().into(),
            decision.policy_id.as_str().into(),
            decision.rule_id.as_str().into(),
            printable(&decision.reason).into(),
        ]);
    }
    table.print(out)
}

/// `policy explain`.
pub fn explain(arguments: &EvalArgs, context: &mut Context) -> Outcome {
    let ready = ready(&arguments.set, &arguments.input)?;
    let report = decided(&ready)?;
    context.out.data(&report, |out| {
        for (place, one) in report.results.iter().enumerate() {
            if place > 0 {
                writeln!(out)?;
            }
            why(out, &ready, one)?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

pub(super) fn colour(action: Action) -> anstyle::Style {
    match action {
        Action::Allow | Action::Audit => style::ADD,
        Action::Alert | Action::Redact | Action::Hold => style::CHANGE,
        Action::Deny | Action::Block | Action::Isolate => style::REMOVE,
    }
}

fn why(out: &mut Out, ready: &Ready, one: &Decided) -> io::Result<()> {
    let decision = &one.decision;
    let action = out.paint(colour(decision.action), decision.action.as_str());
    writeln!(out, "{action}, {} severity: {}", decision.severity, printable(&decision.reason))?;
    let settings = ready.set.settings();
    let word = |action: Option<&sark_policy::decision::Fallback>| {
        action.map_or("deny", |action| Action::from(*action).as_str())
    };
    let (default, on_error) =
        (word(settings.defaults.get(&one.line)), word(settings.on_error.get(&one.line)));
    let version = render::short(ready.set.version().as_str());
    let says = format!(
        "{} {}, by set {} {version}: {default} if no rule matches, {on_error} if a rule fails",
        one.line,
        printable(&one.id),
        settings.name,
    );
    let says = out.paint(style::QUIET, &says);
    writeln!(out, "{says}")?;
    if decision.matched.is_empty() {
        writeln!(out, "\nno rule matched: the set's default holds")?;
    } else {
        writeln!(out)?;
        let mut table = Table::new(["ACTION", "SEVERITY", "POLICY", "RULE", "REASON"]);
        for rule in &decision.matched {
            table.row([
                Cell::new(colour(rule.action), rule.action.as_str()),
                rule.severity.as_str().into(),
                rule.policy_id.as_str().into(),
                rule.rule_id.as_str().into(),
                printable(&rule.reason).into(),
            ]);
        }
        table.print(out)?;
    }
    for obligation in &decision.obligations {
        writeln!(out, "must: {}", printable(&words(obligation)))?;
    }
    let silent = one.asked.iter().filter(|id| {
        decision.matched.iter().all(|rule| rule.policy_id != **id && rule.rule_id != **id)
    });
    let silent: Vec<&str> = silent.map(String::as_str).collect();
    if !silent.is_empty() {
        writeln!(out, "no rule matched in: {}", silent.join(", "))?;
    }
    Ok(())
}

fn words(obligation: &Obligation) -> String {
    match obligation {
        Obligation::Redact { findings } => format!("take out findings of {}", findings.join(", ")),
        Obligation::Redirect { to } => format!("send it to {to}"),
        Obligation::Notify { route } => format!("tell the route {route}"),
        Obligation::Approval { by, seconds } => format!("wait {seconds} s for approval by {by}"),
        Obligation::Keep { fields } => format!("keep {} in the record", fields.join(", ")),
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    threads: u8,
    decisions: usize,
    per_second: u64,
    p50_ns: u64,
    p99_ns: u64,
    longest_ns: u64,
}

/// `policy bench`.
pub fn bench(arguments: &BenchArgs, context: &mut Context) -> Outcome {
    let ready = ready(&arguments.set, &arguments.input)?;
    let time = Duration::from_secs(arguments.seconds.into());
    let measured = measure(&ready, arguments.threads, time)?;
    context.out.data(&measured, |out| {
        let Measured { threads, decisions, per_second, p50_ns, p99_ns, longest_ns } = measured;
        let micro = |ns: u64| format!("{}.{} µs", ns / 1_000, ns % 1_000 / 100);
        let (p50, p99, longest) = (micro(p50_ns), micro(p99_ns), micro(longest_ns));
        let threads = render::count(threads.into(), "thread");
        writeln!(out, "{per_second} decisions a second ({decisions} by {threads})")?;
        writeln!(out, "p50 {p50}, p99 {p99}, longest {longest}")
    })?;
    Ok(Exit::Done)
}

fn measure(ready: &Ready, threads: u8, time: Duration) -> Result<Measured, Failure> {
    // The inputs come again and again: what is remembered of them is not what policies take.
    let workers = (0..threads).map(|_| worker(&ready.set).map(Worker::forgetful));
    let workers = workers.collect::<Result<Vec<_>, _>>()?;
    let start = Barrier::new(workers.len() + 1);
    let (taken, took) = std::thread::scope(|scope| {
        let threads: Vec<_> = workers
            .into_iter()
            .map(|mut worker| {
                let start = &start;
                scope.spawn(move || {
                    // What is made at the first use is not what is measured.
                    for input in ready.inputs.iter().cycle().take(1_000) {
                        worker.decide(input, &ready.registry, ready.now);
                    }
                    start.wait();
                    let begun = Instant::now();
                    let mut taken = Vec::new();
                    for input in ready.inputs.iter().cycle() {
                        let asked = Instant::now();
                        worker.decide(input, &ready.registry, ready.now);
                        taken.push(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX));
                        if begun.elapsed() > time {
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
            threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect();
        (taken, begun.elapsed())
    });
    let mut taken = taken;
    taken.sort_unstable();
    let at = |percent: usize| taken.get((taken.len() * percent / 100).min(taken.len() - 1));
    let (Some(p50), Some(p99), Some(longest)) = (at(50), at(99), taken.last()) else {
        return Err(Failure::failed("nothing was decided"));
    };
    let per_second = taken.len() as u128 * 1_000_000_000 / took.as_nanos().max(1);
    Ok(Measured {
        threads,
        decisions: taken.len(),
        per_second: u64::try_from(per_second).unwrap_or(u64::MAX),
        p50_ns: *p50,
        p99_ns: *p99,
        longest_ns: *longest,
    })
}
