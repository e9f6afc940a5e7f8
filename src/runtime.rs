//! The loop around the pure engine, and the tasks that carry out its effects.
//!
//! [`Core`] owns the [`State`](crate::engine::State). The console, a session of the command line or the demo owns the
//! core and gives it one event at a time. Each effect runs in its own task with a timeout, and its result comes back
//! as an event. Nothing here decides.

mod alerts;
mod backend;
mod clock;
pub(crate) mod config_watch;
pub(crate) mod console;
mod core;
mod gates;
mod journal_writer;
mod observe;
mod orders;
mod recording;
pub(crate) mod replay;
pub(crate) mod session;
pub(crate) mod themes;

pub use backend::{Systems, connect};
pub use core::Core;
pub(crate) use core::{Incoming, Outcome};
pub(crate) use recording::record_to;
