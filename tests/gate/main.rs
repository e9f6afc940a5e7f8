//! The gates against real servers and commands, good and bad.

#[path = "../support/mod.rs"]
mod support;

mod calls;
mod exec;
mod golden;
mod load;
mod mlserver;
mod prometheus;
mod run;
