//! The time cursor: panels, gates and log show one moment of the history that is kept.

use super::View;
use crate::ui::actions::Act;

impl View {
    pub(super) fn move_cursor(&mut self, _act: Act) {
        self.cursor = None;
    }
}
