//! Gates as the engine sees them: which result counts for the candidate now, and which run is under way.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::command::{Refusal, RefusalKind, Reply};
use super::detail::GateTrail;
use super::effect::Effect;
use super::rollout::Stage;
use super::snapshot::GateState;
use super::trail::Trails;
use super::wish::Wish;
use super::world::World;
use crate::domain::text::clean;
use crate::domain::{Actor, Digest, Evidence, Fact, GateSpec, LoadRun, Record, Side, Verdict};

/// A gate whose verdict was "not yet" runs again after this long, milliseconds.
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
    /// The states of each gate over time.
    trails: Trails,
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

    /// Whether any gate runs or waits for its turn.
    pub(super) fn are_busy(&self) -> bool {
        !self.running.is_empty() || !self.queue.is_empty()
    }

    /// The state of `spec` for `version`, the candidate's.
    pub(super) fn state(&self, world: &World, spec: &GateSpec, version: Option<&Digest>) -> GateState {
        let Some(version) = version else { return GateState::Pending };
        let rollout = world.rollout();
        let evidence = rollout.evidence.get(&spec.name).filter(|(_, evidence)| evidence.version == *version);
        let passed = evidence.is_some_and(|(_, evidence)| evidence.verdict == Verdict::Passed);
        let valid = evidence.is_some_and(|(at, _)| world.now.since_ms(*at) <= spec.valid_for_ms);
        if passed && valid {
            return GateState::Passed;
        }
        if rollout.overridden.iter().any(|over| over.gate == spec.name && over.version == *version) {
            return GateState::Overridden;
        }
        if self.is_running(&spec.name, Some(version)) {
            return GateState::Running;
        }
        match evidence.map(|(_, evidence)| evidence.verdict) {
            None => GateState::Pending,
            Some(Verdict::Failed) => GateState::Failed,
            Some(Verdict::NotYet) => GateState::NotYet,
            Some(Verdict::Passed) => GateState::Stale,
        }
    }

    /// A record was folded: the end of a run, or a signature, is a point of the gate's history.
    pub(super) fn recorded(&mut self, world: &World, record: &Record) {
        let gate = match &record.fact {
            Fact::Gate { evidence } => &evidence.gate,
            Fact::Approved { gate, .. } => gate,
            _ => return,
        };
        if let Some((_, evidence)) = world.rollout().evidence.get(gate) {
            self.trails.ended(evidence);
        }
    }

    /// Starts the gates that were asked for; the rest wait for their turn.
    pub(super) fn ask(&mut self, world: &World, only: &[String]) -> (Reply, Option<Wish>) {
        let refused = |text: String| (Reply::Refused(Refusal { kind: RefusalKind::Usage, text }), None);
        let gates = &world.service.gates;
        if let Some(unknown) = only.iter().find(|name| gates.iter().all(|spec| spec.name != **name)) {
            let names: Vec<&str> = gates.iter().map(|spec| spec.name.as_str()).collect();
            return refused(format!("no gate is named {}; there are: {}", clean(unknown, 40), names.join(", ")));
        }
        let is_wanted = |spec: &&GateSpec| only.is_empty() || only.contains(&spec.name);
        let (manual, wanted): (Vec<&GateSpec>, Vec<&GateSpec>) =
            gates.iter().filter(is_wanted).partition(|spec| spec.is_manual());
        if let (Some(manual), false) = (manual.first(), only.is_empty()) {
            return refused(format!("gate {} cannot be run: a person signs for it with approve", manual.name));
        }
        self.held = None;
        for spec in wanted {
            if !self.queue.contains(&spec.name) {
                self.queue.push(spec.name.clone());
            }
        }
        (Reply::Done, self.start_next(world))
    }

    /// Stops every run at once: a rollout that is given up puts no more load on the side (law 13).
    pub(super) fn stop(&mut self) -> Vec<Wish> {
        self.queue.clear();
        self.running.keys().map(|run| Wish::Do(Effect::StopGate { run: *run })).collect()
    }

    /// Stops every run. No run of this version starts again until a person asks for it.
    pub(super) fn hold(&mut self, world: &World) -> Vec<Wish> {
        if !self.are_busy() {
            return Vec::new();
        }
        self.held = world.version_digest(world.candidate());
        self.stop()
    }

    /// A run ended with `evidence`.
    pub(super) fn ended(&mut self, world: &World, run: u64, mut evidence: Evidence) -> Vec<Wish> {
        let Some(run) = self.running.remove(&run) else { return Vec::new() };
        // Reason: evidence belongs to the version it was seen on; when that was replaced during the run, to none.
        if world.version_digest(run.side).as_ref() != Some(&run.version) && evidence.verdict != Verdict::NotYet {
            evidence.verdict = Verdict::NotYet;
            evidence.note = "the version changed during the run".into();
        }
        evidence.version = run.version;
        let by = Actor { name: "gate".into(), via: world.me.via.clone() };
        let mut wishes = vec![Wish::Record(Fact::Gate { evidence }, by)];
        wishes.extend(self.start_next(world));
        wishes
    }

    /// Once a second: stops runs on a version that was replaced, and starts gates whose result is missing, void or too
    /// old, where this process does so by itself.
    pub(super) fn tick(&mut self, world: &World) -> Vec<Wish> {
        let mut wishes = self.stop_outdated(world);
        if world.access.drives() && world.may_drive() && !self.are_busy() && self.is_worth_gating(world) {
            let version = world.version_digest(world.candidate());
            let is_missing = |spec: &&GateSpec| self.is_missing(world, spec, version.as_ref());
            let missing = world.service.gates.iter().find(is_missing).map(|spec| spec.name.clone());
            self.queue.extend(missing);
        }
        wishes.extend(self.start_next(world));
        self.note(world);
        wishes
    }

    fn is_missing(&self, world: &World, spec: &GateSpec, version: Option<&Digest>) -> bool {
        if spec.is_manual() {
            return false;
        }
        match self.state(world, spec, version) {
            GateState::Pending | GateState::Stale => true,
            GateState::NotYet => {
                let evidence = world.rollout().evidence.get(&spec.name);
                evidence.is_none_or(|(at, _)| world.now.since_ms(*at) >= AGAIN_MS)
            }
            _ => false,
        }
    }

    /// A version that was given up is not gated again by itself; a new one is.
    fn is_worth_gating(&self, world: &World) -> bool {
        let candidate = world.candidate();
        if self.held.is_some() && self.held == world.version_digest(candidate) {
            return false;
        }
        let ready = world.sides[candidate].replicas.ready().is_some_and(|ready| ready > 0);
        let tried = || {
            let began = world.rollout().began_with.as_ref()?;
            Some(began[candidate].as_ref()?.digest.clone())
        };
        ready
            && match world.rollout().stage {
                Stage::Idle | Stage::Moving => true,
                Stage::Switched => false,
                Stage::Finalized | Stage::Aborted | Stage::RolledBack => {
                    let known = world.version_digest(candidate);
                    known.is_some() && known != tried() && world.rollout().began_with.is_some()
                }
            }
    }

    fn stop_outdated(&self, world: &World) -> Vec<Wish> {
        let is_outdated = |run: &Run| {
            let now = world.version_digest(run.side);
            run.side != world.candidate() || now.is_some_and(|now| now != run.version)
        };
        let outdated = self.running.iter().filter(|(_, run)| is_outdated(run));
        outdated.map(|(run, _)| Wish::Do(Effect::StopGate { run: *run })).collect()
    }

    fn start_next(&mut self, world: &World) -> Option<Wish> {
        if !self.running.is_empty() || self.queue.is_empty() {
            return None;
        }
        let side = world.candidate();
        let version = world.version_digest(side)?;
        let gate = self.queue.remove(0);
        self.runs += 1;
        let run = self.runs;
        let started = Run { gate: gate.clone(), side, version: version.clone(), done: 0, total: 0, load: None };
        self.running.insert(run, started);
        Some(Wish::Do(Effect::RunGate { run, gate, side, version }))
    }

    /// Notes gates whose state has changed without the end of a run: begun, too old, overridden, void for a new version.
    fn note(&mut self, world: &World) {
        // Before the version is known nothing can be said of any gate.
        let Some(version) = world.version_digest(world.candidate()) else { return };
        for spec in &world.service.gates {
            let state = self.state(world, spec, Some(&version));
            if self.trails.last(&spec.name).unwrap_or(GateState::Pending) == state {
                continue;
            }
            let seen = world.rollout().evidence.get(&spec.name).map(|(_, evidence)| evidence);
            let seen = seen.filter(|evidence| evidence.version == version && state != GateState::Running);
            self.trails.changed(&spec.name, state, seen, world.now.wall);
        }
    }

    /// Each gate's history, for the screen.
    pub(super) fn trails(&mut self) -> Arc<Vec<GateTrail>> {
        self.trails.shared()
    }
}
