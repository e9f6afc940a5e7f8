//! The demo, played through by the real program. In a binary of its own: its stories are of latencies, and other tests
//! beside them would be in the figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

mod support;

#[path = "e2e/demo.rs"]
mod demo;
#[path = "support/signals.rs"]
mod signals;
#[path = "e2e/stage.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod stage;
