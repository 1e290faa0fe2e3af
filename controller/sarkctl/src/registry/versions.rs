//! `registry versions`: every version of the registry is kept, with its cause.

use std::io::{self, Write as _};

use sark_api::{VersionsResponse, routes};

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, style};
use crate::render;
use crate::table::{Cell, Table};

/// See [`super::Command::Versions`].
#[derive(Debug, clap::Args)]
pub struct VersionsArgs {
    /// List at most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// `registry versions`.
pub fn list(arguments: &VersionsArgs, context: &mut Context) -> Outcome {
    let limit = arguments.limit.to_string();
    let list: VersionsResponse = context.client()?.get(routes::VERSIONS, &[("limit", &limit)])?;
    context.out.data(&list, |out| many(out, &list))?;
    Ok(Exit::Done)
}

fn many(out: &mut Out, list: &VersionsResponse) -> io::Result<()> {
    match list.in_use {
        Some(number) => writeln!(out, "rules are made from version {number}")?,
        None => writeln!(out, "no version is in use yet")?,
    }
    if let Some(number) = list.pinned {
        let word = out.paint(style::CHANGE, "pinned");
        writeln!(out, "version {number} is {word}: later ones are recorded and not used")?;
    }
    if list.versions.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = Table::new(["VERSION", "AT", "WHY", "BY", "ENDPOINTS", "HASH"]);
    for version in &list.versions {
        table.row([
            Cell::new(style::HEAD, version.number.to_string()),
            render::time(version.at).into(),
            version.cause.as_str().into(),
            version.actor.as_str().into(),
            version.endpoints.to_string().into(),
            render::short(&version.version).into(),
        ]);
    }
    table.print(out)
}
