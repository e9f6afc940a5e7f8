//! Every traffic system as it really is: real servers, their faults, and changes by others.

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
