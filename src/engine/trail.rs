//! The state of each gate over time, for the time cursor and the trend of its values.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::detail::{GatePoint, GateTrail};
use super::snapshot::GateState;
use crate::domain::{Evidence, Verdict};

/// Points kept per gate: an hour of a gate that is asked again every 15 seconds, each run being two.
const POINTS: usize = 480;
/// Gates kept: what is in the journal may name any.
const GATES: usize = 100;

/// The states of each gate over time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Trails {
    gates: BTreeMap<String, VecDeque<GatePoint>>,
    /// Made once per change.
    shared: Option<Arc<Vec<GateTrail>>>,
}

impl Trails {
    /// A run ended, here or in another process, now or long ago.
    pub(super) fn ended(&mut self, evidence: &Evidence) {
        let state = match evidence.verdict {
            Verdict::Passed => GateState::Passed,
            Verdict::Failed => GateState::Failed,
            Verdict::NotYet => GateState::NotYet,
        };
        let (value, samples, note) = (evidence.value, evidence.samples, evidence.note.clone());
        self.put(&evidence.gate, GatePoint { at: evidence.at, state, value, samples, note, run: true });
    }

    /// The state changed without a run's end; `seen` is the evidence behind it.
    pub(super) fn changed(&mut self, gate: &str, state: GateState, seen: Option<&Evidence>, at: DateTime<Utc>) {
        let point = GatePoint {
            at,
            state,
            value: seen.and_then(|evidence| evidence.value),
            samples: seen.map_or(0, |evidence| evidence.samples),
            note: seen.map(|evidence| evidence.note.clone()).unwrap_or_default(),
            run: false,
        };
        self.put(gate, point);
    }

    /// The state that was noted last.
    pub(super) fn last(&self, gate: &str) -> Option<GateState> {
        self.gates.get(gate)?.back().map(|point| point.state)
    }

    fn put(&mut self, gate: &str, point: GatePoint) {
        if !self.gates.contains_key(gate) && self.gates.len() >= GATES {
            return;
        }
        let points = self.gates.entry(gate.to_owned()).or_default();
        let at = points.iter().rposition(|before| before.at <= point.at).map_or(0, |before| before + 1);
        points.insert(at, point);
        if points.len() > POINTS {
            points.pop_front();
        }
        self.shared = None;
    }

    /// For the screen.
    pub(super) fn shared(&mut self) -> Arc<Vec<GateTrail>> {
        let gates = &self.gates;
        let make = || {
            gates
                .iter()
                .map(|(gate, points)| GateTrail { gate: gate.clone(), points: points.iter().cloned().collect() })
        };
        Arc::clone(self.shared.get_or_insert_with(|| Arc::new(make().collect())))
    }
}
