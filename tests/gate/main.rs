//! The gates against real servers and commands, good and bad.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod calls;
mod exec;
mod golden;
mod load;
mod mlserver;
mod prometheus;
mod run;
