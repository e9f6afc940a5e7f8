//! The terminal itself: bytes that come in, modes that are set and given back.

#[path = "../support/mod.rs"]
mod support;

mod input;
mod modes;
