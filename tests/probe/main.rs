//! What is asked and what is sent over the network: pollers, streams, metrics, alerts.

#[path = "../support/mod.rs"]
mod support;

mod alert;
mod pollers;
mod presets;
mod stream;
