//! cutover: watch and drive a blue-green rollout of an ML model from a terminal.

pub mod backend;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod gate;
pub mod gateway;
pub mod journal;
pub mod probe;
pub mod runtime;
pub mod terminal;
pub mod ui;
