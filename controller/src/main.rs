//! `sarkd`: parse, check, build, bind, spawn. See the library for what there is to spawn.

use std::process::ExitCode;

use clap::Parser;
use sark_controller::args::Args;
use sark_controller::{chain, start};
use sark_program::log;

/// Decisions make many small values and drop them again, on every thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit codes of `sarkctl`: 1 failed, 2 bad input.
const FAILED: u8 = 1;
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    let config = match args.load() {
        Ok(config) => config,
        Err(error) => return fail(BAD_INPUT, &error),
    };
    let base = args.config.parent().unwrap_or_else(|| std::path::Path::new("/"));
    if args.check {
        return match start::check(&config, base) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(BAD_INPUT, &error),
        };
    }
    if let Err(error) = log::start(&config.log) {
        return fail(FAILED, &error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &error),
    };
    let outcome = runtime.block_on(start::run(config, base));
    // Threads that wait for the disk do not hold up the end.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(FAILED, &error),
    }
}

#[expect(clippy::print_stderr, reason = "the last words, when there may be no log")]
fn fail(code: u8, error: &dyn std::error::Error) -> ExitCode {
    eprintln!("sarkd: {}", chain(error));
    ExitCode::from(code)
}
