//! `_test.rego` files, as OPA runs them: rules that begin with `test_` hold, or the test failed.

use std::time::Duration;

use regorus::Value;
use sark_core::document::Diagnostic;
use serde::Serialize;

use super::files::{Limits, SetFile, sort};
use super::rego;

/// What became of all tests of a set.
#[derive(Debug, Clone, Serialize)]
pub struct TestReport {
    /// In order of files and rules.
    pub tests: Vec<TestResult>,
    /// Policies' files: which lines the tests reached.
    pub coverage: Vec<CoveredFile>,
}

impl TestReport {
    /// Lines reached, of a hundred.
    #[must_use]
    pub fn percent(&self) -> f64 {
        let covered: usize = self.coverage.iter().map(|file| file.covered.len()).sum();
        let all: usize =
            self.coverage.iter().map(|file| file.not_covered.len()).sum::<usize>() + covered;
        let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        if all == 0 { 100.0 } else { 100.0 * count(covered) / count(all) }
    }
}

/// One test.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TestResult {
    pub package: String,
    pub name: String,
    pub file: String,
    pub line: u32,
    pub outcome: TestOutcome,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TestOutcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It could not be asked.
    Error(String),
}

/// Lines of a file.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoveredFile {
    /// Its path.
    pub file: String,
    /// Lines that were evaluated.
    pub covered: Vec<u32>,
    /// Lines that were not.
    pub not_covered: Vec<u32>,
}

/// Runs the tests of a set; each has `time`.
pub fn run_tests(
    files: &[SetFile],
    limits: &Limits,
    time: Duration,
) -> Result<TestReport, Vec<Diagnostic>> {
    let sorted = sort(files, limits)?;
    rego::deep(|| {
        let outlines = sorted.modules.iter().map(|module| rego::read(*module));
        let outlines = outlines.collect::<Result<Vec<_>, _>>().map_err(|mistake| vec![mistake])?;
        if let Some(cycle) = super::lint::recursion(&outlines) {
            return Err(vec![cycle]);
        }
        let mut engine =
            rego::engine(&sorted.modules, &sorted.data).map_err(|mistake| vec![mistake])?;
        engine.set_enable_coverage(true);
        engine.set_execution_timer_config(rego::timer(time));
        let mut tests: Vec<TestResult> = Vec::new();
        for outline in &outlines {
            let package = outline.package.join(".");
            for rule in outline.rules.iter().filter(|rule| rule.name.starts_with("test_")) {
                let is_known =
                    |known: &TestResult| known.package == package && known.name == rule.name;
                if tests.iter().any(is_known) {
                    continue;
                }
                let outcome = match engine.eval_rule(format!("data.{package}.{}", rule.name)) {
                    Ok(Value::Bool(true)) => TestOutcome::Passed,
                    Ok(_) => TestOutcome::Failed,
                    Err(error) => TestOutcome::Error(error.to_string()),
                };
                tests.push(TestResult {
                    package: package.clone(),
                    name: rule.name.clone(),
                    file: outline.file.clone(),
                    line: rule.line,
                    outcome,
                });
            }
        }
        let report = engine.get_coverage_report();
        let report = report.map_err(|e| vec![Diagnostic::of_file("the set", e.to_string())])?;
        let files = report.files.into_iter().filter(|file| !file.path.ends_with("_test.rego"));
        let mut coverage: Vec<CoveredFile> = files
            .map(|file| CoveredFile {
                file: file.path,
                covered: file.covered.into_iter().collect(),
                not_covered: file.not_covered.into_iter().collect(),
            })
            .collect();
        coverage.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(TestReport { tests, coverage })
    })
    .unwrap_or_else(|| Err(vec![Diagnostic::of_file("the set", "the policy engine gave up on it")]))
}
