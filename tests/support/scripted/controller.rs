//! A controller that walks steps of its own: it pauses, judges, gives up by itself, and lets the old side go in time.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use cutover::testing::backend::BackendError;
use cutover::testing::domain::observation::Replicas;
use cutover::testing::domain::{
    Accepted, Can, Controller, ControllerState, Goal, Move, Observation, Order, OrderId, Pair, Reached, Revision,
    RollbackClass, Side, SideSeen, Split, Target, WayBack,
};

use super::Model;

/// How long it works on a step before it is in force.
const WORK_MS: u64 = 3_000;
/// How long a deployment of the old side takes.
pub const REDEPLOY_MS: u64 = 60_000;

/// What follows a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// A person promotes.
    Person,
    /// It goes on after this long, in milliseconds.
    For(u64),
    /// It judges for this long, and goes on, or gives up.
    Judge(u64, bool),
}

/// Where the old side is after everything moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Old {
    Up,
    /// Until then.
    UpUntil(u64),
    Gone,
}

#[derive(Debug)]
pub struct Rollouts {
    steps: Vec<(u8, Pause)>,
    /// The epoch of its wall clock.
    epoch: DateTime<Utc>,
    now: u64,
    state: ControllerState,
    /// Steps begun; the last of them may still be worked on.
    step: usize,
    /// What it works towards, and when that is in force.
    works: Option<(u8, u64)>,
    /// When it goes on by itself.
    next: Option<u64>,
    share: u8,
    paused_by_order: bool,
    revision: u64,
    message: String,
    done: HashSet<OrderId>,
    old: Old,
    /// How long the old side is kept after the end.
    pub keeps_old_ms: Option<u64>,
    /// Whether the old side can be deployed again once it is gone.
    pub redeploys: bool,
    /// Why it refuses to promote.
    pub unready: Option<String>,
    /// How many of the old side's four replicas are kept once all traffic has moved.
    pub keeps: u32,
    /// Whether it can be paused.
    pub pausable: bool,
    /// Where it says that the replicas are.
    pub targets: Pair<Option<Vec<Target>>>,
    /// What it says besides.
    pub more: fn(&mut Observation),
}

impl Rollouts {
    pub fn new(steps: &[(u8, Pause)], epoch: DateTime<Utc>) -> Self {
        Self {
            steps: steps.to_vec(),
            epoch,
            now: 0,
            state: ControllerState::Paused,
            step: 0,
            works: None,
            next: None,
            share: 0,
            paused_by_order: false,
            revision: 1,
            message: "BlueGreenPause".into(),
            done: HashSet::new(),
            old: Old::Up,
            keeps_old_ms: None,
            redeploys: true,
            unready: None,
            keeps: 4,
            pausable: true,
            targets: Pair::default(),
            more: |_| (),
        }
    }

    /// Another operator, or the controller itself, does `kind`.
    pub fn by_another(&mut self, kind: Move) {
        let _ = self.act(kind);
    }

    /// Somebody writes the weight by hand, past the controller.
    pub fn edited(&mut self, share: u8) {
        self.share = share;
        self.revision += 1;
    }

    fn begin(&mut self, step: usize, now: u64) {
        self.step = step;
        self.work(self.steps[step - 1].0, now);
    }

    fn work(&mut self, share: u8, now: u64) {
        self.state = ControllerState::Working;
        self.works = Some((share, now + WORK_MS));
        self.next = None;
        self.message = format!("more replicas need to be updated for {share} %");
        self.revision += 1;
    }

    fn arrive(&mut self, share: u8, at: u64) {
        self.works = None;
        self.share = share;
        self.revision += 1;
        if share == 0 {
            // Back: the rollout is given up.
            self.state = ControllerState::Aborted;
            self.old = Old::Up;
            self.message = "RolloutAborted".into();
            return;
        }
        if share == 100 {
            self.state = ControllerState::Resting;
            self.step = self.steps.len();
            self.message = "Healthy".into();
            self.old = self.keeps_old_ms.map_or(Old::Up, |ms| Old::UpUntil(at + ms));
            return;
        }
        match self.steps[self.step - 1].1 {
            Pause::Person => (self.state, self.message) = (ControllerState::Paused, "CanaryPauseStep".into()),
            Pause::For(ms) => {
                (self.state, self.message) = (ControllerState::Working, "CanaryPauseStep".into());
                self.next = Some(at + ms);
            }
            Pause::Judge(ms, _) => {
                (self.state, self.message) = (ControllerState::Working, "AnalysisRun is Running".into());
                self.next = Some(at + ms);
            }
        }
    }

    fn go_on(&mut self, at: u64) {
        self.next = None;
        if let Some((_, Pause::Judge(_, false))) = self.step.checked_sub(1).and_then(|step| self.steps.get(step)) {
            self.give_up("AnalysisRun failed: error-rate");
        } else {
            self.begin(self.step + 1, at);
        }
    }

    /// Traffic goes back at once, as it does where the old side is up.
    fn give_up(&mut self, message: &str) {
        (self.works, self.next) = (None, None);
        self.share = 0;
        self.state = ControllerState::Aborted;
        message.clone_into(&mut self.message);
        self.revision += 1;
    }

    fn act(&mut self, kind: Move) -> Result<Goal, BackendError> {
        if let Some(why) = self.can().refusal(kind).filter(|_| !kind.is_back()) {
            return Err(BackendError::Refused(why.to_owned()));
        }
        let now = self.now;
        let goal = match kind {
            Move::Promote => {
                let step = self.step + 1;
                self.begin(step, now);
                Goal::Controller(Reached::Step(step))
            }
            Move::Switch => {
                self.begin(self.steps.len(), now);
                Goal::Split(Split::all(Side::Green))
            }
            Move::Abort | Move::Rollback => self.go_back()?,
            Move::Pause => {
                (self.state, self.message, self.paused_by_order) = (ControllerState::Paused, "paused".into(), true);
                self.next = None;
                self.revision += 1;
                Goal::Controller(Reached::Paused)
            }
            Move::Resume => {
                self.paused_by_order = false;
                match self.works {
                    Some(_) => self.state = ControllerState::Working,
                    None => self.go_on(now),
                }
                Goal::Controller(Reached::GoesOn)
            }
            Move::Retry => {
                self.begin(1, now);
                Goal::Controller(Reached::GoesOn)
            }
            Move::Finish => {
                self.old = Old::Gone;
                Goal::Controller(Reached::Rests)
            }
        };
        Ok(goal)
    }

    fn go_back(&mut self) -> Result<Goal, BackendError> {
        let goal = Goal::Split(Split::all(Side::Blue));
        match self.old {
            _ if self.share == 0 && self.works.is_none() => {}
            Old::Up | Old::UpUntil(_) => self.give_up("RolloutAborted"),
            Old::Gone if self.redeploys => {
                self.work(0, self.now + REDEPLOY_MS - WORK_MS);
                self.message = "blue is deployed again".into();
            }
            Old::Gone => return Err(BackendError::Refused("blue is gone".into())),
        }
        Ok(goal)
    }

    fn can(&self) -> Can {
        use ControllerState::{Aborted, Failed, Paused, Resting, Working};
        let mut can = Can::default();
        let forward = match (&self.unready, self.state) {
            (Some(why), _) => Some(why.as_str()),
            (None, Resting) => Some("the rollout is complete"),
            (None, Aborted | Failed) => Some("the rollout was aborted: retry it"),
            (None, Working) => Some("a step is under way"),
            (None, Paused) => None,
        };
        if let Some(why) = forward {
            can = can.without(Move::Promote, why);
        }
        if let Some(why) = forward.filter(|_| self.state != Working) {
            can = can.without(Move::Switch, why);
        }
        if !self.pausable {
            can = can.without(Move::Pause, "a CodeDeploy deployment cannot be paused");
        } else if self.state != Working {
            can = can.without(Move::Pause, "nothing moves");
        }
        if !(self.state == Paused && self.paused_by_order) {
            can = can.without(Move::Resume, "it was not paused by an order");
        }
        if !matches!(self.state, Aborted | Failed) {
            can = can.without(Move::Retry, "nothing was aborted");
        }
        if self.old == Old::Gone && !self.redeploys {
            can = can.without(Move::Rollback, "blue is gone").without(Move::Abort, "blue is gone");
        }
        can
    }

    fn way_back(&self) -> WayBack {
        let shrunken = self.share == 100 && self.keeps < 4;
        let why_not = shrunken.then(|| format!("blue keeps {} of 4 replicas", self.keeps));
        match self.old {
            Old::Up => WayBack { why_not, ..WayBack::default() },
            Old::UpUntil(ms) => WayBack { until: Some(self.at(ms)), why_not, ..WayBack::default() },
            Old::Gone if self.redeploys => {
                let takes_s = Some(REDEPLOY_MS / 1000);
                WayBack { class: RollbackClass::Redeploy, takes_s, ..WayBack::default() }
            }
            Old::Gone => {
                WayBack { class: RollbackClass::None, why_not: Some("blue is gone".into()), ..WayBack::default() }
            }
        }
    }

    fn at(&self, ms: u64) -> DateTime<Utc> {
        self.epoch + TimeDelta::milliseconds(ms as i64)
    }
}

impl Model for Rollouts {
    fn advance(&mut self, now_ms: u64) {
        loop {
            let due = [self.works.map(|(_, at)| at).filter(|_| self.state == ControllerState::Working), self.next];
            let Some(at) = due.into_iter().flatten().min().filter(|at| *at <= now_ms) else { break };
            self.now = at;
            match self.works {
                Some((share, when)) if when == at => self.arrive(share, at),
                _ => self.go_on(at),
            }
        }
        self.now = self.now.max(now_ms);
        if matches!(self.old, Old::UpUntil(at) if at <= self.now) {
            self.old = Old::Gone;
        }
    }

    fn take(&mut self, order: &Order) -> Result<Accepted, BackendError> {
        if self.done.contains(&order.id) {
            return Ok(Accepted::as_asked(order));
        }
        if let Some(expected) = order.expected.as_ref().filter(|expected| expected.0 != self.revision.to_string()) {
            return Err(BackendError::Conflict(format!("the rollout is {} by now, not {}", self.revision, expected.0)));
        }
        if order.kind.is_back() && order.target != Split::all(Side::Blue) && order.target != self.users() {
            return Err(BackendError::Refused("blue is the stable side".into()));
        }
        let is_there = order.kind.is_back() && order.target == self.users() && self.works.is_none();
        let goal = if is_there { Goal::of(order) } else { self.act(order.kind)? };
        self.done.insert(order.id.clone());
        Ok(Accepted { goal, settle_within_ms: Some(REDEPLOY_MS + 30_000) })
    }

    fn say(&self) -> Result<Observation, BackendError> {
        let kept = if self.share == 100 { self.keeps } else { 4 };
        let ready = if self.old == Old::Gone { 0 } else { kept };
        let side = |ready, side| SideSeen {
            replicas: Some(Replicas { ready, total: 4 }),
            targets: self.targets[side].clone(),
            ..SideSeen::default()
        };
        let next_change = self.next.map(|at| self.at(at));
        let mut seen = Observation {
            sides: Pair { blue: side(ready, Side::Blue), green: side(4, Side::Green) },
            controller: Some(Controller {
                state: self.state,
                steps: self.steps.iter().map(|(share, _)| *share).collect(),
                reached: if self.works.is_some() { self.step.saturating_sub(1) } else { self.step },
                message: self.message.clone(),
                next_change,
            }),
            rollback: self.way_back(),
            can: self.can(),
            ..Observation::of(self.users(), Revision(self.revision.to_string()))
        };
        (self.more)(&mut seen);
        Ok(seen)
    }

    fn users(&self) -> Split {
        Split::toward(Side::Green, self.share)
    }

    fn answers_after(&self) -> Duration {
        Duration::ZERO
    }
}
