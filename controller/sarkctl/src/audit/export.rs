//! `audit export`: JSON lines.

use std::io::Write as _;

use sark_api::{NumberedRecord, TrailResponse, routes};
use sark_audit::ocsf;
use sark_core::audit::Page;

use super::filter::FilterArgs;
use super::source::{Source, SourceArgs};
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};

const PAGE: u32 = 1000;

/// See [`super::Command::Export`].
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// As what
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::Ocsf)]
    form: Form,
    /// Only those after this number, to go on where an export ended
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: u64,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    source: SourceArgs,
}

/// See [`ExportArgs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// Events of OCSF 1.8.0
    Ocsf,
    /// Records as they are, with their numbers
    Json,
}

/// `audit export`.
pub fn run(arguments: &ExportArgs, context: &mut Context) -> Outcome {
    let source = arguments.source.open(context)?;
    let search = arguments.filter.search();
    let origin = match &source {
        Source::Sarkd(client) => client.get::<TrailResponse>(routes::TRAIL, &[])?.origin,
        Source::Database { .. } => {
            let keys = source.keys(&[])?;
            keys.first().map_or_else(|| "sark/audit".to_owned(), |key| key.name().to_owned())
        }
    };
    let told = ocsf::Source { origin: &origin, version: env!("CARGO_PKG_VERSION") };
    let mut after = arguments.after;
    loop {
        let page = source.search(&search, Page::On { after, limit: PAGE })?;
        let Some((last, _)) = page.last() else { return Ok(Exit::Done) };
        after = *last;
        for (sequence, record) in page {
            let text = match arguments.form {
                Form::Ocsf => ocsf::event(told, sequence, &record).to_string(),
                Form::Json => serde_json::to_string(&NumberedRecord { sequence, record })
                    .map_err(Failure::failed)?,
            };
            writeln!(context.out, "{text}")?;
        }
        if context.out.is_closed() {
            return Ok(Exit::Done);
        }
    }
}
