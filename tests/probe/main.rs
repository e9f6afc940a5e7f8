//! What is asked and what is sent over the network: pollers, streams, metrics, alerts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod alert;
mod pollers;
mod presets;
mod stream;
