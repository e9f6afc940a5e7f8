//! The rollout state machine: pure, one way, no clock, no I/O.
//!
//! [`Event`]s go in with the moment of their arrival, [`Effect`]s come out as values. What a rollout
//! has come to is folded from journal [`Record`](crate::domain::Record)s, whoever wrote them.

pub mod command;
pub mod effect;
pub mod event;
pub mod snapshot;

pub use command::{Command, Refusal, RefusalKind, Reply, Request};
pub use effect::{Effect, WriteRule};
pub use event::Event;
pub use snapshot::{Phase, Snapshot, Status};
