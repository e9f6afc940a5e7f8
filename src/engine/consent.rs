//! What blocks each command, and the digest that a consent is bound to.

use super::command::{Command, Refusal, RefusalKind, Request};
use super::gates::Gates;
use super::rollout::Stage;
use super::snapshot::{Blocked, GateState};
use super::watch::Serves;
use super::world::World;
use crate::domain::fault::BackendError;
use crate::domain::{ControllerState, Digest, GateSpec, Move, Split};

/// One thing that blocks a command.
pub(super) struct Blocker {
    pub(super) kind: RefusalKind,
    /// One line for the operator.
    pub(super) text: String,
    /// The gate it is about.
    pub(super) gate: Option<String>,
}

impl From<Blocker> for Refusal {
    fn from(blocker: Blocker) -> Self {
        Self { kind: blocker.kind, text: blocker.text }
    }
}

/// What consent is given to and what blocks it, at one moment. The state of each gate is computed once.
pub(super) struct Consent<'a> {
    world: &'a World,
    /// By gate, in the order of the config.
    states: Vec<GateState>,
}

impl<'a> Consent<'a> {
    pub(super) fn new(world: &'a World, gates: &Gates) -> Self {
        let version = world.version_digest(world.candidate());
        let states = world.service.gates.iter().map(|spec| gates.state(world, spec, version.as_ref())).collect();
        Self { world, states }
    }

    pub(super) const fn world(&self) -> &'a World {
        self.world
    }

    /// Each gate with its state for the candidate's version.
    pub(super) fn gates(&self) -> impl Iterator<Item = (&'a GateSpec, GateState)> {
        self.world.service.gates.iter().zip(self.states.iter().copied())
    }

    /// The state digest: observed split, both versions, gate results.
    pub(super) fn digest(&self) -> Digest {
        let mut parts: Vec<String> = Vec::with_capacity(8);
        parts.push(self.world.router.split().map_or_else(|| "unread".into(), |split| split.to_string()));
        for side in crate::domain::Side::BOTH {
            parts.push(self.world.version_digest(side).map_or_else(|| "unknown".into(), |digest| digest.to_string()));
        }
        parts.extend(self.gates().map(|(gate, state)| format!("{}={}", gate.name, state.title())));
        Digest::of(parts)
    }

    /// Everything that blocks `command` now, most important first.
    pub(super) fn blockers(&self, command: &Command) -> Vec<Blocker> {
        let mut found = Vec::new();
        match command {
            Command::Promote | Command::Switch => self.forward_blockers(command, &mut found),
            Command::Abort => {
                self.lease_blocker(&mut found);
                self.system_blocker(Move::Abort, &mut found);
            }
            Command::Rollback => {
                if self.world.access.is_read_only() {
                    push(&mut found, RefusalKind::ReadOnly, "started read-only: this process cannot move traffic");
                }
            }
            Command::Finalize => {
                self.lease_blocker(&mut found);
                self.journal_blocker(&mut found);
                if self.world.rollout().stage != Stage::Switched {
                    push(&mut found, RefusalKind::Usage, "nothing to finalize: no rollback window is open");
                }
                self.system_blocker(Move::Finish, &mut found);
            }
            Command::Retry => {
                self.lease_blocker(&mut found);
                self.journal_blocker(&mut found);
                self.stale_blocker(&mut found);
                self.retry_blocker(&mut found);
            }
            Command::Override { .. } => {
                self.lease_blocker(&mut found);
                self.journal_blocker(&mut found);
                self.stale_blocker(&mut found);
            }
            Command::Pause | Command::Resume | Command::Auto { .. } => {
                self.lease_blocker(&mut found);
                self.journal_blocker(&mut found);
                if self.world.plan_owner().is_some() {
                    command.as_move().into_iter().for_each(|kind| self.system_blocker(kind, &mut found));
                }
            }
            Command::Approve { .. } => {
                self.lease_blocker(&mut found);
                self.journal_blocker(&mut found);
                self.version_blocker(&mut found);
            }
            Command::RunGates { .. } => {
                self.lease_blocker(&mut found);
                self.version_blocker(&mut found);
            }
            Command::Note { .. } => self.journal_blocker(&mut found),
            Command::TakeOver => {
                if self.world.access.is_read_only() {
                    push(&mut found, RefusalKind::ReadOnly, "started read-only: it cannot drive");
                }
            }
        }
        found
    }

    fn forward_blockers(&self, command: &Command, found: &mut Vec<Blocker>) {
        self.lease_blocker(found);
        self.journal_blocker(found);
        self.stale_blocker(found);
        self.busy_blocker(found);
        if let Some(pause) = &self.world.rollout().paused {
            let why = pause.why.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
            push(found, RefusalKind::Paused, &format!("paused{why}; resume first"));
        }
        // Reason: a failed gate is news; a gate that waits is not, and comes last.
        self.gate_blockers(true, found);
        self.drift_blocker(found);
        self.version_blocker(found);
        self.replica_blocker(found);
        self.gate_blockers(false, found);
        if let (Some(target), Some(kind)) = (self.target(command), command.as_move()) {
            if let Some(why) = self.world.capabilities.refuses(target) {
                push(found, RefusalKind::Usage, &why);
            }
            self.system_blocker(kind, found);
        }
        found.sort_by_key(|blocker| blocker.kind);
    }

    /// What the traffic system itself says against `kind`.
    fn system_blocker(&self, kind: Move, found: &mut Vec<Blocker>) {
        if let Some(why) = self.world.refuses(kind) {
            push(found, RefusalKind::Blocked, &format!("the traffic system cannot {kind} now: {why}"));
        }
    }

    fn retry_blocker(&self, found: &mut Vec<Blocker>) {
        match self.world.plan_owner().map(|controller| controller.state) {
            Some(ControllerState::Aborted | ControllerState::Failed) => self.system_blocker(Move::Retry, found),
            Some(_) => push(found, RefusalKind::Usage, "nothing to retry: the controller has given up nothing"),
            None => push(found, RefusalKind::Usage, "nothing to retry: no controller walks a plan here; promote"),
        }
    }

    fn lease_blocker(&self, found: &mut Vec<Blocker>) {
        if self.world.access.is_read_only() {
            push(found, RefusalKind::ReadOnly, "started read-only: this process cannot drive");
        } else if let Some(holder) = &self.world.holder {
            push(found, RefusalKind::ReadOnly, &format!("read-only: {holder} drives (W takes over)"));
        }
    }

    fn journal_blocker(&self, found: &mut Vec<Blocker>) {
        if let Some(fault) = self.world.journal_broken.as_ref().or(self.world.journal_fault.as_ref()) {
            push(found, RefusalKind::Journal, &format!("journal: {fault}"));
        }
    }

    fn stale_blocker(&self, found: &mut Vec<Blocker>) {
        match self.world.router.age_ms(self.world.now) {
            None => {
                let why =
                    self.world.router.fault.as_ref().map_or_else(|| "not read yet".into(), BackendError::when_reading);
                push(found, RefusalKind::Stale, &format!("router: {why}"));
            }
            Some(age) if age > self.world.router_stale_ms() => {
                let why = self
                    .world
                    .router
                    .fault
                    .as_ref()
                    .map(|fault| format!(": {}", fault.when_reading()))
                    .unwrap_or_default();
                push(found, RefusalKind::Stale, &format!("router data is {} s old{why}", age / 1000));
            }
            Some(_) => {}
        }
        let candidate = self.world.candidate();
        match self.world.sides[candidate].replicas.probe_age_ms(self.world.now) {
            None => push(found, RefusalKind::Stale, &format!("{candidate} was not probed yet")),
            Some(age) if self.world.probes_are_old(candidate) => {
                push(found, RefusalKind::Stale, &format!("{candidate}'s probes are {} s old", age / 1000));
            }
            Some(_) => {}
        }
    }

    fn busy_blocker(&self, found: &mut Vec<Blocker>) {
        if let Some(order) = self.world.rollout().unsettled() {
            let text = format!("order {} ({}) is {}", order.order.id, order.order.kind.verb(), order.state.title());
            push(found, RefusalKind::Busy, &text);
        }
    }

    fn drift_blocker(&self, found: &mut Vec<Blocker>) {
        if let Some((_, seen)) = &self.world.router.seen
            && let Some(mixed) = &seen.mixed
        {
            push(found, RefusalKind::Blocked, &format!("router is mixed: {mixed}"));
        }
        let (Some(deviation), Some(desired)) = (self.world.deviation(), self.world.rollout().desired) else { return };
        let text = format!("router says {}, asked was {desired}", deviation.observed);
        if deviation.lasts(self.world.now) {
            push(found, RefusalKind::Blocked, &format!("drift: {text}; roll back, or resume to accept"));
        } else {
            push(found, RefusalKind::Busy, &format!("{text}; whether that is drift is known within 2 s"));
        }
    }

    fn version_blocker(&self, found: &mut Vec<Blocker>) {
        let candidate = self.world.candidate();
        match self.world.sides[candidate].replicas.serves() {
            Serves::Known(_) | Serves::Unsaid => {}
            Serves::Pending(why) => {
                push(found, RefusalKind::Stale, &format!("{candidate}'s version is unknown: {why}"));
            }
            Serves::Disagree(text) => push(found, RefusalKind::Blocked, &format!("{candidate} {text}")),
        }
    }

    fn replica_blocker(&self, found: &mut Vec<Blocker>) {
        let candidate = self.world.candidate();
        if self.world.sides[candidate].replicas.ready() == Some(0) {
            let total = self.world.sides[candidate].replicas.len();
            push(found, RefusalKind::Blocked, &format!("{candidate} 0/{total} ready"));
        }
        if let Some(why) = self.world.unready_at_router(candidate) {
            push(found, RefusalKind::Blocked, &why);
        }
    }

    /// Required gates that do not let pass; those that `failed`, or those that merely have not passed.
    fn gate_blockers(&self, failed: bool, found: &mut Vec<Blocker>) {
        for (spec, state) in self.gates().filter(|(gate, _)| gate.required) {
            let text = match state {
                GateState::Passed | GateState::Overridden => continue,
                GateState::Failed => format!("gate {} FAIL", spec.name),
                GateState::Running => format!("gate {} is running", spec.name),
                GateState::Pending | GateState::Stale if spec.is_manual() => {
                    format!("gate {} waits for a signature (approve)", spec.name)
                }
                GateState::Pending => format!("gate {} has not run on this version", spec.name),
                GateState::Stale => format!("gate {}'s result is too old", spec.name),
                GateState::NotYet => format!("gate {} could not tell yet", spec.name),
            };
            if failed == (state == GateState::Failed) {
                found.push(Blocker { kind: RefusalKind::Blocked, text, gate: Some(spec.name.clone()) });
            }
        }
    }

    /// The split that `command` would ask for; `None` where it asks for none.
    pub(super) fn target(&self, command: &Command) -> Option<Split> {
        let candidate = self.world.candidate();
        match command {
            Command::Promote => Some(Split::toward(candidate, self.world.next_share()?)),
            Command::Switch => Some(Split::all(candidate)),
            Command::Abort | Command::Rollback => Some(Split::all(self.world.origin())),
            // A controller is asked to stop, or to go on, from where it is.
            Command::Pause | Command::Resume | Command::Retry | Command::Finalize => {
                self.world.plan_owner().and_then(|_| self.world.router.split())
            }
            _ => None,
        }
    }

    /// Whether a request's digest is the one of now; `None` where it carried none.
    pub(super) fn digest_refusal(&self, request: &Request) -> Option<Refusal> {
        let expected = request.expect.as_deref()?;
        let digest = self.digest();
        (!digest.matches(expected)).then(|| Refusal {
            kind: RefusalKind::StateChanged,
            text: format!("the state is {} by now, not {expected}; look again, nothing was sent", digest.short()),
        })
    }

    /// What is blocked now, for the status document.
    pub(super) fn blocked(&self) -> Vec<Blocked> {
        let of = |command: &Command| {
            let blocked =
                |it: Blocker| Blocked { command: command.clone(), because: it.text, kind: it.kind, gate: it.gate };
            self.blockers(command).into_iter().map(blocked).collect::<Vec<_>>()
        };
        let is_known = |command: &&Command| **command != Command::Retry || self.world.plan_owner().is_some();
        Command::BLOCKABLE.iter().filter(is_known).flat_map(of).collect()
    }
}

fn push(found: &mut Vec<Blocker>, kind: RefusalKind, text: &str) {
    found.push(Blocker { kind, text: text.to_owned(), gate: None });
}
