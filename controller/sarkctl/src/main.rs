//! `sarkctl`: see the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    sarkctl::main(std::env::args_os())
}
