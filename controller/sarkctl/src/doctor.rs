//! `sarkctl doctor`: what is wrong, and what to do.

mod checks;
mod registry;

use std::io::{self, Write as _};

use jiff::Timestamp;
use sark_api::{EndpointsResponse, StatusResponse, routes};
use sark_core::{Clock as _, SystemClock};
use serde::Serialize;

use crate::cli::Context;
use crate::client::{Client, ClientError};
use crate::exit::{Exit, Outcome};
use crate::output::{Out, style};
use crate::table::fold;

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Ok,
    /// Works, and needs a look.
    Warn,
    /// Does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// How it is.
    pub health: Health,
    /// In a sentence.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    healthy: bool,
    checks: Vec<Check>,
}

impl Check {
    /// As it should be.
    pub fn ok(name: &str, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), health: Health::Ok, message: message.into(), help: None }
    }

    /// Needs a look.
    pub fn warn(name: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { health: Health::Warn, help: Some(help.into()), ..Self::ok(name, message) }
    }

    /// Does not work.
    pub fn fail(name: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { health: Health::Fail, ..Self::warn(name, message, help) }
    }
}

/// `doctor`.
pub fn run(context: &mut Context) -> Outcome {
    let client = context.client()?;
    let status = client.get::<StatusResponse>(routes::STATUS, &[]);
    let checks = match &status {
        Ok(status) => {
            let mut checks =
                vec![Check::ok("socket", format!("sarkd answers at {}", client.place()))];
            let now = SystemClock.now();
            checks.extend(checks::all(status, newest(&client), now));
            checks.extend(kept(&client, now, context.verbose));
            checks
        }
        Err(error) => vec![unanswered(error)],
    };
    let healthy = checks.iter().all(|check| check.health != Health::Fail);
    let report = Report { healthy, checks };
    context.out.data(&report, |out| print(out, &report))?;
    Ok(if healthy { Exit::Done } else { Exit::Failed })
}

/// How the registry is kept: versions, feeds, names.
fn kept(client: &Client, now: Timestamp, verbose: bool) -> Vec<Check> {
    let mut checks = match client.get(routes::VERSIONS, &[("limit", "1000")]) {
        Ok(versions) => vec![registry::version(&versions, now)],
        Err(error) => vec![Check::warn("version", error.to_string(), error.next())],
    };
    match client.get(routes::FEEDS, &[]) {
        Ok(feeds) => checks.extend(registry::feeds(&feeds, now, verbose)),
        Err(error) => checks.push(Check::warn("feeds", error.to_string(), error.next())),
    }
    match client.get(routes::NAMES, &[]) {
        Ok(names) => checks.extend(registry::names(&names, now)),
        Err(error) => checks.push(Check::warn("names", error.to_string(), error.next())),
    }
    match client.get(routes::SINKS, &[]) {
        Ok(sinks) => checks.extend(crate::alerts::check(&sinks, now)),
        Err(error) => checks.push(Check::warn("alerts", error.to_string(), error.next())),
    }
    checks
}

/// When the newest fact of the registry was last seen.
fn newest(client: &Client) -> Option<Timestamp> {
    let endpoints: EndpointsResponse = client.get(routes::ENDPOINTS, &[]).ok()?;
    let sources = endpoints.endpoints.iter().flat_map(|endpoint| &endpoint.sources);
    sources.map(|source| source.last_seen).max()
}

fn unanswered(error: &ClientError) -> Check {
    Check::fail("socket", error.to_string(), error.next())
}

fn print(out: &mut Out, report: &Report) -> io::Result<()> {
    let number = |health| report.checks.iter().filter(|check| check.health == health).count();
    let counts = [(Health::Ok, "ok"), (Health::Warn, "to look at"), (Health::Fail, "failed")]
        .map(|(health, word)| format!("{} {word}", number(health)));
    writeln!(out, "{}\n", counts.join(", "))?;
    let wide = report.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    for check in &report.checks {
        let (colour, word) = match check.health {
            Health::Ok => (style::ADD, "ok  "),
            Health::Warn => (style::CHANGE, "warn"),
            Health::Fail => (style::ERROR, "fail"),
        };
        let word = out.paint(colour, word);
        let indent = wide + 8;
        let room = out.width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(20));
        let mut first = true;
        for line in fold(&check.message, room) {
            if std::mem::take(&mut first) {
                writeln!(out, "{word}  {:<wide$}  {line}", check.name)?;
            } else {
                writeln!(out, "{:indent$}{line}", "")?;
            }
        }
        for line in check.help.iter().flat_map(|help| fold(help, room.saturating_sub(2))) {
            let line = out.paint(style::HELP, &line);
            writeln!(out, "{:indent$}  {line}", "")?;
        }
    }
    Ok(())
}
