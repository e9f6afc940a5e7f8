//! What is written about the program, and the rules of its sources, held against the program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod contract;
mod readme;
mod setup_pages;
