//! The terminal itself: bytes that come in, modes that are set and given back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod input;
mod modes;
