//! Requests: from a wish to a refusal, a record or an order.

use super::command::{Command, Refusal, RefusalKind, Reply, Request};
use super::effect::Effect;
use super::rollout::Stage;
use super::snapshot::GateState;
use super::state::State;
use super::wish::Wanted;
use crate::domain::text::clean;
use crate::domain::{Actor, Cause, Fact, Move, Split};

/// The least length of a reason for an override.
pub(crate) const MIN_REASON: usize = 10;

impl State {
    /// Answers one request, at once or when its records are on disk.
    pub(super) fn asked(&mut self, request: Request) {
        let id = request.id;
        // Reason: rollback depends on nothing that could have changed (law 1); the rest is checked against what was on the screen.
        let consent = self.consent();
        let stale = if request.command == Command::Rollback { None } else { consent.digest_refusal(&request) };
        let refusal = stale.or_else(|| Some(consent.blockers(&request.command).into_iter().next()?.into()));
        let target = consent.target(&request.command);
        if let Some(refusal) = refusal {
            let refusal = self.softened(&request.command, refusal);
            return self.reply(id, refusal);
        }
        match request.command {
            Command::Promote | Command::Switch => self.go_forward(request, target),
            Command::Abort => self.abort(request, target),
            Command::Rollback => self.roll_back(request.by, Some(id), request.why, Cause::Operator),
            Command::Pause => self.pause(request, target),
            Command::Resume => self.resume(request, target),
            Command::Retry => self.ask_controller(request, target),
            Command::Override { gate, reason } => self.decide_gate(id, request.by, &gate, &reason, false),
            Command::Approve { gate, reason } => self.decide_gate(id, request.by, &gate, &reason, true),
            Command::Finalize if target.is_some() => self.ask_controller(request, target),
            Command::Finalize => {
                let live = self.world.candidate();
                self.settle_on_disk(id, Fact::Finalized { live }, request.by);
            }
            Command::RunGates { only } => {
                let (reply, wish) = self.gates.ask(&self.world, &only);
                self.carry_out(wish);
                self.reply(id, reply);
            }
            Command::Note { text } => self.settle_on_disk(id, Fact::Note { text: clean(&text, 400) }, request.by),
            Command::Auto { on } => {
                self.walk.set(on);
                self.reply(id, Reply::Done);
            }
            Command::TakeOver if self.world.holder.is_none() => {
                self.reply(id, already("this process drives already".into()));
            }
            Command::TakeOver => {
                self.out.push(Effect::TakeLease);
                self.reply(id, Reply::Done);
            }
        }
    }

    /// The reply to a blocked command: "already so" where the command would change nothing.
    fn softened(&self, command: &Command, refusal: Refusal) -> Reply {
        let reached = match command {
            Command::Promote | Command::Switch => {
                self.world.share() == Some(100) && self.world.rollout().stage != Stage::Idle
            }
            _ => false,
        };
        if reached && refusal.kind != RefusalKind::StateChanged && refusal.kind != RefusalKind::ReadOnly {
            return already(format!("{} already takes all traffic", self.world.candidate()));
        }
        Reply::Refused(refusal)
    }

    fn go_forward(&mut self, request: Request, target: Option<Split>) {
        match target.zip(request.command.as_move()) {
            Some((target, kind)) if self.world.router.split() != Some(target) => {
                self.order(Wanted::of(kind, target, request));
            }
            _ => {
                let text = format!("{} already takes all traffic", self.world.candidate());
                self.reply(request.id, already(text));
            }
        }
    }

    fn abort(&mut self, request: Request, target: Option<Split>) {
        let nothing_moved = self.world.share() == Some(0) && self.world.rollout().unsettled().is_none();
        if self.world.rollout().stage == Stage::Switched {
            let text = "the rollout is complete: roll back instead".to_owned();
            return self.reply(request.id, Reply::Refused(Refusal { kind: RefusalKind::Usage, text }));
        }
        if nothing_moved && self.world.rollout().stage != Stage::Moving {
            // Gates, and the load of one of them, are given up with it.
            let text =
                if self.gates.are_busy() { "nothing had moved: gates stopped" } else { "no rollout is under way" };
            let wishes = self.gates.hold(&self.world);
            self.carry_out(wishes);
            return self.reply(request.id, already(text.into()));
        }
        let Some(target) = target else { return };
        self.order(Wanted::of(Move::Abort, target, request));
    }

    /// Asks the controller that walks the plan for what the command means.
    fn ask_controller(&mut self, request: Request, target: Option<Split>) {
        if let (Some(target), Some(kind)) = (target, request.command.as_move()) {
            self.order(Wanted::of(kind, target, request));
        }
    }

    fn pause(&mut self, request: Request, target: Option<Split>) {
        let id = request.id;
        if matches!(self.world.rollout().stage, Stage::Finalized | Stage::Aborted | Stage::RolledBack) {
            return self.reply(id, already("no rollout is under way: nothing to pause".into()));
        }
        if self.world.rollout().paused.is_some() {
            return self.reply(id, already("already paused".into()));
        }
        if target.is_some() {
            return self.ask_controller(request, target);
        }
        let why = request.why.map(|text| clean(&text, 200));
        self.settle_on_disk(id, Fact::Paused { why, cause: Some(Cause::Operator) }, request.by);
    }

    fn resume(&mut self, request: Request, target: Option<Split>) {
        let is_paused = self.world.rollout().paused.is_some();
        if is_paused && target.is_some() && self.world.drift().is_none() {
            return self.ask_controller(request, target);
        }
        let (id, by) = (request.id, request.by);
        let late = self.orders.accept_late(&self.world, &by.name);
        let is_late = late.is_some();
        let observed = self.world.router.split().filter(|_| is_late || self.world.drift().is_some());
        if let Some(fact) = late {
            self.record(fact, by.clone());
        }
        if let Some(split) = observed {
            self.world.router.drift = None;
            let adopted = Fact::Adopted { split, origin: Some(self.world.origin()) };
            self.settle_on_disk(id, adopted, by.clone());
        }
        match (is_paused, observed.is_some()) {
            (true, true) => self.record(Fact::Resumed, by),
            (true, false) => self.settle_on_disk(id, Fact::Resumed, by),
            (false, true) => {}
            (false, false) => self.reply(id, already("not paused".into())),
        }
        self.guards.rearm();
    }

    /// A person lets a gate pass: signs for a manual one, or overrides any.
    fn decide_gate(&mut self, id: u64, by: Actor, gate: &str, reason: &str, signs: bool) {
        let reply = match self.gate_decision(gate, reason, signs) {
            Ok(fact) => return self.settle_on_disk(id, fact, by),
            Err(reply) => reply,
        };
        self.reply(id, reply);
    }

    /// The fact that records the decision, or the reply where there is nothing to decide.
    fn gate_decision(&self, gate: &str, reason: &str, signs: bool) -> Result<Fact, Reply> {
        let refusal = |text: String| Err(Reply::Refused(Refusal { kind: RefusalKind::Usage, text }));
        let gates = || self.world.service.gates.iter().filter(|spec| !signs || spec.is_manual());
        let Some(spec) = gates().find(|spec| spec.name == gate) else {
            let names: Vec<&str> = gates().map(|spec| spec.name.as_str()).collect();
            let there = match names.join(", ") {
                none if none.is_empty() => "there are none".to_owned(),
                names => format!("there are: {names}"),
            };
            let gate = clean(gate, 40);
            return refusal(if signs {
                format!("{gate} is no gate that a person signs; {there}")
            } else {
                format!("no gate is named {gate}; {there}")
            });
        };
        let (reason, gate) = (clean(reason.trim(), 200), spec.name.clone());
        if reason.chars().count() < MIN_REASON {
            let what = if signs { "a signature" } else { "an override" };
            return refusal(format!("{what} needs a reason of at least {MIN_REASON} characters"));
        }
        let version = self.world.version_digest(self.world.candidate());
        if self.gates.state(&self.world, spec, version.as_ref()) == GateState::Passed {
            let is = if signs { "is signed already" } else { "has passed; nothing to override" };
            return Err(already(format!("gate {gate} {is}")));
        }
        match version {
            None => refusal("the candidate's version is not known yet".into()),
            Some(version) if signs => Ok(Fact::Approved { gate, version, reason }),
            Some(version) => Ok(Fact::Overridden { gate, version, reason }),
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
