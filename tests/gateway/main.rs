//! The gateway: its traffic, its orders, its process, its samples.

#[path = "../support/mod.rs"]
mod support;

mod admin;
mod child;
mod patience;
mod samples;
mod traffic;
