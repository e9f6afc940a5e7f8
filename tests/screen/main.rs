//! The screen: what is drawn, what keys ask for, and what is sent to the terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod console_loop;
mod contract_bytes;
mod contract_keys;
mod contract_log;
mod contract_looks;
mod contract_output;
mod contract_prompts;
mod contract_screen;
mod keys;
mod prompts;
mod screens;
