//! The recorded state of a rollout: a fold over the journal records of all processes.
//!
//! It outlives the process and is shared between processes: every console and every CLI command that reads the same
//! journal comes to the same [`Rollout`]. Nothing but [`Rollout::fold`] changes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::snapshot::EventLine;
use crate::domain::text::clean;
use crate::domain::{
    Accepted, Actor, Cause, ControllerState, Digest, Evidence, Fact, Goal, Move, Order, OrderFault, OrderId,
    OrderState, Pace, Pair, Record, Side, Split, Stamp, Verdict, Version,
};

/// Events kept for the screen.
const EVENTS: usize = 200;
/// Verified orders of one rollout kept for the screen.
const REACHED: usize = 100;

/// How far a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) enum Stage {
    /// None under way.
    #[default]
    Idle,
    /// Begun; the candidate has some traffic, or its first order is on the way.
    Moving,
    /// The candidate has all traffic; the rollback window is open.
    Switched,
    /// The window was ended.
    Finalized,
    /// Given up.
    Aborted,
    /// Taken back.
    RolledBack,
}

/// An order as the journal records it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tracked {
    pub(super) order: Order,
    pub(super) by: Actor,
    pub(super) at: Stamp,
    /// What consent was given to.
    pub(super) consent: Option<Digest>,
    pub(super) state: OrderState,
    /// When it was verified or given up.
    pub(super) settled: Option<Stamp>,
    pub(super) detail: Option<String>,
    pub(super) fault: Option<OrderFault>,
    /// What the backend answered when it accepted the order.
    pub(super) accepted: Option<Accepted>,
    pub(super) cause: Option<Cause>,
    pub(super) why: Option<String>,
}

/// How far an order is, what the backend said, and what went wrong.
type News<'a> = (OrderState, Option<&'a String>, Option<OrderFault>, Option<&'a Accepted>);

impl Tracked {
    /// What has to be read before the order took effect.
    pub(super) fn goal(&self) -> Goal {
        self.accepted.as_ref().map_or_else(|| Goal::of(&self.order), |accepted| accepted.goal.clone())
    }

    /// How long that may take, in milliseconds.
    pub(super) fn settle_within_ms(&self, pace: &Pace) -> u64 {
        self.accepted.as_ref().and_then(|it| it.settle_within_ms).unwrap_or(pace.settle_within_ms)
    }

    fn is(&mut self, (state, detail, fault, accepted): News<'_>, at: Stamp) {
        (self.state, self.fault) = (state, fault);
        if let Some(detail) = detail {
            self.detail = Some(detail.clone());
        }
        if let Some(accepted) = accepted {
            self.accepted = Some(accepted.clone());
        }
        if state.is_settled() {
            self.settled = Some(at);
        }
    }
}

/// The earlier of two orders of one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Rival {
    tracked: Tracked,
    /// Whether it was verified before the later one was ordered: then it counted already.
    was_reached: bool,
}

impl Rival {
    /// What `before` is to `order`, which takes its place: a rival while its end is not known, and also when it was
    /// verified and `order` was made for the state before that.
    fn of(before: Tracked, order: &Order) -> Option<Self> {
        let is_unaware = order.from == before.order.from && order.from != Some(before.order.target);
        let was_reached = before.state == OrderState::Verified && is_unaware;
        (was_reached || !before.state.is_settled()).then_some(Self { tracked: before, was_reached })
    }
}

/// A person's decision to let a gate pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Overridden {
    pub(super) gate: String,
    pub(super) version: Digest,
    pub(super) reason: String,
    pub(super) by: String,
}

/// The plan was stopped where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pause {
    /// Why, where a guard or a person said so.
    pub(super) why: Option<String>,
}

/// The recorded state of a rollout. Two processes that have read the same journal hold equal ones.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Rollout {
    pub(super) stage: Stage,
    /// The side that is live while nothing is under way, and the way back while something is.
    pub(super) origin: Option<Side>,
    /// What was asked of the router last.
    pub(super) desired: Option<Split>,
    /// Set while paused.
    pub(super) paused: Option<Pause>,
    /// Whether a console noted that the one that drove is gone.
    pub(super) undriven: bool,
    /// When the step reached was verified.
    pub(super) step_since: Option<Stamp>,
    /// When a person let the plan go on last: guards judge what came after it.
    pub(super) resumed_at: Option<Stamp>,
    /// When the candidate got all traffic.
    pub(super) switched_at: Option<Stamp>,
    /// The newest evidence per gate.
    pub(super) evidence: BTreeMap<String, (Stamp, Evidence)>,
    pub(super) overridden: Vec<Overridden>,
    pub(super) last: Option<Tracked>,
    /// The last order when a person resumed: what became of it holds the plan up no longer.
    pub(super) accepted: Option<OrderId>,
    /// Ordered at the same moment as `last`, by a process that did not know of it; the router takes one of the two.
    rival: Option<Rival>,
    /// What both sides served when the last rollout began.
    pub(super) began_with: Option<Pair<Option<Version>>>,
    /// How long the last verified order took, in milliseconds.
    pub(super) last_took_ms: Option<u64>,
    /// When the last rollout began.
    pub(super) started: Option<DateTime<Utc>>,
    /// The candidate's share after each verified order of the last rollout, and when.
    pub(super) reached_at: Vec<(u8, DateTime<Utc>)>,
    /// The last events, oldest first; shared with snapshots.
    events: Arc<Vec<EventLine>>,
}

impl Rollout {
    /// Takes one record in.
    pub(super) fn fold(&mut self, record: &Record, now: Stamp) {
        self.tell(record);
        let at = now.restore(record.at);
        match &record.fact {
            Fact::Started { live, versions } => self.start(*live, versions.clone(), record.at),
            Fact::Ordered { .. } => self.ordered(record, at),
            Fact::OrderIs { id, state, detail, fault, accepted } => {
                let news = (*state, detail.as_ref(), *fault, accepted.as_ref());
                if self.last.as_ref().is_some_and(|last| last.order.id == *id) {
                    self.order_is(news, at);
                } else if let Some(rival) = self.rival.as_mut().filter(|rival| rival.tracked.order.id == *id) {
                    rival.tracked.is(news, at);
                }
            }
            Fact::Gate { evidence } => {
                self.evidence.insert(evidence.gate.clone(), (at, evidence.clone()));
            }
            Fact::Overridden { gate, version, reason } => self.overridden.push(Overridden {
                gate: gate.clone(),
                version: version.clone(),
                reason: reason.clone(),
                by: record.by.name.clone(),
            }),
            Fact::Approved { gate, version, reason } => {
                let signed = signature(gate, version, &record.by.name, reason, record.at);
                self.evidence.insert(gate.clone(), (at, signed));
            }
            Fact::Paused { why, .. } => self.paused = Some(Pause { why: why.clone() }),
            Fact::Resumed => {
                self.paused = None;
                self.resumed_at = Some(at);
                self.accepted = self.last.as_ref().map(|last| last.order.id.clone());
            }
            Fact::Adopted { split, origin } => {
                self.origin = self.origin.or(*origin);
                self.adopt(*split, at);
            }
            Fact::Progress { split, origin, state, .. } => {
                self.origin = self.origin.or(Some(*origin));
                self.progress(*split, *state, at);
            }
            Fact::Finalized { live } => self.finalize(*live),
            Fact::Undriven => self.undriven = true,
            Fact::TookOver { .. } => self.undriven = false,
            Fact::Opened { .. }
            | Fact::Closed { .. }
            | Fact::Recovered { .. }
            | Fact::Guard(_)
            | Fact::Drift { .. }
            | Fact::Standby { .. }
            | Fact::Alerted { .. }
            | Fact::Note { .. } => {}
        }
    }

    fn ordered(&mut self, record: &Record, at: Stamp) {
        let Fact::Ordered { order, digest, why, cause } = &record.fact else { return };
        self.undriven = false;
        if order.kind.is_back() {
            self.origin.get_or_insert(order.toward);
        }
        self.desired = Some(order.target);
        self.rival = self.last.take().and_then(|before| Rival::of(before, order));
        self.last = Some(Tracked {
            order: order.clone(),
            by: record.by.clone(),
            at,
            consent: digest.clone(),
            state: OrderState::Sent,
            settled: None,
            detail: None,
            fault: None,
            accepted: None,
            cause: *cause,
            why: why.clone(),
        });
    }

    fn start(&mut self, live: Side, versions: Pair<Option<Version>>, at: DateTime<Utc>) {
        self.origin = Some(live);
        self.stage = Stage::Moving;
        self.step_since = None;
        self.switched_at = None;
        self.began_with = Some(versions);
        self.started = Some(at);
        self.reached_at.clear();
    }

    fn order_is(&mut self, news: News<'_>, at: Stamp) {
        let state = news.0;
        let Some(last) = self.last.as_mut() else { return };
        if last.state.is_settled() {
            return;
        }
        last.is(news, at);
        if !state.is_settled() {
            return;
        }
        let rival = self.rival.take().filter(|rival| rival.tracked.state != OrderState::Failed);
        if let (OrderState::Failed, Some(rival)) = (state, rival) {
            return self.won(rival);
        }
        let (order, sent) = (last.order.clone(), last.at);
        if state == OrderState::Verified {
            self.last_took_ms = Some(at.since_ms(sent));
            let why = last.why.clone();
            self.reached(&order, why, at);
        } else {
            self.desired = order.from.or(self.desired);
            let nothing_moved = order.from.is_some_and(|from| from.share(order.toward) == 0);
            if order.kind.is_forward() && nothing_moved && self.stage == Stage::Moving {
                self.stage = Stage::Idle;
            }
        }
    }

    /// Of two orders of one moment the later one failed: what holds is the other.
    fn won(&mut self, rival: Rival) {
        let Rival { tracked, was_reached } = rival;
        self.desired = Some(tracked.order.target);
        if let (OrderState::Verified, Some(settled), false) = (tracked.state, tracked.settled, was_reached) {
            self.last_took_ms = Some(settled.since_ms(tracked.at));
            self.reached(&tracked.order, tracked.why.clone(), settled);
        }
        self.last = Some(tracked);
    }

    fn reached(&mut self, order: &Order, why: Option<String>, at: Stamp) {
        match order.kind {
            Move::Promote | Move::Switch => {
                self.step_since = Some(at);
                self.stage = Stage::Moving;
                if self.reached_at.len() < REACHED {
                    self.reached_at.push((order.target.share(order.toward), at.wall));
                }
                if order.target.share(order.toward) == 100 {
                    self.stage = Stage::Switched;
                    self.switched_at = Some(at);
                }
            }
            Move::Abort => self.end(Stage::Aborted),
            Move::Rollback => self.end(Stage::RolledBack),
            Move::Pause => self.paused = Some(Pause { why }),
            Move::Resume | Move::Retry => {
                self.paused = None;
                self.resumed_at = Some(at);
            }
            Move::Finish => self.finalize(order.toward),
        }
    }

    fn finalize(&mut self, live: Side) {
        self.origin = Some(live);
        self.stage = Stage::Finalized;
        self.paused = None;
        self.step_since = None;
    }

    /// A controller took a step by itself.
    fn progress(&mut self, split: Split, state: ControllerState, at: Stamp) {
        let gave_up = matches!(state, ControllerState::Aborted | ControllerState::Failed);
        let under_way = matches!(self.stage, Stage::Moving | Stage::Switched);
        let share = self.origin.map(|origin| split.share(origin.other()));
        self.adopt(split, at);
        match share {
            Some(0) if gave_up && under_way => self.end(Stage::Aborted),
            Some(share) if share > 0 && self.reached_at.len() < REACHED => self.reached_at.push((share, at.wall)),
            _ => {}
        }
    }

    fn end(&mut self, stage: Stage) {
        self.stage = stage;
        self.paused = None;
        self.step_since = None;
        self.switched_at = None;
    }

    fn adopt(&mut self, split: Split, at: Stamp) {
        self.desired = Some(split);
        let Some(origin) = self.origin else { return };
        match split.share(origin.other()) {
            0 if matches!(self.stage, Stage::Moving | Stage::Switched) => self.end(Stage::Idle),
            0 => {}
            100 if self.stage == Stage::Finalized => {}
            100 => {
                self.stage = Stage::Switched;
                self.switched_at = Some(at);
                self.step_since = Some(at);
            }
            _ => {
                self.stage = Stage::Moving;
                self.switched_at = None;
                self.step_since = Some(at);
            }
        }
    }

    fn tell(&mut self, record: &Record) {
        let Some((text, warn)) = crate::narrate::short(&record.fact) else { return };
        let events = Arc::make_mut(&mut self.events);
        if events.len() == EVENTS {
            events.remove(0);
        }
        let ordered = match &record.fact {
            Fact::Ordered { order, .. } => Some(order.kind),
            _ => None,
        };
        events.push(EventLine { at: record.at, by: record.by.name.clone(), text, warn, ordered });
    }

    /// The last events, for the screen.
    pub(super) fn events(&self) -> Arc<Vec<EventLine>> {
        Arc::clone(&self.events)
    }

    /// Whether an order was recorded that is not settled.
    pub(super) fn unsettled(&self) -> Option<&Tracked> {
        self.last.as_ref().filter(|last| !last.state.is_settled())
    }
}

/// A person's word as evidence: it counts like any other, for its version and as long as it is valid.
fn signature(gate: &str, version: &Digest, by: &str, reason: &str, at: DateTime<Utc>) -> Evidence {
    Evidence {
        gate: gate.to_owned(),
        verdict: Verdict::Passed,
        value: None,
        limit: None,
        unit: String::new(),
        at_least: false,
        samples: 1,
        version: version.clone(),
        at,
        took_ms: 0,
        note: clean(&format!("signed by {by}: {reason}"), 240),
        details: Vec::new(),
        load: None,
    }
}

#[cfg(test)]
mod tests;
