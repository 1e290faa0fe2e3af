//! `policy test` and `policy coverage`.

use std::io::{self, Write as _};
use std::time::Duration;

use sark_policy::decision::{Limits, TestOutcome, TestReport, TestResult, run_tests};
use serde::Serialize;

use super::sets::{Files, SetArgs};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Out, printable, style, talk};
use crate::table::{Cell, Table};

/// Of one test.
const TIME: Duration = Duration::from_secs(10);

/// See [`super::Command::Test`].
#[derive(Debug, clap::Args)]
pub struct TestArgs {
    #[command(flatten)]
    set: SetArgs,
    /// Run only tests whose name has this in it
    #[arg(long, value_name = "TEXT")]
    run: Option<String>,
}

/// See [`super::Command::Coverage`].
#[derive(Debug, clap::Args)]
pub struct CoverageArgs {
    #[command(flatten)]
    set: SetArgs,
    /// Fail if the tests reach a smaller share of the lines
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    at_least: Option<u8>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tested<'a> {
    passed: usize,
    failed: usize,
    tests: Vec<&'a TestResult>,
}

/// `policy test`.
pub fn run(arguments: &TestArgs, context: &mut Context) -> Outcome {
    let files = arguments.set.read()?;
    let report = report(&files)?;
    let wanted = arguments.run.as_deref().unwrap_or_default();
    let tests: Vec<&TestResult> =
        report.tests.iter().filter(|test| full_name(test).contains(wanted)).collect();
    if tests.is_empty() {
        return Err(match &arguments.run {
            Some(text) if !report.tests.is_empty() => {
                Failure::failed(format!("no test has {text:?} in its name"))
                    .next("without --run all run; -v shows their names")
            }
            _ => Failure::failed("no test was found")
                .next("a test is a rule that begins with `test_`, in a file like policy_test.rego"),
        });
    }
    let passed = tests.iter().filter(|test| test.outcome == TestOutcome::Passed).count();
    let tested = Tested { passed, failed: tests.len() - passed, tests };
    let verbose = context.verbose;
    context.out.data(&tested, |out| results(out, &files, &tested, verbose))?;
    Ok(if tested.failed == 0 { Exit::Done } else { Exit::Failed })
}

/// `policy coverage`.
pub fn coverage(arguments: &CoverageArgs, context: &mut Context) -> Outcome {
    #[derive(Serialize)]
    struct Covered<'a> {
        percent: f64,
        files: &'a [sark_policy::decision::CoveredFile],
    }
    let files = arguments.set.read()?;
    let report = report(&files)?;
    let failed = report.tests.iter().filter(|test| test.outcome != TestOutcome::Passed).count();
    let covered = Covered { percent: report.percent(), files: &report.coverage };
    context.out.data(&covered, |out| lines(out, &files, &report))?;
    if failed > 0 {
        talk(format_args!("{failed} of {} tests failed: see `policy test`", report.tests.len()));
        return Ok(Exit::Failed);
    }
    let wanted = f64::from(arguments.at_least.unwrap_or(0));
    if covered.percent < wanted {
        talk(format_args!("{:.1} % is less than {wanted} %", covered.percent));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

fn report(files: &Files) -> Result<TestReport, Failure> {
    let report = run_tests(&files.files, &Limits::default(), TIME);
    Ok(report.map_err(|mistakes| files.mistakes(mistakes))?)
}

fn full_name(test: &TestResult) -> String {
    format!("data.{}.{}", test.package, test.name)
}

fn results(out: &mut Out, files: &Files, tested: &Tested<'_>, verbose: bool) -> io::Result<()> {
    for test in &tested.tests {
        let (word, style) = match &test.outcome {
            TestOutcome::Passed if verbose => ("PASS", style::ADD),
            TestOutcome::Passed => continue,
            TestOutcome::Failed => ("FAIL", style::REMOVE),
            TestOutcome::Error(_) => ("ERROR", style::REMOVE),
        };
        let word = out.paint(style, word);
        let place =
            out.paint(style::QUIET, &format!("{}:{}", files.name_of(&test.file), test.line));
        writeln!(out, "{word}  {}  {place}", full_name(test))?;
        if let TestOutcome::Error(why) = &test.outcome {
            writeln!(out, "       {}", printable(why))?;
        }
    }
    let all = tested.tests.len();
    writeln!(out, "{} of {all} tests passed", tested.passed)
}

fn lines(out: &mut Out, files: &Files, report: &TestReport) -> io::Result<()> {
    let mut table = Table::new(["COVERED", "LINES", "FILE", "NOT COVERED"]);
    for file in &report.coverage {
        let all = file.covered.len() + file.not_covered.len();
        let style = if file.not_covered.is_empty() { style::ADD } else { style::CHANGE };
        let percent = file.covered.len() as f64 * 100.0 / all.max(1) as f64;
        let percent = if all == 0 { 100.0 } else { percent };
        table.row([
            Cell::new(style, format!("{percent:.1} %")),
            all.to_string().into(),
            files.name_of(&file.file).into(),
            ranges(&file.not_covered).into(),
        ]);
    }
    table.print(out)?;
    writeln!(out, "\n{:.1} % of the lines", report.percent())
}

/// `4, 7-9` of 4, 7, 8, 9.
fn ranges(lines: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for line in lines {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == *line => *end = *line,
            _ => runs.push((*line, *line)),
        }
    }
    let runs = runs.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    runs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_that_follow_one_another_are_one_range() {
        assert_eq!(super::ranges(&[4, 7, 8, 9, 12]), "4, 7-9, 12");
        assert_eq!(super::ranges(&[]), "");
    }
}
