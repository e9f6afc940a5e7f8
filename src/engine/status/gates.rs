//! The gates, for the snapshot.

use std::sync::Arc;

use super::seconds;
use crate::domain::GateSpec;
use crate::domain::text::clean;
use crate::engine::detail::GateLoad;
use crate::engine::snapshot::{GateState, GateStatus};
use crate::engine::state::State;

impl State {
    /// Loads under way, and those that went on the candidate's version.
    pub(super) fn loads(&self) -> Vec<GateLoad> {
        let candidate = self.world.version_digest(self.world.candidate());
        let of_gate = |spec: &GateSpec| {
            let running = self.gates.load_of(&spec.name);
            let went = || {
                let (_, evidence) = self.world.rollout().evidence.get(&spec.name)?;
                evidence.load.as_ref().filter(|_| Some(&evidence.version) == candidate.as_ref())
            };
            let run = Arc::clone(running.or_else(went)?);
            Some(GateLoad { gate: spec.name.clone(), running: running.is_some(), run })
        };
        self.world.service.gates.iter().filter_map(of_gate).collect()
    }

    pub(super) fn gate_status(&self, spec: &GateSpec, status: GateState) -> GateStatus {
        let candidate = self.world.version_digest(self.world.candidate());
        let seen = self.world.rollout().evidence.get(&spec.name);
        let current = seen.filter(|(_, evidence)| Some(&evidence.version) == candidate.as_ref());
        let evidence = current.map(|(_, evidence)| evidence);
        let void = seen.is_some() && current.is_none();
        // A load that runs shows the p99 so far, in place of an older run's.
        let load = self.gates.load_of(&spec.name).filter(|_| status == GateState::Running);
        if let Some(load) = load {
            return GateStatus {
                name: spec.name.clone(),
                kind: spec.kind.clone(),
                required: spec.required,
                status,
                value: load.p99_ms,
                limit: Some(load.limit_ms),
                at_least: false,
                unit: "ms".into(),
                samples: load.finished,
                age_s: None,
                version_digest: None,
                note: load.line(),
                details: Vec::new(),
            };
        }
        GateStatus {
            name: spec.name.clone(),
            kind: spec.kind.clone(),
            required: spec.required,
            status,
            value: evidence.and_then(|evidence| evidence.value),
            limit: evidence.and_then(|evidence| evidence.limit),
            at_least: evidence.is_some_and(|evidence| evidence.at_least),
            unit: evidence.map(|evidence| evidence.unit.clone()).unwrap_or_default(),
            samples: evidence.map_or(0, |evidence| evidence.samples),
            age_s: current.map(|(at, _)| seconds(self.world.now.since_ms(*at))),
            version_digest: evidence.map(|evidence| evidence.version.to_string()),
            note: self.gate_note(spec, status, void),
            details: evidence.map(|evidence| evidence.details.clone()).unwrap_or_default(),
        }
    }

    fn gate_note(&self, spec: &GateSpec, status: GateState, void: bool) -> String {
        if status == GateState::Overridden
            && let Some(over) = self.world.rollout().overridden.iter().rev().find(|over| over.gate == spec.name)
        {
            return clean(&format!("by {}: {}", over.by, over.reason), 120);
        }
        if let Some(load) = self.gates.load_of(&spec.name) {
            return load.line();
        }
        if let Some((done, total)) = self.gates.progress_of(&spec.name) {
            let share = (done * 100).checked_div(total);
            return share.map_or_else(|| "starting".into(), |percent| format!("{percent}% of {total}"));
        }
        match self.world.rollout().evidence.get(&spec.name) {
            Some((_, evidence)) if !void => evidence.note.clone(),
            Some(_) => "was for another version".into(),
            None => String::new(),
        }
    }
}
