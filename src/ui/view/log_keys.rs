//! What the keys of the log pane do.

use super::View;
use crate::engine::Command;
use crate::ui::actions::Act;
use crate::ui::input::Action;

impl View {
    pub(super) fn log_act(&mut self, act: Act, now_ms: u64) {
        let _ = act;
        self.say("no search", now_ms);
    }

    /// A mark is a note of the journal, so that it is in the record and in the log of every console.
    pub(super) fn mark(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        self.ask(Command::Note { text: "mark".into() }, None, now_ms, out);
    }
}
