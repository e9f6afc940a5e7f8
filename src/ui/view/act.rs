//! What the actions of the main screen do.

use tui_input::Input as Line;

use super::{Field, Overlay, Pane, View};
use crate::dialogue::Topic;
use crate::ui::actions::Act;
use crate::ui::input::{Action, Seek};

impl View {
    pub(super) fn act(&mut self, act: Act, now_ms: u64, out: &mut Vec<Action>) {
        match act {
            Act::Freeze if self.replay.is_some() => out.push(Action::Seek(Seek::PauseOrGo)),
            Act::CursorBack if self.replay.is_some() => out.push(Action::Seek(Seek::Back)),
            Act::CursorForward if self.replay.is_some() => out.push(Action::Seek(Seek::Forward)),
            Act::Down | Act::Up | Act::PageDown | Act::PageUp | Act::First | Act::Last => self.scroll(act),
            Act::NextPane => self.focus_next(1),
            Act::PreviousPane => self.focus_next(Pane::ALL.len() - 1),
            Act::Pane(n) => self.focus_on(n),
            Act::Open => self.open_selected(),
            Act::Back => self.back(),
            Act::Zoom => self.zoom = true,
            Act::Unzoom => self.zoom = false,
            Act::Filter => self.field = Some(Field::Filter(Line::new(self.log.filter.clone()))),
            Act::CommandLine => self.open_command_line(),
            Act::Help => {
                self.overlay = Some(Overlay::Help { scroll: 0, search: String::new(), typing: false });
            }
            Act::Follow if self.log.follows() => self.log.hold(self.cursor),
            Act::Follow => self.log.follow(),
            Act::NextHit | Act::PreviousHit | Act::Wrap | Act::Timestamps | Act::Level => self.log_act(act, now_ms),
            Act::Mark if self.is_held(act, now_ms) => {}
            Act::Mark => self.mark(now_ms, out),
            Act::Evidence => self.evidence(),
            Act::CursorBack | Act::CursorForward => self.move_cursor(act),
            Act::Copy => self.copy(now_ms, out),
            Act::Freeze => {
                if self.frozen.take().is_some() {
                    self.log.follow();
                } else if let Some(snapshot) = self.snapshot.clone() {
                    self.frozen = Some((snapshot, now_ms));
                    self.log.hold(self.cursor);
                }
            }
            Act::Explain => self.overlay = Some(Overlay::Explain { scroll: 0 }),
            Act::Quit => self.quit(now_ms, out),
            Act::Hold => self.hold(now_ms, out),
            Act::Override => self.open_override(None, now_ms),
            Act::Redraw => out.push(Action::Redraw),
            // Suspend and interrupt have one key each, seen before anything else.
            act => match (act.command(), act.previewed()) {
                (Some(command), _) => self.open(command, now_ms),
                (None, Some(command)) => self.overlay = Some(Overlay::Preview(command)),
                (None, None) => {}
            },
        }
    }

    pub(super) fn quit(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        if self.order_in_flight() && self.replay.is_none() {
            self.open(Topic::Leave, now_ms);
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
            // A narrow screen has no pane for the events beside the log: there they fill the screen.
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
        let upto = self.cursor;
        match act {
            Act::Down => self.log.scroll(1, upto),
            Act::Up => self.log.scroll(-1, upto),
            Act::PageDown => self.log.scroll(page, upto),
            Act::PageUp => self.log.scroll(-page, upto),
            Act::First => self.log.first(upto),
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

    pub(super) fn selected_gate(&self) -> Option<String> {
        let gates = &self.snapshot.as_ref()?.status.gates;
        gates.get(self.gate.min(gates.len().saturating_sub(1))).map(|gate| gate.name.clone())
    }
}
