//! The whole program, end to end: the real binary, real sockets, a real pty.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

mod support;

#[path = "e2e/alerts.rs"]
mod alerts;
#[path = "e2e/cli.rs"]
mod cli;
#[path = "e2e/console.rs"]
mod console;
#[path = "e2e/faults.rs"]
mod faults;
#[path = "e2e/kill.rs"]
mod kill;
#[path = "e2e/linear.rs"]
mod linear;
#[path = "e2e/plain.rs"]
mod plain;
#[path = "e2e/report.rs"]
mod report;
#[path = "e2e/resume.rs"]
mod resume;
#[path = "e2e/samples.rs"]
mod samples;
#[path = "support/signals.rs"]
mod signals;
#[path = "e2e/stage.rs"]
mod stage;
#[path = "e2e/terminal.rs"]
mod terminal;
#[path = "e2e/tmux.rs"]
mod tmux;
#[path = "e2e/unattended.rs"]
mod unattended;
