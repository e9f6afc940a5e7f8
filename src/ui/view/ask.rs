//! Opening a question, or saying why it cannot be asked now; and `H`, which asks nothing.

use super::keys::BOX_MIN;
use super::prompt::{Ask, Prompt};
use super::{Overlay, Pane, View};
use crate::engine::Command;
use crate::engine::snapshot::GateState;
use crate::ui::actions::Act;
use crate::ui::input::Action;

/// Two presses of one key closer than this, in milliseconds, are one key held down: the longest delay that desktops
/// wait before they repeat, so that neither the first repeat nor any later one acts.
const HELD_MS: u64 = 1_000;

impl View {
    /// Opens a question, or says why it cannot be asked now.
    pub(super) fn open(&mut self, ask: Ask, now_ms: u64) {
        if let Some(reason) = self.cannot_open(&ask) {
            return self.warn(&reason, now_ms);
        }
        if ask.is_forward() {
            self.overlay = None;
        }
        self.prompt = Some(Prompt::new(ask, self.snapshot.clone(), now_ms));
        self.notice = None;
        self.touch();
    }

    fn cannot_open(&mut self, ask: &Ask) -> Option<String> {
        if *ask == Ask::Quit {
            return None;
        }
        if let Some(status) = self.snapshot.as_ref().map(|s| &s.status).filter(|s| s.driver.read_only) {
            let who = status.driver.holder.as_deref().unwrap_or("nobody");
            let text = format!("{}: this console was started read-only; {who} drives", ask.name());
            if let Some(command) = ask.command("") {
                self.overlay = Some(Overlay::Preview(command));
            }
            return Some(text);
        }
        if *ask == Ask::Rollback {
            return None;
        }
        if *ask == Ask::TakeOver && self.snapshot.as_ref().is_some_and(|s| s.status.driver.may_drive) {
            return Some("take over: this console drives already".into());
        }
        let Some(snapshot) = &self.snapshot else {
            return Some(format!("{}: nothing was read yet", ask.name()));
        };
        if ask.is_forward() {
            let open = self.overlay.as_ref().is_some_and(|overlay| !matches!(overlay, Overlay::Preview(_)));
            let because = match () {
                () if self.frozen.is_some() => {
                    format!("the panes are frozen: {} first", self.keymap.name(Act::Freeze))
                }
                () if self.cursor.is_some() => {
                    format!("the time cursor is back: {} first", self.keymap.name(Act::Back))
                }
                () if self.zoom => format!("one pane hides the others: {} first", self.keymap.name(Act::Unzoom)),
                () if open => format!("close this first: {}", self.keymap.name(Act::Back)),
                () if self.size.0 < BOX_MIN.0 || self.size.1 < BOX_MIN.1 => {
                    "the screen is too small to show what you would agree to: enlarge it, or use the command line"
                        .to_owned()
                }
                () => String::new(),
            };
            if !because.is_empty() {
                return Some(format!("{}: {because}", ask.name()));
            }
        }
        let blocked = ask.blocked_by(&snapshot.status)?;
        let explain = self.keymap.name(Act::Explain);
        Some(format!("{} is blocked: {}  ({explain} explains)", ask.name(), blocked.because))
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
            return self.open(Ask::Resume, now_ms);
        }
        if let Some(status) = self.snapshot.as_ref().map(|s| &s.status).filter(|s| s.driver.read_only) {
            let who = status.driver.holder.as_deref().unwrap_or("nobody");
            let text = format!("hold: this console was started read-only; {who} drives");
            self.overlay = Some(Overlay::Preview(Command::Pause));
            return self.warn(&text, now_ms);
        }
        self.ask(Command::Pause, None, now_ms, out);
    }

    /// The gate that `O` means: the selected one, or the only one that fails.
    pub(super) fn open_override(&mut self, now_ms: u64) {
        let failing: Vec<String> = self.snapshot.as_ref().map_or_else(Vec::new, |s| {
            s.status.gates.iter().filter(|g| g.status == GateState::Failed).map(|g| g.name.clone()).collect()
        });
        let selected = self.selected_gate().filter(|_| self.focus == Pane::Gates);
        match (selected, failing.as_slice()) {
            (Some(name), _) => self.open_override_of(&name, now_ms),
            (None, [only]) => self.open_override_of(&only.clone(), now_ms),
            (None, []) => self.say("override: no gate fails", now_ms),
            (None, _) => {
                let pane = self.keymap.name(Act::Pane(3));
                let text = format!("override: several gates fail; select one ({pane}), or say :override NAME");
                self.warn(&text, now_ms);
            }
        }
    }

    pub(super) fn open_override_of(&mut self, name: &str, now_ms: u64) {
        let gates = self.snapshot.as_ref().map_or(&[][..], |s| &s.status.gates);
        match gates.iter().find(|gate| gate.name == name).map(|gate| gate.status) {
            Some(GateState::Failed) => self.open(Ask::Override { gate: name.to_owned() }, now_ms),
            Some(state) => {
                let text = format!("override: gate {name} is {}, only a failed one can be overridden", state.title());
                self.warn(&text, now_ms);
            }
            None => self.warn(&format!("override: there is no gate {name:?}"), now_ms),
        }
    }
}
