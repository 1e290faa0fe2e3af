//! `alerts list`.

use std::io::{self, Write as _};

use sark_api::{AlertsResponse, routes};
use sark_core::decision::Severity;

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Out, style};
use crate::render;
use crate::table::{Cell, Table};

/// See [`super::Command::List`].
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// List at most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// `alerts list`.
pub fn run(arguments: &ListArgs, context: &mut Context) -> Outcome {
    let limit = arguments.limit.to_string();
    let response: AlertsResponse = context.client()?.get(routes::ALERTS, &[("limit", &limit)])?;
    context.out.data(&response, |out| table(out, &response))?;
    Ok(Exit::Done)
}

fn table(out: &mut Out, response: &AlertsResponse) -> io::Result<()> {
    if response.alerts.is_empty() {
        return writeln!(out, "no open alerts");
    }
    let mut table = Table::new(["SEVERITY", "ALERT", "SINCE", "LAST", "COUNT", "TOLD", "TITLE"]);
    for alert in &response.alerts {
        table.row([
            Cell::new(colour(alert.severity), alert.severity.as_str()),
            Cell::new(style::HEAD, alert.key.as_str()),
            render::time(alert.opened_at).into(),
            render::time(alert.last_at).into(),
            alert.count.to_string().into(),
            match alert.sinks.as_slice() {
                [] => "nobody".to_owned(),
                sinks => sinks.join(", "),
            }
            .into(),
            alert.title.as_str().into(),
        ]);
    }
    table.print(out)
}

fn colour(severity: Severity) -> anstyle::Style {
    match severity {
        Severity::Critical | Severity::High => style::ERROR,
        Severity::Medium => style::CHANGE,
        Severity::Low | Severity::Info => style::QUIET,
    }
}
