//! `alerts show`, `alerts dead`.

use std::io::{self, Write as _};

use sark_api::{DeliveriesResponse, routes};
use sark_core::storage::alerts::{Delivery, DeliveryState};

use super::time;
use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Out, printable, style, talk};
use crate::render;
use crate::table::{Cell, Table};

/// See [`super::Command::Show`].
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Show this one
    #[arg(value_name = "DELIVERY", conflicts_with_all = ["sink", "alert", "limit"])]
    delivery: Option<u64>,
    /// Only to this sink
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// Only of this alert
    #[arg(long, value_name = "KEY")]
    alert: Option<String>,
    /// List at most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// See [`super::Command::Dead`].
#[derive(Debug, clap::Args)]
pub struct DeadArgs {
    /// Only to this sink
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// List at most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// `alerts show`.
pub fn show(arguments: &ShowArgs, context: &mut Context) -> Outcome {
    let client = context.client()?;
    if let Some(number) = arguments.delivery {
        let path = routes::DELIVERY.replace("{number}", &number.to_string());
        let delivery: Delivery = client.get(&path, &[])?;
        context.out.data(&delivery, |out| one(out, &delivery))?;
        return Ok(Exit::Done);
    }
    let ShowArgs { sink, alert, limit, .. } = arguments;
    let filter = [("sink", sink.as_deref()), ("key", alert.as_deref())];
    list(context, &filter, *limit, "no deliveries")?;
    Ok(Exit::Done)
}

/// `alerts dead`.
pub fn dead(arguments: &DeadArgs, context: &mut Context) -> Outcome {
    let filter = [("sink", arguments.sink.as_deref()), ("state", Some("dead"))];
    let any = list(context, &filter, arguments.limit, "nothing was given up")?;
    if any && context.out.format == Format::Table {
        talk("mend what they said, see it work by sarkctl alerts test, then sarkctl alerts replay");
    }
    Ok(Exit::Done)
}

/// Whether there are any.
fn list(
    context: &mut Context,
    filter: &[(&str, Option<&str>)],
    limit: u32,
    none: &str,
) -> Result<bool, Failure> {
    let limit = limit.to_string();
    let filter = filter.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
    let query: Vec<_> = filter.chain([("limit", limit.as_str())]).collect();
    let response: DeliveriesResponse = context.client()?.get(routes::DELIVERIES, &query)?;
    context.out.data(&response, |out| table(out, &response, none))?;
    Ok(!response.deliveries.is_empty())
}

fn table(out: &mut Out, response: &DeliveriesResponse, none: &str) -> io::Result<()> {
    if response.deliveries.is_empty() {
        return writeln!(out, "{none}");
    }
    let mut table = Table::new(["DELIVERY", "SINK", "STATE", "ATTEMPTS", "MADE", "ALERT", "SAID"]);
    for delivery in &response.deliveries {
        table.row([
            Cell::new(style::HEAD, delivery.number.to_string()),
            delivery.sink.as_str().into(),
            Cell::new(colour(delivery.state), delivery.state.as_str()),
            delivery.attempts.to_string().into(),
            render::time(delivery.made_at).into(),
            delivery.key.as_str().into(),
            delivery.note.as_deref().unwrap_or("-").into(),
        ]);
    }
    table.print(out)
}

fn one(out: &mut Out, delivery: &Delivery) -> io::Result<()> {
    let state = out.paint(colour(delivery.state), delivery.state.as_str());
    writeln!(out, "delivery {} to {}  {state}", delivery.number, printable(&delivery.sink))?;
    let attempts = render::count(delivery.attempts.into(), "attempt");
    writeln!(out, "alert        {}", printable(&delivery.key))?;
    writeln!(out, "record       {} of the audit trail", delivery.sequence)?;
    writeln!(out, "made         {}, {attempts}", render::time(delivery.made_at))?;
    match delivery.state {
        DeliveryState::Pending => writeln!(out, "due          {}", render::time(delivery.due_at))?,
        DeliveryState::Delivered => writeln!(out, "delivered    {}", time(delivery.ended_at))?,
        DeliveryState::Dead => writeln!(
            out,
            "given up     {}; again: sarkctl alerts replay {}",
            time(delivery.ended_at),
            delivery.number
        )?,
    }
    if let Some(note) = &delivery.note {
        writeln!(out, "said         {}", printable(note))?;
    }
    writeln!(out, "id           {}", printable(&delivery.id))?;
    let message = serde_json::to_string_pretty(&delivery.message).unwrap_or_default();
    writeln!(out)?;
    message.lines().try_for_each(|line| writeln!(out, "{}", printable(line)))
}

fn colour(state: DeliveryState) -> anstyle::Style {
    match state {
        DeliveryState::Pending => style::CHANGE,
        DeliveryState::Delivered => style::ADD,
        DeliveryState::Dead => style::ERROR,
    }
}
