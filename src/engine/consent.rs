//! What stands in the way of each command, and the digest a consent is bound to.

use super::command::{Command, Refusal, RefusalKind, Request};
use super::rollout::Stage;
use super::snapshot::{Blocked, GateState};
use super::state::State;
use super::watch::Serves;
use crate::domain::fault::BackendError;
use crate::domain::{Digest, Split};

/// One thing that stands in the way of a command.
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

impl State {
    /// The state digest: observed split, both versions, gate results.
    pub fn digest(&self) -> Digest {
        let mut parts: Vec<String> = Vec::with_capacity(8);
        parts.push(self.router.split().map_or_else(|| "unread".into(), |split| split.to_string()));
        for side in crate::domain::Side::BOTH {
            parts.push(self.version_digest(side).map_or_else(|| "unknown".into(), |digest| digest.to_string()));
        }
        for gate in &self.service.gates {
            parts.push(format!("{}={}", gate.name, self.gate_state(gate).title()));
        }
        Digest::of(parts)
    }

    /// Everything that stands in the way of `command` now, most important first.
    pub(super) fn blockers(&self, command: &Command) -> Vec<Blocker> {
        let mut found = Vec::new();
        match command {
            Command::Promote | Command::Switch => self.forward_blockers(command, &mut found),
            Command::Abort => {
                self.lease_blocker(&mut found);
                if !self.capabilities.abort {
                    push(&mut found, RefusalKind::Usage, "this traffic system cannot abort a step");
                }
            }
            Command::Rollback => {
                if self.access.is_read_only() {
                    push(&mut found, RefusalKind::ReadOnly, "started read-only: this process cannot move traffic");
                }
            }
            Command::Finalize => {
                self.lease_blocker(&mut found);
                self.journal_blocker(&mut found);
                if self.rollout.stage != Stage::Switched {
                    push(&mut found, RefusalKind::Usage, "nothing to finalize: no rollback window is open");
                }
            }
            Command::Override { .. } => {
                self.lease_blocker(&mut found);
                self.journal_blocker(&mut found);
                self.stale_blocker(&mut found);
            }
            Command::Pause | Command::Resume | Command::Auto { .. } => {
                self.lease_blocker(&mut found);
                self.journal_blocker(&mut found);
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
                if self.access.is_read_only() {
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
        if let Some(pause) = &self.rollout.paused {
            let why = pause.why.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
            push(found, RefusalKind::Paused, &format!("paused{why}; resume first"));
        }
        // Reason: a failed gate is the news; what merely waits comes last.
        self.gate_blockers(true, found);
        self.drift_blocker(found);
        self.version_blocker(found);
        self.replica_blocker(found);
        self.gate_blockers(false, found);
        if let (Some(target), Some(kind)) = (self.target(command), command.as_move())
            && let Some(why) = self.capabilities.refuses(kind, target)
        {
            push(found, RefusalKind::Usage, &why);
        }
        found.sort_by_key(|blocker| blocker.kind);
    }

    fn lease_blocker(&self, found: &mut Vec<Blocker>) {
        if self.access.is_read_only() {
            push(found, RefusalKind::ReadOnly, "started read-only: this process cannot drive");
        } else if let Some(holder) = &self.holder {
            push(found, RefusalKind::ReadOnly, &format!("read-only: {holder} drives (W takes over)"));
        }
    }

    fn journal_blocker(&self, found: &mut Vec<Blocker>) {
        if let Some(fault) = self.journal_broken.as_ref().or(self.journal_fault.as_ref()) {
            push(found, RefusalKind::Journal, &format!("journal: {fault}"));
        }
    }

    fn stale_blocker(&self, found: &mut Vec<Blocker>) {
        match self.router.age_ms(self.now) {
            None => {
                let why = self.router.fault.as_ref().map_or_else(|| "not read yet".into(), BackendError::when_reading);
                push(found, RefusalKind::Stale, &format!("router: {why}"));
            }
            Some(age) if age > self.service.stale_after_ms => {
                let why =
                    self.router.fault.as_ref().map(|fault| format!(": {}", fault.when_reading())).unwrap_or_default();
                push(found, RefusalKind::Stale, &format!("router data is {} s old{why}", age / 1000));
            }
            Some(_) => {}
        }
        let candidate = self.candidate();
        match self.sides[candidate].probe_age_ms(self.now) {
            None => push(found, RefusalKind::Stale, &format!("{candidate} was not probed yet")),
            // Reason: a failing replica is probed less often (back-off, up to 8 intervals), which is no staleness.
            Some(age) if age > self.service.stale_after_ms + 8 * self.service.probe.interval_ms => {
                push(found, RefusalKind::Stale, &format!("{candidate}'s probes are {} s old", age / 1000));
            }
            Some(_) => {}
        }
    }

    fn busy_blocker(&self, found: &mut Vec<Blocker>) {
        if let Some(order) = self.rollout.unsettled() {
            let text = format!("order {} ({}) is {}", order.order.id, order.order.kind.verb(), order.state.title());
            push(found, RefusalKind::Busy, &text);
        }
    }

    fn drift_blocker(&self, found: &mut Vec<Blocker>) {
        if let Some((_, seen)) = &self.router.seen
            && let Some(mixed) = &seen.mixed
        {
            push(found, RefusalKind::Blocked, &format!("router is mixed: {mixed}"));
        }
        let (Some(deviation), Some(desired)) = (self.deviation(), self.rollout.desired) else { return };
        let text = format!("router says {}, asked was {desired}", deviation.observed);
        if deviation.lasts(self.now) {
            push(found, RefusalKind::Blocked, &format!("drift: {text}; roll back, or resume to accept"));
        } else {
            push(found, RefusalKind::Busy, &format!("{text}; whether that is drift is known within 2 s"));
        }
    }

    fn version_blocker(&self, found: &mut Vec<Blocker>) {
        let candidate = self.candidate();
        match self.sides[candidate].serves() {
            Serves::Known(_) | Serves::Unsaid => {}
            Serves::Pending(why) => {
                push(found, RefusalKind::Stale, &format!("{candidate}'s version is unknown: {why}"));
            }
            Serves::Disagree(text) => push(found, RefusalKind::Blocked, &format!("{candidate} {text}")),
        }
    }

    fn replica_blocker(&self, found: &mut Vec<Blocker>) {
        let candidate = self.candidate();
        if self.sides[candidate].ready() == Some(0) {
            let total = self.sides[candidate].replicas.len();
            push(found, RefusalKind::Blocked, &format!("{candidate} 0/{total} ready"));
        }
    }

    /// Required gates that do not let pass; those that `failed`, or those that merely have not passed.
    fn gate_blockers(&self, failed: bool, found: &mut Vec<Blocker>) {
        for spec in self.service.gates.iter().filter(|gate| gate.required) {
            let state = self.gate_state(spec);
            let text = match state {
                GateState::Passed | GateState::Overridden => continue,
                GateState::Failed => format!("gate {} FAIL", spec.name),
                GateState::Running => format!("gate {} is running", spec.name),
                GateState::Pending | GateState::Stale if spec.kind.is_manual() => {
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
        let candidate = self.candidate();
        match command {
            Command::Promote => {
                let (_, share) = self.service.plan.next_after(self.share()?)?;
                Some(Split::toward(candidate, share))
            }
            Command::Switch => Some(Split::all(candidate)),
            Command::Abort | Command::Rollback => Some(Split::all(self.origin())),
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
        Command::BLOCKABLE.iter().flat_map(of).collect()
    }
}

fn push(found: &mut Vec<Blocker>, kind: RefusalKind, text: &str) {
    found.push(Blocker { kind, text: text.to_owned(), gate: None });
}
