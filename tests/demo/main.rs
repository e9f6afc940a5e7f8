//! The demo, played through by the real program. In a binary of its own: its stories are of latencies, and other tests
//! beside them would be in the figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod replay;
mod stories;
