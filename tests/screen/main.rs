//! The screen: what is drawn, what keys ask for, and what is sent to the terminal.

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
