//! The program as a script runs it, its documents, its report, and the parts of its demo.

#[path = "../support/mod.rs"]
mod support;

mod contract_cli;
mod demo_models;
mod report;
mod verbs;
