//! Opening a question, or saying why that is not possible now; and `H`, which asks nothing.

use super::keys::BOX_MIN;
use super::prompt::Prompt;
use super::{Overlay, Pane, View};
use crate::dialogue::{Obstacle, Topic, Weight, gate_to_override, obstacle};
use crate::engine::Command;
use crate::ui::actions::Act;
use crate::ui::input::Action;

/// Two presses of one key closer than this, in milliseconds, are one key held down: the longest delay that desktops
/// wait before they repeat, so that neither the first repeat nor any later one acts.
const HELD_MS: u64 = 1_000;

impl View {
    /// Opens a question, or says why that is not possible now.
    pub(super) fn open(&mut self, topic: impl Into<Topic>, now_ms: u64) {
        let topic = topic.into();
        if let Some(reason) = self.cannot_open(&topic) {
            return self.warn(&reason, now_ms);
        }
        let prompt = Prompt::new(topic, self.snapshot.clone(), now_ms);
        if prompt.question.is_heavy() {
            self.overlay = None;
        }
        self.prompt = Some(prompt);
        self.notice = None;
        self.touch();
    }

    fn cannot_open(&mut self, topic: &Topic) -> Option<String> {
        let name = topic.name();
        let hidden = self.hidden().filter(|_| topic.terms().weight == Weight::Heavy);
        let snapshot = self.snapshot.clone();
        let obstacle = obstacle(topic, snapshot.as_ref().map(|snapshot| &snapshot.status));
        if let (Some(Obstacle::ReadOnly { .. }), Topic::Command(command)) = (&obstacle, topic) {
            self.overlay = Some(Overlay::Preview(command.clone()));
        }
        match (obstacle, hidden) {
            (None, None) => None,
            (None | Some(Obstacle::Blocked(_)), Some(because)) => Some(format!("{name}: {because}")),
            (Some(Obstacle::Blocked(blocked)), None) => {
                let explain = self.keymap.name(Act::Explain);
                Some(format!("{name} is blocked: {}  ({explain} explains)", blocked.because))
            }
            (Some(obstacle), _) => Some(format!("{name}: {obstacle}")),
        }
    }

    /// Why a box could not be read now, or would not be about what the panes show.
    fn hidden(&self) -> Option<String> {
        let open = self.overlay.as_ref().is_some_and(|overlay| !matches!(overlay, Overlay::Preview(_)));
        let key = |act: Act| self.keymap.name(act);
        Some(match () {
            () if self.frozen.is_some() => format!("the panes are frozen: {} first", key(Act::Freeze)),
            () if self.cursor.is_some() => format!("the time cursor is back: {} first", key(Act::Back)),
            () if self.zoom => format!("one pane hides the others: {} first", key(Act::Unzoom)),
            () if open => format!("close this first: {}", key(Act::Back)),
            () if self.size.0 < BOX_MIN.0 || self.size.1 < BOX_MIN.1 => {
                "the screen is too small to show what you would agree to: enlarge it, or use the command line".into()
            }
            () => return None,
        })
    }

    /// Whether this is a key held down rather than pressed again.
    pub(super) fn is_held(&mut self, act: Act, now_ms: u64) -> bool {
        let last = self.held.replace((act, now_ms));
        last.is_some_and(|(last, at)| last == act && now_ms.saturating_sub(at) < HELD_MS)
    }

    /// `H`: pause at once; when paused already, ask whether to go on.
    pub(super) fn hold(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        if self.is_held(Act::Hold, now_ms) {
            return;
        }
        if self.is_paused() {
            return self.open(Command::Resume, now_ms);
        }
        let status = self.snapshot.as_ref().map(|snapshot| &snapshot.status);
        if let Some(Obstacle::ReadOnly { .. }) = obstacle(&Command::Pause.into(), status) {
            return self.open(Command::Pause, now_ms);
        }
        self.ask(Command::Pause, None, now_ms, out);
    }

    /// Opens the question about one gate: the one named, the selected one, or the only one that fails.
    pub(super) fn open_override(&mut self, named: Option<&str>, now_ms: u64) {
        let selected = self.selected_gate().filter(|_| self.focus == Pane::Gates);
        let gates = self.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.status.gates);
        match gate_to_override(gates, named.or(selected.as_deref())) {
            Ok(gate) => {
                let gate = gate.name.clone();
                self.open(Command::Override { gate, reason: String::new() }, now_ms);
            }
            Err(why) => self.warn(&why, now_ms),
        }
    }
}
