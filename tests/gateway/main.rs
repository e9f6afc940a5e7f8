//! The gateway: its traffic, its orders, its process, its samples.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod admin;
mod child;
mod patience;
mod samples;
mod traffic;
