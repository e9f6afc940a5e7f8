//! The `cutover` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    cutover::main(std::env::args_os())
}
