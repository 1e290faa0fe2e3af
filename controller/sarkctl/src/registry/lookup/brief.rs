//! `registry lookup --brief`: one line per question, as they come.
//!
//! ```text
//! lines that can be read now → sarkd or a snapshot → a line each → stdout, again
//! ```
//!
//! No more is held than one read and its answers, and what is printed is out before more is read.

use std::io::{self, IsTerminal as _, Read, Write as _};

use sark_api::{BriefAnswer, lookup_brief, routes};
use sark_core::document::Diagnostic;
use sark_registry::{Kind, Role, Sharedness, Snapshot};

use super::lines::{Line, Lines};
use crate::cli::Context;
use crate::client::Client;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Out, complain_about, printable, style, talk};
use crate::progress::Count;
use crate::render;

/// Who answers.
enum Registry {
    Files(Box<Snapshot>),
    Daemon { client: Client, version: Option<String> },
}

/// Where a question is from.
#[derive(Clone, Copy)]
enum Place {
    Argument,
    Stdin,
}

/// What has been done.
struct Bulk<'a> {
    out: &'a mut Out,
    registry: Registry,
    count: Count,
    understood: bool,
}

/// Answers the arguments, `-` and no argument being standard input.
pub fn run(arguments: &[String], snapshot: Option<Snapshot>, context: &mut Context) -> Outcome {
    let registry = match snapshot {
        Some(snapshot) => Registry::Files(Box::new(snapshot)),
        None => Registry::Daemon { client: context.client()?, version: None },
    };
    // Lines that go to the terminal are progress enough.
    let count = Count::new("questions answered", !io::stdout().is_terminal());
    let mut bulk = Bulk { out: &mut context.out, registry, count, understood: true };
    if arguments.is_empty() {
        bulk.stream(io::stdin().lock())?;
    }
    for (number, argument) in (1..).zip(arguments) {
        if argument == "-" {
            bulk.stream(io::stdin().lock())?;
        } else {
            bulk.answer(Place::Argument, &[Line::of(number, argument)])?;
        }
    }
    Ok(if bulk.understood { Exit::Done } else { Exit::Usage })
}

impl Bulk<'_> {
    fn stream(&mut self, reader: impl Read) -> Result<(), Failure> {
        let mut lines = Lines::new(reader);
        while !self.out.is_closed() {
            let some = lines
                .ready()
                .map_err(|error| Failure::failed(format!("cannot read standard input: {error}")))?;
            let Some(some) = some else { break };
            self.answer(Place::Stdin, &some)?;
        }
        Ok(())
    }

    /// A line for each line, in their order.
    fn answer(&mut self, place: Place, lines: &[Line]) -> Result<(), Failure> {
        let said = self.registry.ask(lines, &self.count)?;
        let mut said = said.split(|octet| *octet == b'\n');
        for line in lines {
            let answer = match &line.text {
                Ok(question) => self.registry.answer(question, &mut said)?,
                Err((shown, problem)) => BriefAnswer {
                    problem: Some((*problem).to_owned()),
                    ..BriefAnswer::unknown(shown)
                },
            };
            if let Some(problem) = &answer.problem {
                self.understood = false;
                self.count.aside(|| complain_about(&place.diagnostic(line.number, problem)));
            }
            print(self.out, &answer)?;
        }
        self.count.add(lines.len() as u64);
        self.out.flush()?;
        Ok(())
    }
}

impl Registry {
    /// What `sarkd` says to these, a line each; nothing if it need not be asked.
    fn ask(&mut self, lines: &[Line], count: &Count) -> Result<Vec<u8>, Failure> {
        let Self::Daemon { client, version } = self else { return Ok(Vec::new()) };
        let mut body = String::new();
        for question in lines.iter().filter_map(|line| line.text.as_ref().ok()) {
            body.push_str(question);
            body.push('\n');
        }
        if body.is_empty() {
            return Ok(Vec::new());
        }
        let (of, said) = client.post_lines(routes::LOOKUP_LINES, body)?;
        if let Some(before) = version.replace(of.clone()).filter(|before| *before != of) {
            let (before, now) = (render::short(&before), render::short(&of));
            count.aside(|| talk(format_args!("the registry changed: {before}, from here {now}")));
        }
        Ok(said)
    }

    fn answer<'a>(
        &'a self,
        question: &'a str,
        said: &mut impl Iterator<Item = &'a [u8]>,
    ) -> Result<BriefAnswer<'a>, Failure> {
        let client = match self {
            Self::Files(snapshot) => return Ok(lookup_brief(snapshot, question)),
            Self::Daemon { client, .. } => client,
        };
        let foreign = |what: String| client.foreign(routes::LOOKUP_LINES, what);
        let answer: BriefAnswer<'_> = serde_json::from_slice(said.next().unwrap_or_default())
            .map_err(|error| foreign(format!("to {question:?}: {error}")))?;
        if answer.query == question {
            Ok(answer)
        } else {
            Err(foreign(format!("to {question:?} it answers {:?}", answer.query)).into())
        }
    }
}

impl Place {
    fn diagnostic(self, number: u64, problem: &str) -> Diagnostic {
        match self {
            Self::Argument => Diagnostic::of_file(&format!("argument {number}"), problem),
            Self::Stdin => {
                let line = u32::try_from(number).unwrap_or(u32::MAX);
                Diagnostic::at("<stdin>", "", line, 1, problem)
            }
        }
    }
}

fn print(out: &mut Out, answer: &BriefAnswer<'_>) -> Result<(), Failure> {
    match out.format {
        Format::Table => row(out, answer)?,
        Format::Json => {
            serde_json::to_writer(&mut *out, answer).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        // Items of one list.
        Format::Yaml => {
            let text = serde_saphyr::to_string(&[answer]).map_err(Failure::failed)?;
            writeln!(out, "{}", text.trim_end())?;
        }
    }
    Ok(())
}

/// Columns are as wide as most need: what comes later cannot be waited for.
fn row(out: &mut Out, answer: &BriefAnswer<'_>) -> io::Result<()> {
    let query = out.paint(style::HEAD, &format!("{:<24}", printable(&answer.query)));
    let (Some(endpoint), Some(matched)) = (&answer.endpoint, &answer.matched) else {
        let (style, word) = match answer.problem {
            Some(_) => (style::ERROR, "not understood"),
            None => (style::CHANGE, "unknown"),
        };
        return writeln!(out, "{query}  {}", out.paint(style, word));
    };
    let kind = answer.kind.map_or("", Kind::as_str);
    let role = answer.role.map_or("", Role::as_str);
    let shared = answer.sharedness.map_or("", Sharedness::as_str);
    let sure = answer.confidence.unwrap_or(0);
    let (endpoint, matched) = (printable(endpoint), printable(matched));
    writeln!(
        out,
        "{query}  {endpoint:<24}  {matched:<20}  {kind:<9}  {role:<7}  {shared:<9}  {sure:>3} %"
    )
}
