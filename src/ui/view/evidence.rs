//! What a gate saw: its evidence, and where its log is kept.

use super::{Overlay, Pane, View};
use crate::engine::snapshot::GateState;

impl View {
    /// Opens all that is known of a gate: the selected one, or from another pane the first that fails.
    pub(super) fn evidence(&mut self) {
        let Some(snapshot) = self.shown() else { return };
        let gates = &snapshot.status.gates;
        let failing = gates.iter().find(|gate| gate.status == GateState::Failed).filter(|_| self.focus != Pane::Gates);
        let selected = gates.get(self.gate.min(gates.len().saturating_sub(1)));
        if let Some(gate) = failing.or(selected) {
            self.overlay = Some(Overlay::Gate { name: gate.name.clone(), scroll: 0 });
        }
    }
}
