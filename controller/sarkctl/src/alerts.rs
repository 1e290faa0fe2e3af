//! `alerts`: what people and their tools were told, and whether it reached them.

mod deliveries;
mod list;
mod sinks;

use sark_api::{ReplayRequest, ReplayResponse, routes};

use crate::cli::Context;
use crate::exit::{Exit, Outcome};
use crate::output::talk;
use crate::render;

pub(crate) use sinks::check;

/// What people and their tools were told, and whether it reached them.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List open alerts, the newest first
    List(list::ListArgs),
    /// List deliveries, or show one with its message and what its receiver said
    Show(deliveries::ShowArgs),
    /// List sinks: what waits for each, what was given up, what each said last
    Sinks,
    /// Send one message to a sink now, and say what it answers
    ///
    /// Past routes, quiet hours and grouping. Exits with 1 if the sink did not take it.
    Test(sinks::TestArgs),
    /// List deliveries that were given up
    Dead(deliveries::DeadArgs),
    /// Deliver again what was given up
    ///
    /// With the same idempotency key: what a receiver has already, it can tell.
    Replay(ReplayArgs),
}

/// See [`Command::Replay`].
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct ReplayArgs {
    /// The delivery of this number
    #[arg(value_name = "DELIVERY")]
    delivery: Option<u64>,
    /// All that were given up of this sink
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// All that were given up
    #[arg(long)]
    all: bool,
}

/// Runs it.
pub fn run(command: &Command, context: &mut Context) -> Outcome {
    match command {
        Command::List(arguments) => list::run(arguments, context),
        Command::Show(arguments) => deliveries::show(arguments, context),
        Command::Sinks => sinks::run(context),
        Command::Test(arguments) => sinks::test(arguments, context),
        Command::Dead(arguments) => deliveries::dead(arguments, context),
        Command::Replay(arguments) => replay(arguments, context),
    }
}

fn replay(arguments: &ReplayArgs, context: &mut Context) -> Outcome {
    let ReplayArgs { delivery, sink, all } = arguments;
    let request = ReplayRequest { delivery: *delivery, sink: sink.clone(), all: *all };
    let response: ReplayResponse = context.client()?.post(routes::REPLAY, &request)?;
    context.out.data(&response, |_| {
        let many = match response.replayed {
            0 => "nothing of it was given up, so nothing is attempted again".to_owned(),
            1 => "1 delivery is attempted again".to_owned(),
            many => format!("{many} deliveries are attempted again"),
        };
        talk(many);
        Ok(())
    })?;
    Ok(Exit::Done)
}

fn time(at: Option<jiff::Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), render::time)
}
