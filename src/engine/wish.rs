//! What a part of the engine wants done. The parts only ask; the [`State`](super::State) carries wishes out, in order.

use super::command::Request;
use super::effect::Effect;
use crate::domain::{Actor, Cause, Fact, LogLevel, Move, Split};

/// One wish.
pub(super) enum Wish {
    /// Fold a fact and have it written.
    Record(Fact, Actor),
    /// Make an order and send it.
    Order(Wanted),
    /// Order all traffic back, where that would change anything.
    RollBack { why: String, cause: Cause },
    /// Stop the plan where it is.
    Pause { why: String, cause: Cause },
    /// Write a line into the log.
    Log(LogLevel, &'static str, String),
    /// Something outside that changes no state: run or stop a gate, send an order again, alert, keep a sample.
    Do(Effect),
}

impl Wish {
    /// A fact that the engine records by itself.
    pub(super) fn record(fact: Fact) -> Self {
        Self::Record(fact, Actor::auto())
    }
}

/// An order to be made.
pub(super) struct Wanted {
    pub(super) kind: Move,
    pub(super) target: Split,
    pub(super) by: Actor,
    /// The request that it answers.
    pub(super) request: Option<u64>,
    /// The reason in words.
    pub(super) why: Option<String>,
    pub(super) cause: Cause,
}

impl Wanted {
    /// What `request` asks for.
    pub(super) fn of(kind: Move, target: Split, request: Request) -> Self {
        let Request { id, by, why, .. } = request;
        Self { kind, target, by, request: Some(id), why, cause: Cause::Operator }
    }

    /// What the plan wants by itself.
    pub(super) fn by_plan(kind: Move, target: Split, why: Option<String>) -> Self {
        Self { kind, target, by: Actor::auto(), request: None, why, cause: Cause::Plan }
    }
}
