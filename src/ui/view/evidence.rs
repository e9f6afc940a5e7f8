//! What a gate saw: its evidence, and where its log is kept.

use super::View;

impl View {
    pub(super) fn evidence(&mut self) {
        self.open_gate();
    }
}
