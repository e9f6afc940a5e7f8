//! Every traffic system as it really is: real servers, their faults, and changes by others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod caddy;
mod dns;
mod envoy;
mod faults;
mod haproxy;
mod haproxy_race;
mod hook;
mod nginx;
mod traefik;
mod way_back;
