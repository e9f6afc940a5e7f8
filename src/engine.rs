//! The rollout state machine: pure, one way, no clock, no I/O.
//!
//! [`Event`]s go in with the moment of their arrival, [`Effect`]s come out as values, [`State::apply`]
//! is the only entrance. What a rollout has come to is folded from journal
//! [`Record`](crate::domain::Record)s (`rollout`), whoever wrote them; what is seen of the world
//! (`watch`) is this process's own. `consent` says what stands in the way of a command, `ask`
//! turns a request into a refusal, a record or an order, `orders` follows orders to VERIFIED,
//! `gates` and `guards` judge, `metrics` holds what the model servers say, `alerts` says who is woken, `sampling` keeps figures for the report,
//! `walk` takes steps unattended, `standby` proves the way back, `status` makes the
//! [`Snapshot`] that everything outside looks at.

mod access;
mod alerts;
mod ask;
pub mod command;
mod compare;
mod consent;
pub mod detail;
pub mod effect;
pub mod event;
mod gates;
mod guards;
mod metrics;
mod narrate;
mod orders;
mod rollout;
mod sampling;
pub mod snapshot;
mod standby;
mod state;
mod status;
mod trail;
mod walk;
mod watch;
pub mod words;

pub use access::Access;
pub use ask::MIN_REASON;
pub use command::{Command, Refusal, RefusalKind, Reply, Request};
pub use effect::{Effect, WriteRule};
pub use event::Event;
pub use narrate::{breach, narrate};
pub use snapshot::{Phase, Snapshot, Status};
pub use state::State;
