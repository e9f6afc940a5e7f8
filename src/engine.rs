//! The rollout state machine: pure, one way, no clock, no I/O.
//!
//! [`Event`]s go in with the moment of their arrival, [`Effect`]s come out as values, [`State::apply`] is the only
//! entrance. The state is a `World` that every part reads, and parts that each keep state of their own:
//!
//! | file | holds |
//! |---|---|
//! | `world` | the config, the access, the moment; what is known of the router and the sides (`watch`, `metrics`) and of the rollout (`rollout`, folded from journal [`Record`](crate::domain::Record)s) |
//! | `gates`, `guards` | the checks before and while traffic moves; `compare` judges one side by the other, `trail` is the history of each gate |
//! | `orders` | orders on their way to VERIFIED; `progress` is what a controller does by itself |
//! | `walk` | the plan walked unattended |
//! | `standby` | the proof of the way back |
//! | `alerts`, `sampling` | who is alerted; figures for the report |
//!
//! A part gets the world and an event, and answers with wishes (`wish`); only `carry` carries them out. `consent` says
//! what blocks a command, `ask` turns a request into a refusal, a record or an order, `status` makes the [`Snapshot`].

mod access;
mod alerts;
mod ask;
mod bake;
mod carry;
pub(crate) mod command;
mod compare;
mod consent;
pub(crate) mod detail;
pub(crate) mod effect;
pub(crate) mod event;
mod front;
mod gates;
mod guards;
mod leak;
mod metrics;
mod orders;
mod progress;
mod replicas;
mod rollout;
mod sampling;
pub(crate) mod snapshot;
mod standby;
mod state;
mod status;
mod trail;
mod walk;
mod watch;
mod wish;
pub(crate) mod words;
mod world;

pub use access::Access;
pub(crate) use ask::MIN_REASON;
pub use command::{Command, Refusal, RefusalKind, Reply, Request};
pub use effect::{Effect, WriteRule};
pub use event::{Driver, Event};
pub use snapshot::{Phase, Snapshot, Status};
pub use state::State;
