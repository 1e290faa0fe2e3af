//! `registry prices versions`.

use std::io::Write as _;

use sark_api::{PriceVersionsResponse, routes};

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::style;
use crate::render;
use crate::table::{Cell, Table};

/// See [`super::Command::Versions`].
#[derive(Debug, clap::Args)]
pub struct VersionsArgs {
    /// List at most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// `registry prices versions`.
pub fn run(arguments: &VersionsArgs, context: &mut Context) -> Outcome {
    let limit = arguments.limit.to_string();
    let list: PriceVersionsResponse =
        context.client()?.get(routes::PRICE_VERSIONS, &[("limit", &limit)])?;
    context.out.data(&list, |out| {
        match list.in_use {
            Some(number) => writeln!(out, "calls are priced by list {number}")?,
            None => writeln!(out, "no price list is in use: everything is unpriced")?,
        }
        if list.versions.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        let mut table = Table::new(["LIST", "AT", "WHY", "BY", "HASH"]);
        for version in &list.versions {
            table.row([
                Cell::new(style::HEAD, version.number.to_string()),
                render::time(version.at).into(),
                version.cause.as_str().into(),
                version.actor.as_str().into(),
                render::short(&version.hash).into(),
            ]);
        }
        table.print(out)
    })?;
    Ok(Exit::Done)
}
