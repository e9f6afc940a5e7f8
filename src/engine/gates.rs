//! Gates as the engine sees them: which result counts for the candidate now, and which run is under way.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::command::{Refusal, RefusalKind, Reply};
use super::effect::Effect;
use super::rollout::Stage;
use super::snapshot::GateState;
use super::state::State;
use crate::domain::text::clean;
use crate::domain::{Actor, Digest, Evidence, Fact, GateSpec, LoadRun, Side, Stamp, Verdict};

/// A gate that could not tell is asked again after this long, milliseconds.
const AGAIN_MS: u64 = 15_000;

/// Gate runs under way.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Gates {
    running: BTreeMap<u64, Run>,
    /// Asked for and waiting for their turn: one gate runs at a time, so that no gate disturbs another.
    queue: Vec<String>,
    runs: u64,
    /// The version whose gates a person stopped: they do not begin again by themselves.
    held: Option<Digest>,
}

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Run {
    gate: String,
    side: Side,
    version: Digest,
    done: u64,
    total: u64,
    load: Option<Arc<LoadRun>>,
}

impl Gates {
    pub(super) fn progress(&mut self, run: u64, done: u64, total: u64, load: Option<Arc<LoadRun>>) {
        if let Some(run) = self.running.get_mut(&run) {
            run.done = done;
            run.total = total;
            run.load = load;
        }
    }

    pub(super) fn progress_of(&self, gate: &str) -> Option<(u64, u64)> {
        self.running.values().find(|run| run.gate == gate).map(|run| (run.done, run.total))
    }

    /// How the load of `gate` goes, while it does.
    pub(super) fn load_of(&self, gate: &str) -> Option<&Arc<LoadRun>> {
        self.running.values().find(|run| run.gate == gate)?.load.as_ref()
    }

    fn is_running(&self, gate: &str, version: Option<&Digest>) -> bool {
        self.running.values().any(|run| run.gate == gate && Some(&run.version) == version)
    }
}

impl State {
    /// How `spec` stands for the candidate's version now.
    pub(super) fn gate_state(&self, spec: &GateSpec) -> GateState {
        let Some(version) = self.version_digest(self.candidate()) else { return GateState::Pending };
        let evidence = self.rollout.evidence.get(&spec.name).filter(|(_, evidence)| evidence.version == version);
        let passed = evidence.is_some_and(|(_, evidence)| evidence.verdict == Verdict::Passed);
        let valid = evidence.is_some_and(|(at, _)| self.now.since_ms(*at) <= spec.valid_for_ms);
        let overridden = self.rollout.overridden.iter().any(|over| over.gate == spec.name && over.version == version);
        if passed && valid {
            return GateState::Passed;
        }
        if overridden {
            return GateState::Overridden;
        }
        if self.gates.is_running(&spec.name, Some(&version)) {
            return GateState::Running;
        }
        match evidence.map(|(_, evidence)| evidence.verdict) {
            None => GateState::Pending,
            Some(Verdict::Failed) => GateState::Failed,
            Some(Verdict::NotYet) => GateState::NotYet,
            Some(Verdict::Passed) => GateState::Stale,
        }
    }

    /// Starts the gates that were asked for; the rest wait for their turn.
    pub(super) fn run_gates(&mut self, id: u64, only: &[String]) {
        let names: Vec<String> = self.service.gates.iter().map(|spec| spec.name.clone()).collect();
        if let Some(unknown) = only.iter().find(|name| !names.contains(name)) {
            let text = format!("no gate is named {}; there are: {}", clean(unknown, 40), names.join(", "));
            return self.reply(id, Reply::Refused(Refusal { kind: RefusalKind::Usage, text }));
        }
        let is_manual =
            |name: &String| self.service.gates.iter().any(|spec| spec.name == *name && spec.kind.is_manual());
        if let Some(manual) = only.iter().find(|name| is_manual(name)) {
            let text = format!("gate {manual} cannot be run: a person signs for it with approve");
            return self.reply(id, Reply::Refused(Refusal { kind: RefusalKind::Usage, text }));
        }
        let wanted: Vec<String> =
            names.into_iter().filter(|name| !is_manual(name) && (only.is_empty() || only.contains(name))).collect();
        self.gates.held = None;
        for name in wanted {
            if !self.gates.queue.contains(&name) {
                self.gates.queue.push(name);
            }
        }
        self.start_next_gate();
        self.reply(id, Reply::Done);
    }

    /// Whether any gate runs or waits for its turn.
    pub(super) fn gates_are_busy(&self) -> bool {
        !self.gates.running.is_empty() || !self.gates.queue.is_empty()
    }

    /// Stops every run at once: whoever gives a rollout up wants no more load on the side (law 13).
    pub(super) fn stop_gates(&mut self) {
        self.gates.queue.clear();
        self.out.extend(self.gates.running.keys().map(|run| Effect::StopGate { run: *run }));
    }

    /// Stops every run, and starts none of this version again until a person asks for it.
    pub(super) fn hold_gates(&mut self) {
        if self.gates_are_busy() {
            self.gates.held = self.version_digest(self.candidate());
            self.stop_gates();
        }
    }

    pub(super) fn gate_ended(&mut self, run: u64, mut evidence: Evidence) {
        let Some(run) = self.gates.running.remove(&run) else { return };
        // Reason: what was seen belongs to the version it was seen on; when that was replaced during the run, it belongs to none.
        if self.version_digest(run.side).as_ref() != Some(&run.version) && evidence.verdict != Verdict::NotYet {
            evidence.verdict = Verdict::NotYet;
            evidence.note = "the version changed during the run".into();
        }
        evidence.version = run.version;
        let by = Actor { name: "gate".into(), via: self.me.via.clone() };
        self.record(Fact::Gate { evidence }, by);
        self.start_next_gate();
    }

    /// Starts gates whose result is missing, void or too old, where this process does so by itself.
    pub(super) fn run_missing_gates(&mut self) {
        self.stop_outdated_runs();
        if self.access.drives() && self.may_drive() && !self.gates_are_busy() && self.is_worth_gating() {
            let missing = self.service.gates.iter().find(|spec| self.is_missing(spec)).map(|spec| spec.name.clone());
            self.gates.queue.extend(missing);
        }
        self.start_next_gate();
    }

    fn is_missing(&self, spec: &GateSpec) -> bool {
        if spec.kind.is_manual() {
            return false;
        }
        match self.gate_state(spec) {
            GateState::Pending | GateState::Stale => true,
            GateState::NotYet => {
                self.rollout.evidence.get(&spec.name).is_none_or(|(at, _)| self.now.since_ms(*at) >= AGAIN_MS)
            }
            _ => false,
        }
    }

    /// A version that was given up is not gated again by itself; a new one is.
    fn is_worth_gating(&self) -> bool {
        let candidate = self.candidate();
        if self.gates.held.is_some() && self.gates.held == self.version_digest(candidate) {
            return false;
        }
        let ready = self.sides[candidate].ready().is_some_and(|ready| ready > 0);
        let tried = || {
            let began = self.rollout.began_with.as_ref()?;
            Some(began[candidate].as_ref()?.digest.clone())
        };
        ready
            && match self.rollout.stage {
                Stage::Idle | Stage::Moving => true,
                Stage::Switched => false,
                Stage::Finalized | Stage::Aborted | Stage::RolledBack => {
                    let known = self.version_digest(candidate);
                    known.is_some() && known != tried() && self.rollout.began_with.is_some()
                }
            }
    }

    fn stop_outdated_runs(&mut self) {
        let outdated: Vec<u64> = self
            .gates
            .running
            .iter()
            .filter(|(_, run)| {
                let now = self.version_digest(run.side);
                run.side != self.candidate() || now.is_some_and(|now| now != run.version)
            })
            .map(|(id, _)| *id)
            .collect();
        for run in outdated {
            self.out.push(Effect::StopGate { run });
        }
    }

    fn start_next_gate(&mut self) {
        if !self.gates.running.is_empty() || self.gates.queue.is_empty() {
            return;
        }
        let side = self.candidate();
        let Some(version) = self.version_digest(side) else { return };
        let gate = self.gates.queue.remove(0);
        self.gates.runs += 1;
        let run = self.gates.runs;
        let started = Run { gate: gate.clone(), side, version: version.clone(), done: 0, total: 0, load: None };
        self.gates.running.insert(run, started);
        self.out.push(Effect::RunGate { run, gate, side, version });
    }

    pub(super) fn evidence_age_ms(&self, at: Stamp) -> u64 {
        self.now.since_ms(at)
    }
}
