//! How each traffic system is reached and what is set there: the data that a config is read into and
//! a backend is made from. One file a system.

pub mod caddy;
pub mod dns;
pub mod envoy;
pub mod haproxy;
pub mod hook;
pub mod nginx;
pub mod traefik;
