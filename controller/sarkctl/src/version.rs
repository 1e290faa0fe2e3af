//! `sarkctl version`.

use std::io::Write as _;

use sark_api::{StatusResponse, routes};
use serde::Serialize;

use crate::cli::Context;
use crate::exit::{Exit, Outcome};

#[derive(Debug, Serialize)]
struct Versions {
    sarkctl: &'static str,
    sarkd: Option<String>,
}

/// A daemon that does not answer is no error here.
pub fn run(context: &mut Context) -> Outcome {
    let status = context.client()?.get::<StatusResponse>(routes::STATUS, &[]);
    let versions = Versions {
        sarkctl: env!("CARGO_PKG_VERSION"),
        sarkd: status.ok().map(|status| status.version),
    };
    context.out.data(&versions, |out| {
        writeln!(out, "sarkctl {}", versions.sarkctl)?;
        match &versions.sarkd {
            Some(sarkd) => writeln!(out, "sarkd   {sarkd}"),
            None => writeln!(out, "sarkd   does not answer"),
        }
    })?;
    Ok(Exit::Done)
}
