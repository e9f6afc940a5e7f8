//! A platform that answers in seconds and acts in minutes; it is busy while it does, and may roll back by itself.

use std::collections::HashSet;
use std::time::Duration;

use cutover::testing::backend::BackendError;
use cutover::testing::domain::{
    Accepted, Can, Controller, ControllerState, Goal, Move, Observation, Order, OrderId, Pace, Revision, Split,
};

use super::Model;

/// How long a change takes.
pub const CHANGE_MS: u64 = 20 * 60_000;
/// How long an answer takes.
const ANSWER_MS: u64 = 3_000;
/// Calls that it takes in one minute.
const CALLS: usize = 20;

/// How such a platform is read and asked.
pub const PACE: Pace =
    Pace { read_every_ms: 15_000, answer_within_ms: 20_000, settle_within_ms: 45 * 60_000, retry_ms: None };

/// What becomes of the changes from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// In force after 20 minutes.
    #[default]
    Lands,
    /// An alarm rolls it back in silence; then it is "in service".
    RollsBack,
    /// It is accepted, and nothing ever happens.
    Lost,
}

#[derive(Debug)]
pub struct Platform {
    split: Split,
    revision: u64,
    now: u64,
    works: Option<(Split, u64)>,
    done: HashSet<OrderId>,
    /// The calls of the last minute.
    calls: Vec<u64>,
    pub fate: Fate,
}

impl Platform {
    pub fn new(split: Split) -> Self {
        Self { split, revision: 1, now: 0, works: None, done: HashSet::new(), calls: Vec::new(), fate: Fate::Lands }
    }

    /// How many orders and readings it had in the last minute.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    pub fn note_call(&mut self) {
        let now = self.now;
        self.calls.retain(|at| now - at < 60_000);
        self.calls.push(now);
    }

    fn throttles(&self) -> Option<BackendError> {
        (self.calls.len() > CALLS).then(|| BackendError::Busy("ThrottlingException: Rate exceeded".into()))
    }
}

impl Model for Platform {
    fn advance(&mut self, now_ms: u64) {
        self.now = self.now.max(now_ms);
        if let Some((split, at)) = self.works.filter(|(_, at)| *at <= self.now) {
            let _ = at;
            self.works = None;
            if self.fate == Fate::Lands {
                self.split = split;
            }
            self.revision += 1;
        }
    }

    fn take(&mut self, order: &Order) -> Result<Accepted, BackendError> {
        self.note_call();
        if let Some(error) = self.throttles() {
            return Err(error);
        }
        if self.done.contains(&order.id) {
            return Ok(Accepted::as_asked(order));
        }
        if self.works.is_some() {
            return Err(BackendError::Busy("cannot update in-progress endpoint".into()));
        }
        if let Some(expected) = order.expected.as_ref().filter(|expected| expected.0 != self.revision.to_string()) {
            return Err(BackendError::Conflict(format!("config is {} by now, not {}", self.revision, expected.0)));
        }
        self.done.insert(order.id.clone());
        if self.fate != Fate::Lost {
            self.works = Some((order.target, self.now + CHANGE_MS));
        }
        Ok(Accepted { goal: Goal::Split(order.target), settle_within_ms: None })
    }

    fn say(&self) -> Result<Observation, BackendError> {
        if let Some(error) = self.throttles() {
            return Err(error);
        }
        let (state, message) = match self.works {
            Some(_) => (ControllerState::Working, "Updating"),
            None => (ControllerState::Resting, "InService"),
        };
        let mut can = Can::default();
        if self.works.is_some() {
            for kind in [Move::Promote, Move::Switch, Move::Abort, Move::Rollback] {
                can = can.without(kind, "an update is under way");
            }
        }
        let message = message.to_owned();
        let steps = Vec::new();
        Ok(Observation {
            controller: Some(Controller { state, steps, reached: 0, message, next_change: None }),
            can,
            ..Observation::of(self.split, Revision(self.revision.to_string()))
        })
    }

    fn users(&self) -> Split {
        self.split
    }

    fn answers_after(&self) -> Duration {
        Duration::from_millis(ANSWER_MS)
    }
}
