//! `sark-proxy`: parse, check, build, bind, spawn. See the library for what there is to spawn.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use sark_core::chain;
use sark_inline_proxy::args::{Args, Command, NetCommand};
use sark_inline_proxy::config::Config;
use sark_inline_proxy::{Inherited, Program, run};
use sark_program::{config, log};

/// Requests make many small values and drop them again: what was given back last is used again first, and is in
/// the processor's cache still.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// 1 failed, 2 bad input.
const FAILED: u8 = 1;
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    // Pages of 2 MB, most of them empty, are half of the memory of a proxy with many idle connections. Where the
    // kernel has none there is nothing to switch off.
    let _ = nix::sys::prctl::set_thp_disable(true);
    let (program, args) = (Program::this(), Args::parse());
    let config = match config::load::<Config>(&args.config) {
        Ok(config) => config,
        Err(error) => return fail(BAD_INPUT, &error),
    };
    if args.check {
        return ExitCode::SUCCESS;
    }
    match args.command.unwrap_or_default() {
        Command::Run => {}
        Command::Net(command) => return net(&config, command),
    }
    if let Err(error) = log::start(&config.log) {
        return fail(FAILED, &error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &error),
    };
    let before = match args.take_over {
        false => Inherited::default(),
        true => match Inherited::receive() {
            Ok(before) => before,
            Err(error) => return fail(FAILED, &error),
        },
    };
    let outcome = runtime.block_on(run(config, program, before));
    // Threads that wait for the disk do not hold up the end.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(FAILED, &error),
    }
}

/// Whoever reads no further has what it wanted.
fn show(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => fail(FAILED, &error),
        _ => ExitCode::SUCCESS,
    }
}

fn net(config: &Config, command: NetCommand) -> ExitCode {
    let Some(net) = config.net() else {
        let none = std::io::Error::other("the configuration has no transparent entrance");
        return fail(BAD_INPUT, &none);
    };
    let done = match command {
        NetCommand::Up => net.up().map(|()| String::new()),
        NetCommand::Down => net.down().map(|()| String::new()),
        NetCommand::Show => net.shown(),
    };
    match done {
        Ok(text) => show(&text),
        Err(error) => fail(FAILED, &error),
    }
}

#[expect(clippy::print_stderr, reason = "the last words, when there may be no log")]
fn fail(code: u8, error: &dyn std::error::Error) -> ExitCode {
    eprintln!("sark-proxy: {}", chain(error));
    ExitCode::from(code)
}
