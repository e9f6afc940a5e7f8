//! Wiring: the one loop around the pure engine, and the hands that do what it wants done.
//!
//! [`Core`] owns the [`State`](crate::engine::State); whoever owns the core (the console's loop, a CLI
//! session, the demo) hands it one event at a time. What comes out as effects is carried out by tasks
//! of their own, each with a timeout; what they find comes back as events. Nothing here decides.

mod alerts;
mod backend;
mod clock;
pub mod console;
mod core;
mod gates;
pub mod headless;
mod logs;
pub mod looks;
mod orders;
mod scribe;
mod watch;

pub use backend::connect;
pub use clock::Clock;
pub use core::{Core, Incoming, Options, Outcome};
