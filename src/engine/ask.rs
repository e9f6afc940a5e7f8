//! Requests: from a wish to a refusal, a record or an order.

use super::command::{Command, Refusal, RefusalKind, Reply, Request};
use super::effect::Effect;
use super::orders::Wanted;
use super::rollout::Stage;
use super::snapshot::GateState;
use super::state::State;
use crate::domain::text::clean;
use crate::domain::{Actor, Cause, Fact, Move};

/// The least length of a reason for an override.
pub const MIN_REASON: usize = 10;

impl State {
    /// Answers one request, at once or when its records are on disk.
    pub(super) fn asked(&mut self, request: Request) {
        let id = request.id;
        // Reason: rollback depends on nothing that could have changed (law 1); the rest is checked against what was on the screen.
        let stale = if request.command == Command::Rollback { None } else { self.digest_refusal(&request) };
        if let Some(refusal) = stale.or_else(|| Some(self.blockers(&request.command).into_iter().next()?.into())) {
            let refusal = self.softened(&request.command, refusal);
            return self.reply(id, refusal);
        }
        match request.command {
            Command::Promote | Command::Switch => self.go_forward(request),
            Command::Abort => self.abort(request),
            Command::Rollback => self.roll_back(request.by, Some(id), request.why, Cause::Operator),
            Command::Pause => self.pause(id, request.by, request.why),
            Command::Resume => self.resume(id, request.by),
            Command::Override { gate, reason } => self.override_gate(id, request.by, &gate, &reason),
            Command::Approve { gate, reason } => self.approve(id, request.by, &gate, &reason),
            Command::Finalize => {
                let live = self.candidate();
                self.settle_on_disk(id, Fact::Finalized { live }, request.by);
            }
            Command::RunGates { only } => self.run_gates(id, &only),
            Command::Note { text } => self.settle_on_disk(id, Fact::Note { text: clean(&text, 400) }, request.by),
            Command::Auto { on } => {
                self.auto = on;
                self.reply(id, Reply::Done);
            }
            Command::TakeOver if self.holder.is_none() => {
                self.reply(id, already("this process drives already".into()));
            }
            Command::TakeOver => {
                self.out.push(Effect::TakeLease);
                self.reply(id, Reply::Done);
            }
        }
    }

    /// What is already so is no refusal, whatever stands in the way of doing it again.
    fn softened(&self, command: &Command, refusal: Refusal) -> Reply {
        let reached = match command {
            Command::Promote | Command::Switch => self.share() == Some(100) && self.rollout.stage != Stage::Idle,
            _ => false,
        };
        if reached && refusal.kind != RefusalKind::StateChanged && refusal.kind != RefusalKind::ReadOnly {
            return already(format!("{} already takes all traffic", self.candidate()));
        }
        Reply::Refused(refusal)
    }

    fn go_forward(&mut self, request: Request) {
        match self.target(&request.command).zip(request.command.as_move()) {
            Some((target, kind)) if self.router.split() != Some(target) => {
                self.order(Wanted::of(kind, target, request));
            }
            _ => {
                let text = format!("{} already takes all traffic", self.candidate());
                self.reply(request.id, already(text));
            }
        }
    }

    fn abort(&mut self, request: Request) {
        let nothing_moved = self.share() == Some(0) && self.rollout.unsettled().is_none();
        if self.rollout.stage == Stage::Switched {
            let text = "the rollout is complete: roll back instead".to_owned();
            return self.reply(request.id, Reply::Refused(Refusal { kind: RefusalKind::Usage, text }));
        }
        if nothing_moved && self.rollout.stage != Stage::Moving {
            // Gates, and the load of one of them, are given up with it.
            let text =
                if self.gates_are_busy() { "nothing had moved: gates stopped" } else { "no rollout is under way" };
            self.hold_gates();
            return self.reply(request.id, already(text.into()));
        }
        let Some(target) = self.target(&Command::Abort) else { return };
        self.order(Wanted::of(Move::Abort, target, request));
    }

    /// Orders all traffic back; the fastest thing here, and never refused but in a read-only process.
    pub(super) fn roll_back(&mut self, by: Actor, request: Option<u64>, why: Option<String>, cause: Cause) {
        let running = self.rollout.unsettled().is_some_and(|order| order.order.kind == Move::Rollback);
        let reply = if running && self.pending.as_ref().is_some_and(|pending| pending.order.kind == Move::Rollback) {
            Some("a rollback is already under way".to_owned())
        } else if self.rollback_is_needed() {
            None
        } else {
            Some(format!("nothing to roll back: {} already takes all traffic", self.origin()))
        };
        match (reply, request) {
            (Some(text), Some(id)) => self.reply(id, already(text)),
            (Some(_), None) => {}
            (None, request) => {
                let Some(target) = self.target(&Command::Rollback) else { return };
                self.order(Wanted { kind: Move::Rollback, target, by, request, why, cause });
            }
        }
    }

    /// Whether a rollback would change anything, or might: an order that is not settled may still move traffic.
    pub(super) fn rollback_is_needed(&self) -> bool {
        let fresh = self.router.age_ms(self.now).is_some_and(|age| age <= self.service.stale_after_ms);
        let moved = self.share() != Some(0);
        // Reason: of nodes that disagree, one may still send traffic to the other side.
        let mixed = self.router.seen.as_ref().is_some_and(|(_, seen)| seen.mixed.is_some());
        moved
            || mixed
            || !fresh
            || self.rollout.unsettled().is_some()
            || matches!(self.rollout.stage, Stage::Moving | Stage::Switched)
    }

    fn pause(&mut self, id: u64, by: Actor, why: Option<String>) {
        if matches!(self.rollout.stage, Stage::Finalized | Stage::Aborted | Stage::RolledBack) {
            return self.reply(id, already("no rollout is under way: nothing to pause".into()));
        }
        if self.rollout.paused.is_some() {
            return self.reply(id, already("already paused".into()));
        }
        self.settle_on_disk(
            id,
            Fact::Paused { why: why.map(|text| clean(&text, 200)), cause: Some(Cause::Operator) },
            by,
        );
    }

    fn resume(&mut self, id: u64, by: Actor) {
        let drift = self.drift();
        if let Some(drift) = drift {
            self.router.drift = None;
            let adopted = Fact::Adopted { split: drift.observed, origin: Some(self.origin()) };
            self.settle_on_disk(id, adopted, by.clone());
        }
        match (self.rollout.paused.is_some(), drift.is_some()) {
            (true, true) => self.record(Fact::Resumed, by),
            (true, false) => self.settle_on_disk(id, Fact::Resumed, by),
            (false, true) => {}
            (false, false) => self.reply(id, already("not paused".into())),
        }
        self.guards.rearm();
    }

    fn override_gate(&mut self, id: u64, by: Actor, gate: &str, reason: &str) {
        let reason = clean(reason.trim(), 200);
        let refusal = |text: String| Reply::Refused(Refusal { kind: RefusalKind::Usage, text });
        let Some(spec) = self.service.gates.iter().find(|spec| spec.name == gate).cloned() else {
            let names: Vec<&str> = self.service.gates.iter().map(|spec| spec.name.as_str()).collect();
            return self
                .reply(id, refusal(format!("no gate is named {}; there are: {}", clean(gate, 40), names.join(", "))));
        };
        if reason.chars().count() < MIN_REASON {
            return self.reply(id, refusal(format!("an override needs a reason of at least {MIN_REASON} characters")));
        }
        if self.gate_state(&spec) == GateState::Passed {
            return self.reply(id, already(format!("gate {gate} has passed; nothing to override")));
        }
        match self.version_digest(self.candidate()) {
            Some(version) => self.settle_on_disk(id, Fact::Overridden { gate: spec.name, version, reason }, by),
            None => self.reply(id, refusal("the candidate's version is not known yet".into())),
        }
    }

    fn approve(&mut self, id: u64, by: Actor, gate: &str, reason: &str) {
        let reason = clean(reason.trim(), 200);
        let refusal = |text: String| Reply::Refused(Refusal { kind: RefusalKind::Usage, text });
        let manual = self.service.gates.iter().find(|spec| spec.name == gate && spec.kind.is_manual()).cloned();
        let Some(spec) = manual else {
            let signed = self.service.gates.iter().filter(|spec| spec.kind.is_manual());
            let names: Vec<&str> = signed.map(|spec| spec.name.as_str()).collect();
            let there =
                if names.is_empty() { "there are none".into() } else { format!("there are: {}", names.join(", ")) };
            return self.reply(id, refusal(format!("{} is no gate that a person signs; {there}", clean(gate, 40))));
        };
        if reason.chars().count() < MIN_REASON {
            return self.reply(id, refusal(format!("a signature needs a reason of at least {MIN_REASON} characters")));
        }
        if self.gate_state(&spec) == GateState::Passed {
            return self.reply(id, already(format!("gate {gate} is signed already")));
        }
        match self.version_digest(self.candidate()) {
            Some(version) => self.settle_on_disk(id, Fact::Approved { gate: spec.name, version, reason }, by),
            None => self.reply(id, refusal("the candidate's version is not known yet".into())),
        }
    }

    /// Folds and writes a fact whose request is answered when it is on disk.
    fn settle_on_disk(&mut self, id: u64, fact: Fact, by: Actor) {
        let record = self.fold(fact, by);
        self.awaiting_disk.push(id);
        self.out.push(Effect::Journal { records: vec![record], ticket: Some(id) });
    }
}

fn already(text: String) -> Reply {
    Reply::AlreadySo { text }
}
