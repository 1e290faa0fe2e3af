//! `registry pin`, `unpin` and `rollback`: which version rules are made from.

use std::io::Write as _;

use sark_api::{PinRequest, PinResponse, PinTarget, VersionsResponse, routes};

use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::flowspec::apply::confirm;
use crate::output::{printable, style};
use crate::render;

/// See [`super::Command::Rollback`].
#[derive(Debug, clap::Args)]
pub struct RollbackArgs {
    /// The version to go back to; without it, the one before the one in use
    version: Option<u64>,
    /// Do not ask (it asks only on a terminal)
    #[arg(short, long)]
    yes: bool,
}

/// See [`super::Command::Pin`].
#[derive(Debug, clap::Args)]
pub struct PinArgs {
    /// Its number
    version: u64,
}

/// `registry rollback`. What was shown is what is pinned.
pub fn rollback(arguments: &RollbackArgs, context: &mut Context) -> Outcome {
    let list: VersionsResponse = context.client()?.get(routes::VERSIONS, &[("limit", "1000")])?;
    let in_use = list.in_use.unwrap_or_default();
    let wanted = arguments.version;
    let found = list.versions.iter().find(|version| match wanted {
        Some(number) => version.number == number,
        None => version.number < in_use,
    });
    let Some(version) = found else {
        let message = match wanted {
            Some(number) => format!("there is no version {number} among the newest 1000"),
            None => format!("there is no version before {in_use}"),
        };
        return Err(Failure::usage(message).next("sarkctl registry versions shows them"));
    };
    if !arguments.yes {
        let (number, at) = (version.number, render::time(version.at));
        let cause = printable(&version.cause);
        confirm(&format!("Go back from version {in_use} to {number} ({at}, {cause})?"))?;
    }
    send(PinTarget::Version(version.number), context)
}

/// `registry pin`.
pub fn pin(arguments: &PinArgs, context: &mut Context) -> Outcome {
    send(PinTarget::Version(arguments.version), context)
}

/// `registry unpin`.
pub fn unpin(context: &mut Context) -> Outcome {
    send(PinTarget::Newest, context)
}

fn send(to: PinTarget, context: &mut Context) -> Outcome {
    let answer: PinResponse = context.client()?.post(routes::PIN, &PinRequest { to })?;
    context.out.data(&answer, |out| {
        let number = out.paint(style::HEAD, &answer.in_use.number.to_string());
        let cause = printable(&answer.in_use.cause);
        writeln!(out, "rules are made from version {number} ({cause})")?;
        match answer.pinned {
            Some(_) => writeln!(
                out,
                "it is pinned: later versions are recorded, and not used until `sarkctl registry unpin`"
            ),
            None => writeln!(out, "nothing is pinned: newer versions are used as they come"),
        }
    })?;
    Ok(Exit::Done)
}
