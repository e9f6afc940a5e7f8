//! From keys to what they do, layer by layer: a question first, then a notice, a text field, what lies over the
//! panes, and the panes last.

use tui_input::Input as Line;

use super::prompt::{Answer, Ask, Prompt, TEXT_MAX, edit};
use super::{Field, INTERRUPT_MS, Overlay, Pane, View};
use crate::domain::text::clean;
use crate::engine::Command;
use crate::engine::snapshot::GateState;
use crate::ui::actions::{self, Act};
use crate::ui::input::{Action, Code, Key};
use crate::ui::text;

/// Two presses of one key closer than this, in milliseconds, are one key held down.
const HELD_MS: u64 = 600;
/// The smallest screen that can show a box to be read before consent.
pub const BOX_MIN: (u16, u16) = (44, 18);

impl View {
    pub(super) fn key(&mut self, key: Key, now_ms: u64, out: &mut Vec<Action>) {
        self.message = None;
        if self.global_key(key, now_ms, out) {
            return;
        }
        if let Some(mut prompt) = self.prompt.take() {
            let answer = prompt.key(key, now_ms);
            if answer == Answer::No && prompt.from_reason && self.back_to_reason(key) {
                return;
            }
            return self.answered(prompt, answer, now_ms, out);
        }
        if let Some(notice) = &self.notice {
            if notice.swallows(key, now_ms) {
                return;
            }
            self.notice = None;
            match key.plain_char().filter(|_| !key.repeat) {
                Some('R') => self.open(Ask::Rollback, now_ms),
                Some('A') => self.open(Ask::Abort, now_ms),
                Some('H') => self.hold(now_ms, out),
                _ => {}
            }
            return;
        }
        if self.leave_reason(key, now_ms) {
            return;
        }
        if self.field.is_some() {
            return self.field_key(key, now_ms, out);
        }
        if let Some(Overlay::Help { search, typing: typing @ true, .. }) = &mut self.overlay {
            match key.code {
                Code::Enter | Code::Esc => *typing = false,
                Code::Backspace => {
                    search.pop();
                }
                Code::Char(c) if !key.ctrl && !key.alt && search.len() < TEXT_MAX => search.push(c),
                _ => {}
            }
            return;
        }
        let Some(row) = actions::find(key) else { return };
        let moves = matches!(row.act, Act::Down | Act::Up | Act::PageDown | Act::PageUp);
        if key.repeat && !moves {
            return;
        }
        if self.overlay.is_some() && self.overlay_act(row.act) {
            return;
        }
        self.act(row.act, now_ms, out);
    }

    /// Keys that work in every layer.
    fn global_key(&mut self, key: Key, now_ms: u64, out: &mut Vec<Action>) -> bool {
        if !key.ctrl || key.alt || key.repeat {
            return false;
        }
        match key.code {
            Code::Char('c') => {
                if self.interrupted_ms.is_some_and(|at| now_ms.saturating_sub(at) <= INTERRUPT_MS) {
                    out.push(Action::Quit { code: 130 });
                    return true;
                }
                self.interrupted_ms = Some(now_ms);
                self.prompt = None;
                self.field = None;
                self.say("Ctrl-c again within 2 s leaves; traffic stays where it is, an order goes on", now_ms);
            }
            Code::Char('z') => {
                self.focus_lost(now_ms);
                out.push(Action::Suspend);
            }
            Code::Char('l') => out.push(Action::Redraw),
            _ => return false,
        }
        true
    }

    fn answered(&mut self, prompt: Prompt, answer: Answer, now_ms: u64, out: &mut Vec<Action>) {
        match answer {
            Answer::Nothing => self.prompt = Some(prompt),
            Answer::No => self.say(&format!("{}: no, nothing was sent", prompt.ask.name()), now_ms),
            Answer::Instead(ask) => self.open(ask, now_ms),
            Answer::Hold => self.hold(now_ms, out),
            Answer::Yes => match prompt.ask.command(prompt.line.value()) {
                Some(command) => self.ask(command, prompt.expect(), now_ms, out),
                None => out.push(Action::Quit { code: 0 }),
            },
        }
    }

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
                () if self.frozen.is_some() => "the panes are frozen: Space first",
                () if self.cursor.is_some() => "the time cursor is back: Esc first",
                () if self.zoom => "one pane hides the others: _ first",
                () if open => "close this first: Esc",
                () if self.size.0 < BOX_MIN.0 || self.size.1 < BOX_MIN.1 => {
                    "the screen is too small to show what you would agree to: enlarge it, or use the command line"
                }
                () => "",
            };
            if !because.is_empty() {
                return Some(format!("{}: {because}", ask.name()));
            }
        }
        let blocked = ask.blocked_by(&snapshot.status)?;
        Some(format!("{} is blocked: {}  (o explains)", ask.name(), blocked.because))
    }

    /// `H`: pause at once; when paused already, ask whether to go on.
    pub(super) fn hold(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        let held = self.held_ms.replace(now_ms).is_some_and(|at| now_ms.saturating_sub(at) < HELD_MS);
        if held {
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

    fn field_key(&mut self, key: Key, now_ms: u64, out: &mut Vec<Action>) {
        let Some(mut field) = self.field.take() else { return };
        match (key.code, &mut field) {
            (Code::Esc, Field::Filter(_)) => self.log.filter.clear(),
            (Code::Enter, _) if key.repeat => self.field = Some(field),
            (Code::Esc, _) | (Code::Enter, Field::Filter(_)) => {}
            (Code::Enter, Field::Command(line)) => self.run(line.value(), now_ms, out),
            (Code::Enter, Field::Reason(line, id)) => {
                let reason = clean(line.value().trim(), TEXT_MAX);
                if !reason.is_empty() {
                    let text = format!("reason for rollback {id}: {reason}");
                    self.ask(Command::Note { text }, None, now_ms, out);
                }
            }
            (Code::Tab, Field::Command(line)) => {
                if let Some(longer) = self.complete(line.value()) {
                    *line = Line::new(longer);
                }
                self.field = Some(field);
            }
            (_, Field::Command(line) | Field::Filter(line) | Field::Reason(line, _)) => {
                edit(line, key);
                if let Field::Filter(line) = &field {
                    line.value().clone_into(&mut self.log.filter);
                }
                self.field = Some(field);
            }
        }
    }

    pub(super) fn paste(&mut self, pasted: &str, now_ms: u64) {
        if self.prompt.as_ref().is_some_and(Prompt::is_typing) {
            return self.warn("paste refused: type it, so that it is read", now_ms);
        }
        let insert = |line: &mut Line| {
            for c in clean(pasted, TEXT_MAX).chars() {
                edit(line, Key::char(c));
            }
        };
        match &mut self.field {
            Some(Field::Command(line) | Field::Reason(line, _)) if self.prompt.is_none() => insert(line),
            Some(Field::Filter(line)) if self.prompt.is_none() => {
                insert(line);
                line.value().clone_into(&mut self.log.filter);
            }
            _ => return self.warn("a paste does nothing here", now_ms),
        }
        self.touch();
    }

    /// What an action does to what lies over the panes; whether that was all.
    fn overlay_act(&mut self, act: Act) -> bool {
        let page = usize::from(self.size.1 / 2);
        if let (Act::Filter, Some(Overlay::Help { typing, scroll, .. })) = (act, &mut self.overlay) {
            (*typing, *scroll) = (true, 0);
            return true;
        }
        let scroll = match &mut self.overlay {
            Some(Overlay::Help { scroll, .. } | Overlay::Explain { scroll } | Overlay::Gate { scroll, .. }) => scroll,
            _ => &mut 0,
        };
        match act {
            Act::Down => *scroll = (*scroll + 1).min(500),
            Act::Up => *scroll = scroll.saturating_sub(1),
            Act::PageDown => *scroll = (*scroll + page).min(500),
            Act::PageUp => *scroll = scroll.saturating_sub(page),
            Act::First => *scroll = 0,
            Act::Back | Act::Quit => self.overlay = None,
            Act::Last | Act::Open => {}
            _ => return false,
        }
        true
    }

    fn act(&mut self, act: Act, now_ms: u64, out: &mut Vec<Action>) {
        match act {
            Act::Down | Act::Up | Act::PageDown | Act::PageUp | Act::First | Act::Last => self.scroll(act),
            Act::NextPane => self.focus_next(1),
            Act::PreviousPane => self.focus_next(Pane::ALL.len() - 1),
            Act::Pane(n) => self.focus_on(n),
            Act::Open => self.open_gate(),
            Act::Back => self.back(),
            Act::Zoom => self.zoom = true,
            Act::Unzoom => self.zoom = false,
            Act::Filter => self.field = Some(Field::Filter(Line::new(self.log.filter.clone()))),
            Act::CommandLine => self.field = Some(Field::Command(Line::default())),
            Act::Help => {
                self.overlay = Some(Overlay::Help { scroll: 0, search: String::new(), typing: false });
            }
            Act::Follow if self.log.follows() => self.log.hold(),
            Act::Follow => self.log.follow(),
            Act::NextHit | Act::PreviousHit | Act::Wrap | Act::Timestamps | Act::Level => self.log_act(act, now_ms),
            Act::Mark => self.mark(now_ms, out),
            Act::Evidence => self.evidence(),
            Act::CursorBack | Act::CursorForward => self.move_cursor(act),
            Act::Copy => self.copy(now_ms, out),
            Act::Freeze => {
                if self.frozen.take().is_some() {
                    self.log.follow();
                } else if let Some(snapshot) = self.snapshot.clone() {
                    self.frozen = Some((snapshot, now_ms));
                    self.log.hold();
                }
            }
            Act::PreviewPromote => self.overlay = Some(Overlay::Preview(Command::Promote)),
            Act::PreviewSwitch => self.overlay = Some(Overlay::Preview(Command::Switch)),
            Act::PreviewAbort => self.overlay = Some(Overlay::Preview(Command::Abort)),
            Act::PreviewRollback => self.overlay = Some(Overlay::Preview(Command::Rollback)),
            Act::Explain => self.overlay = Some(Overlay::Explain { scroll: 0 }),
            Act::Quit => self.quit(now_ms, out),
            Act::Hold => self.hold(now_ms, out),
            Act::Promote => self.open(Ask::Promote, now_ms),
            Act::Switch => self.open(Ask::Switch, now_ms),
            Act::Abort => self.open(Ask::Abort, now_ms),
            Act::Rollback => self.open(Ask::Rollback, now_ms),
            Act::Override => self.open_override(now_ms),
            Act::TakeOver => self.open(Ask::TakeOver, now_ms),
            Act::Redraw | Act::Suspend | Act::Interrupt => {}
        }
    }

    pub(super) fn quit(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        if self.order_in_flight() {
            self.open(Ask::Quit, now_ms);
        } else {
            out.push(Action::Quit { code: 0 });
        }
    }

    fn focus_next(&mut self, by: usize) {
        let panes = if self.is_wide() { 5 } else { 4 };
        let at = Pane::ALL.iter().position(|pane| *pane == self.focus).unwrap_or(0).min(panes - 1);
        let by = if by == 1 { 1 } else { panes - 1 };
        self.focus = Pane::ALL[(at + by) % panes];
    }

    fn focus_on(&mut self, n: u8) {
        if let Some(pane) = Pane::ALL.get(usize::from(n.saturating_sub(1))) {
            self.focus = *pane;
            // Where the events have no pane beside the log, they are looked at alone.
            self.zoom |= *pane == Pane::Events && !self.is_wide();
        }
    }

    fn back(&mut self) {
        if self.cursor.take().is_some() {
            return;
        }
        if self.zoom {
            self.zoom = false;
        } else if !self.log.filter.is_empty() {
            self.log.filter.clear();
        } else {
            self.log.gate = None;
        }
    }

    fn scroll(&mut self, act: Act) {
        let page = isize::from(self.size.1 as i16 / 3).max(1);
        if self.focus == Pane::Gates {
            let last = self.snapshot.as_ref().map_or(0, |s| s.status.gates.len()).saturating_sub(1);
            self.gate = match act {
                Act::Down => self.gate + 1,
                Act::Up => self.gate.saturating_sub(1),
                Act::First | Act::PageUp => 0,
                _ => last,
            }
            .min(last);
            return;
        }
        let events = !self.is_wide();
        match act {
            Act::Down => self.log.scroll(1, events),
            Act::Up => self.log.scroll(-1, events),
            Act::PageDown => self.log.scroll(page, events),
            Act::PageUp => self.log.scroll(-page, events),
            Act::First => self.log.first(page.unsigned_abs(), events),
            _ => self.log.follow(),
        }
    }

    pub(super) fn open_gate(&mut self) {
        let name = self.selected_gate();
        if let (Pane::Gates, Some(name)) = (self.focus, name) {
            self.log.gate = Some(name.clone());
            self.cursor_to_failure(&name);
            self.overlay = Some(Overlay::Gate { name, scroll: 0 });
        }
    }

    fn selected_gate(&self) -> Option<String> {
        let gates = &self.snapshot.as_ref()?.status.gates;
        gates.get(self.gate.min(gates.len().saturating_sub(1))).map(|gate| gate.name.clone())
    }

    /// The gate that `O` means: the selected one, or the only one that fails.
    fn open_override(&mut self, now_ms: u64) {
        let failing: Vec<String> = self.snapshot.as_ref().map_or_else(Vec::new, |s| {
            s.status.gates.iter().filter(|g| g.status == GateState::Failed).map(|g| g.name.clone()).collect()
        });
        let selected = self.selected_gate().filter(|_| self.focus == Pane::Gates);
        match (selected, failing.as_slice()) {
            (Some(name), _) => self.open_override_of(&name, now_ms),
            (None, [only]) => self.open_override_of(&only.clone(), now_ms),
            (None, []) => self.say("override: no gate fails", now_ms),
            (None, _) => self.warn("override: several gates fail; select one (3, j, k) or say :override NAME", now_ms),
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

    fn copy(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        let Some(snapshot) = self.shown() else { return };
        let status = &snapshot.status;
        let side = |side| {
            let s: &crate::engine::snapshot::SideStatus = &status.sides[side];
            let version = s.version.as_ref().map_or("unknown version", |v| v.name.as_str());
            let p99 = s.latency_ms.p99.map_or_else(|| "-".into(), |ms| text::millis(ms, " "));
            let errors = s.error_rate.map_or_else(|| "-".into(), text::percent);
            format!("{side} {version} p99 {p99} errors {errors}")
        };
        let line = match self.focus {
            Pane::Blue => Some(side(crate::domain::Side::Blue)),
            Pane::Green => Some(side(crate::domain::Side::Green)),
            Pane::Gates => status.gates.get(self.gate).map(|g| format!("{} {} {}", g.status.title(), g.name, g.note)),
            Pane::Log => {
                self.log.window(1, !self.is_wide()).first().map(|l| {
                    format!("{} {} {} {}", l.at.format("%Y-%m-%dT%H:%M:%SZ"), l.level.title(), l.source, l.text)
                })
            }
            Pane::Events => {
                snapshot.events.last().map(|e| format!("{} {} {}", e.at.format("%Y-%m-%dT%H:%M:%SZ"), e.by, e.text))
            }
        };
        if let Some(line) = line {
            self.say(&format!("copied: {line}"), now_ms);
            out.push(Action::Copy(line));
        }
    }
}
