//! Requests in flight to the engine, the words for each answer, and the rollback whose reason is asked for
//! afterwards.

use std::collections::VecDeque;

use crate::domain::{Actor, OrderId, OrderState};
use crate::engine::snapshot::OrderStatus;
use crate::engine::{Command, Reply, Request};

/// The most requests that wait for their answer. Older ones are forgotten.
const PENDING_MAX: usize = 32;

/// The requests of one operator.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    me: Actor,
    pending: VecDeque<Pending>,
    next_id: u64,
    /// Our own rollback that is not settled yet.
    rollback: Option<OrderId>,
}

#[derive(Debug, Clone)]
struct Pending {
    id: u64,
    command: Command,
    at_ms: u64,
}

/// An answer in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answered {
    /// An order is in flight.
    Sent(String),
    /// It is done, or was already done.
    Done(String),
    /// It was refused.
    Refused(String),
}

impl Requests {
    /// No request yet. Each will carry `me`.
    pub(crate) const fn new(me: Actor) -> Self {
        Self { me, pending: VecDeque::new(), next_id: 1, rollback: None }
    }

    /// A request for `command`. `expect` is the digest shown when consent was given.
    pub(crate) fn make(&mut self, command: Command, expect: Option<String>, now_ms: u64) -> Request {
        let id = self.next_id;
        self.next_id += 1;
        if self.pending.len() == PENDING_MAX {
            self.pending.pop_front();
        }
        self.pending.push_back(Pending { id, command: command.clone(), at_ms: now_ms });
        Request { id, by: self.me.clone(), command, expect, why: None }
    }

    /// The newest command that moves traffic and waits for its answer, and since when.
    pub(crate) fn waiting_for(&self) -> Option<(&Command, u64)> {
        let moves = |pending: &&Pending| pending.command.moves_traffic();
        self.pending.iter().rev().find(moves).map(|pending| (&pending.command, pending.at_ms))
    }

    /// The engine's answer to the request `id`; `None` if it was already answered.
    pub(crate) fn answered(&mut self, id: u64, reply: &Reply) -> Option<Answered> {
        let at = self.pending.iter().position(|pending| pending.id == id)?;
        let command = self.pending.remove(at)?.command;
        let verb = command.verb();
        Some(match reply {
            Reply::Ordered { id } => {
                if command == Command::Rollback {
                    self.rollback = Some(id.clone());
                }
                Answered::Sent(format!("{verb} {id} SENT"))
            }
            Reply::Done => Answered::Done(match command {
                Command::Pause => "paused: the plan stays where it is, traffic does not move".into(),
                Command::Resume => "resumed".into(),
                Command::Note { .. } => "noted in the journal".into(),
                _ => format!("{verb}: done"),
            }),
            Reply::AlreadySo { text } => Answered::Done(format!("{verb}: {text}")),
            Reply::Refused(refusal) => Answered::Refused(format!("REFUSED {verb}: {}", refusal.text)),
        })
    }

    /// Our own rollback, once, when it is VERIFIED: then its reason is asked for. `last` is the newest order.
    pub(crate) fn rolled_back(&mut self, last: Option<&OrderStatus>) -> Option<OrderId> {
        let order = last.filter(|order| self.rollback.as_ref() == Some(&order.id) && order.state.is_settled())?;
        self.rollback.take().filter(|_| order.state == OrderState::Verified)
    }
}
