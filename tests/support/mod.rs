//! What the integration tests share.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod caddy;
pub mod caddy_side;
pub mod child;
pub mod dns;
pub mod driving;
pub mod envoy;
pub mod gate;
pub mod gateway;
pub mod haproxy;
pub mod local;
pub mod nginx;
pub mod program;
pub mod pty;
pub mod reloads;
pub mod scripted;
pub mod server;
pub mod signals;
pub mod stage;
pub mod traefik;
pub mod ui;
