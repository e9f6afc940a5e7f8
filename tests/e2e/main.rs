//! The whole program, end to end: the real binary, real sockets, a real pty.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod alerts;
mod cli;
mod console;
mod faults;
mod kill;
mod linear;
mod plain;
mod report;
mod resume;
mod samples;
mod terminal;
mod tmux;
mod unattended;
