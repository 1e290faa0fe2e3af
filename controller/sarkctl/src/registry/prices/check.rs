//! `registry prices check`.

use std::io::Write as _;
use std::path::PathBuf;

use sark_prices::oddities;
use serde::Serialize;

use super::read;
use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{printable, style};
use crate::render;

/// See [`super::Command::Check`].
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// A price list; `-` is standard input
    file: PathBuf,
}

/// What is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    hash: String,
    models: usize,
    oddities: Vec<Odd>,
}

/// See [`sark_prices::Oddity`].
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Odd {
    code: &'static str,
    what: &'static str,
    count: u64,
    examples: Vec<String>,
}

/// `registry prices check`.
pub fn run(arguments: &CheckArgs, context: &mut Context) -> Outcome {
    let list = read(&arguments.file)?;
    let odd = oddities(&list).into_iter().map(|odd| Odd {
        code: odd.code,
        what: odd.what,
        count: odd.count,
        examples: odd.examples,
    });
    let report =
        Report { hash: list.hash().to_string(), models: list.len(), oddities: odd.collect() };
    context.out.data(&report, |out| {
        let hash = render::short(&report.hash);
        writeln!(out, "{} entries can be read ({hash})", report.models)?;
        for odd in &report.oddities {
            let colour = if odd.code == "unreadable" { style::ERROR } else { style::CHANGE };
            let code = out.paint(colour, odd.code);
            writeln!(out, "\n{code} ({})  {}", odd.count, odd.what)?;
            for example in &odd.examples {
                writeln!(out, "  {}", printable(example))?;
            }
            let shown = odd.examples.len() as u64;
            if shown > 0 && odd.count > shown {
                writeln!(out, "  and {} more", odd.count - shown)?;
            }
        }
        Ok(())
    })?;
    let is_readable = report.oddities.iter().all(|odd| odd.code != "unreadable");
    Ok(if is_readable { Exit::Done } else { Exit::Failed })
}
