//! cutover: watch and drive a blue-green rollout of an ML model from a terminal.
//!
//! One binary, three ways in, one engine behind them: the full-screen console, the verbs of the
//! command line, and `cutover gateway`, the embedded reverse proxy for those without a load balancer.
//!
//! ```text
//!  keys, CLI ---+                                              +--> ui::draw(&View) -> terminal
//!  probes ------+   Event    +----------------------------+    |    (only when something changed)
//!  backend -----+----------->| State::apply(event) (pure)  |----+
//!  gate runs ---+  (bounded) | no clock, no I/O, no await  |    |    Effects, as values:
//!  signals -----+            +----------------------------+    +--> runtime spawns them with a timeout:
//!    ^                                                               backend order, gate run, journal line
//!    +-------------------- Event: the result <-----------------------
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`domain`] | the words: sides, split, versions, windows, gates, guards, orders, journal records |
//! | [`narrate`] | facts of the journal in words, short, as a line and as a sentence: pure |
//! | [`engine`] | the rollout state machine: [`engine::State::apply`] takes events, gives effects; snapshots for the screen and the CLI |
//! | [`dialogue`] | consent: the questions before a command as one state machine, and what a command will do in words: pure |
//! | [`backend`] | traffic systems behind one trait, observing and driving as two types |
//! | [`probe`] | pollers of the replicas |
//! | [`http`] | every HTTP request that we make: one client, its trust, masking, errors in words |
//! | [`gate`] | the runners of the nine kinds of gate |
//! | [`alert`] | alerts on their way to webhooks and commands |
//! | [`journal`] | the hash-chained record, the driver's lease, gate logs |
//! | [`record`] | recordings of what the engine takes, their replay, and the diagnostic log |
//! | [`report`] | what a rollout came to, as Markdown, JSON and a page: pure |
//! | [`logs`] | the user's own logs: files followed over rotation, commands whose output is read |
//! | [`process`] | commands of the user's, each in a group that never outlives its owner |
//! | [`settings`] | reading a config: tables with lines, typed values, secrets, documented keys |
//! | [`config`] | what was typed, and what it means |
//! | [`gateway`] | the embedded reverse proxy and its admin interface |
//! | [`ui`] | view state, keys, themes, widgets: pure |
//! | [`terminal`] | modes, input, frames, and the way back out of all of it |
//! | [`runtime`] | the loop around the engine, and the tasks that carry out its effects |
//! | [`demo`] | two trained models, their servers, client load, scenarios |
//! | [`manual`] | the pages of the manual, compiled in |
//! | [`cli`] | the verbs, output and exit codes |
//!
//! Who may use whom is a table that `tests/docs/architecture.rs` holds against the sources.

#![warn(unreachable_pub)]
#![allow(
    rustdoc::private_intra_doc_links,
    reason = "the documentation is for readers of the source: it is made with private items"
)]

mod alert;
mod backend;
mod cli;
mod config;
mod demo;
mod dialogue;
mod domain;
mod engine;
mod gate;
mod gateway;
mod http;
mod journal;
mod logs;
mod manual;
mod narrate;
mod probe;
mod process;
mod record;
mod report;
mod runtime;
mod settings;
mod terminal;
#[doc(hidden)]
pub mod testing;
mod ui;

pub use cli::main;
