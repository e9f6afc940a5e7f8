//! The program as a script runs it, its documents, its report, and the parts of its demo.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod contract_cli;
mod demo_models;
mod report;
mod verbs;
