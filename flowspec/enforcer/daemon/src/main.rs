//! `sark-enforcer`: parse, check, build, bind, spawn. See the library for what there is to spawn.

use std::process::ExitCode;

use clap::Parser;
use sark_enforcerd::args::{Args, Command};
use sark_enforcerd::config::Config;
use sark_enforcerd::{chain, commands, run};
use sark_program::{config, log};

/// 1 failed, 2 bad input.
const FAILED: u8 = 1;
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    let config = match config::load::<Config>(&args.config) {
        Ok(config) => config,
        Err(error) => return fail(BAD_INPUT, &error),
    };
    if args.check {
        return ExitCode::SUCCESS;
    }
    if let Err(error) = log::start(&config.log) {
        return fail(FAILED, &error);
    }
    // One thread does it all: rounds are one after another.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &error),
    };
    let mut out = std::io::stdout().lock();
    let outcome: Result<(), Box<dyn std::error::Error>> = runtime.block_on(async {
        match args.command.unwrap_or_default() {
            Command::Run => run(config).await?,
            Command::Show { output } => commands::show(&config, output, &mut out).await?,
            Command::Remove => commands::remove(&config).await?,
            Command::Plan => commands::plan(&config, &mut out).await?,
        }
        Ok(())
    });
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(FAILED, error.as_ref()),
    }
}

#[expect(clippy::print_stderr, reason = "the last words, when there may be no log")]
fn fail(code: u8, error: &dyn std::error::Error) -> ExitCode {
    eprintln!("sark-enforcer: {}", chain(error));
    ExitCode::from(code)
}
