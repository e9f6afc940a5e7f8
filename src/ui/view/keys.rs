//! What a key does. The layers are asked in order: a question, a notice, a text field, an overlay, the panes.

use super::prompt::{Prompt, TEXT_MAX};
use super::{INTERRUPT_MS, Overlay, View};
use crate::dialogue::Answer;
use crate::engine::Command;
use crate::ui::actions::Act;
use crate::ui::input::{Action, Code, Key};

/// The smallest screen that can show a box to be read before consent.
pub(crate) const BOX_MIN: (u16, u16) = (44, 18);
/// Lines an overlay can be scrolled by when the number of its lines is not known here.
const SCROLL_MAX: usize = 500;

impl View {
    pub(super) fn key(&mut self, key: Key, now_ms: u64, out: &mut Vec<Action>) {
        self.message = None;
        if self.global_key(key, now_ms, out) {
            return;
        }
        if let Some(mut prompt) = self.prompt.take() {
            // A text field takes keys as they are; elsewhere a question takes the action that a key is bound to.
            let meant = if prompt.question.is_typing() { key } else { self.keymap.in_question(key) };
            let answer = prompt.key(meant, now_ms);
            if matches!(answer, Answer::No(_)) && prompt.from_reason && self.back_to_reason(key) {
                return;
            }
            return self.answered(prompt, answer, now_ms, out);
        }
        if self.notice.is_some() {
            return self.notice_key(key, now_ms, out);
        }
        if self.leave_reason(self.keymap.in_question(key), now_ms) {
            return;
        }
        if self.field.is_some() {
            return self.field_key(key, now_ms, out);
        }
        if self.search_key(key) {
            return;
        }
        let Some(row) = self.keymap.find(key) else { return };
        let moves = matches!(row.act, Act::Down | Act::Up | Act::PageDown | Act::PageUp);
        if key.repeat && !moves {
            return;
        }
        if self.overlay.is_some() && self.overlay_act(row.act) {
            return;
        }
        self.act(row.act, now_ms, out);
    }

    /// Keys that work in every layer, and cannot be bound otherwise.
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

    /// Any key closes a notice; rollback, abort and pause also act.
    fn notice_key(&mut self, key: Key, now_ms: u64, out: &mut Vec<Action>) {
        if self.notice.as_ref().is_some_and(|notice| notice.swallows(key, now_ms)) {
            return;
        }
        self.notice = None;
        match self.keymap.act(key).filter(|_| !key.repeat) {
            Some(Act::Rollback) => self.open(Command::Rollback, now_ms),
            Some(Act::Abort) => self.open(Command::Abort, now_ms),
            Some(Act::Hold) => self.hold(now_ms, out),
            _ => {}
        }
    }

    /// A key for the search in the help; true when it was taken.
    fn search_key(&mut self, key: Key) -> bool {
        let Some(Overlay::Help { search, typing: typing @ true, scroll }) = &mut self.overlay else { return false };
        match key.code {
            Code::Enter => *typing = false,
            Code::Esc => {
                search.clear();
                *typing = false;
            }
            Code::Backspace => {
                search.pop();
            }
            Code::Char(c) if !key.ctrl && !key.alt && search.len() < TEXT_MAX => search.push(c),
            _ => {}
        }
        *scroll = 0;
        true
    }

    fn answered(&mut self, prompt: Prompt, answer: Answer, now_ms: u64, out: &mut Vec<Action>) {
        match answer {
            Answer::Nothing | Answer::GoOn => self.prompt = Some(prompt),
            Answer::No(_) => self.say(&format!("{}: no, nothing was sent", prompt.name()), now_ms),
            Answer::Instead(Command::Pause) => self.hold(now_ms, out),
            Answer::Instead(command) => self.open(command, now_ms),
            Answer::Yes => match prompt.question.command() {
                Some(command) => self.ask(command.clone(), prompt.question.expect(), now_ms, out),
                None => out.push(Action::Quit { code: 0 }),
            },
        }
    }

    /// An action on the overlay; true when it was taken.
    fn overlay_act(&mut self, act: Act) -> bool {
        let page = usize::from(self.size.1 / 2);
        if let (Act::Filter, Some(Overlay::Help { typing, scroll, .. })) = (act, &mut self.overlay) {
            (*typing, *scroll) = (true, 0);
            return true;
        }
        let end = match &self.overlay {
            Some(Overlay::Help { .. }) => self.help_end(),
            Some(Overlay::Record { lines, .. }) => lines.len().max(SCROLL_MAX),
            _ => SCROLL_MAX,
        };
        let scroll = match &mut self.overlay {
            Some(
                Overlay::Help { scroll, .. }
                | Overlay::Explain { scroll }
                | Overlay::Gate { scroll, .. }
                | Overlay::Record { scroll, .. },
            ) => scroll,
            _ => &mut 0,
        };
        match act {
            Act::Down => *scroll = (*scroll + 1).min(end),
            Act::Up => *scroll = scroll.saturating_sub(1),
            Act::PageDown => *scroll = (*scroll + page).min(end),
            Act::PageUp => *scroll = scroll.saturating_sub(page),
            Act::First => *scroll = 0,
            Act::Last if end < SCROLL_MAX => *scroll = end,
            Act::Back if self.help_is_searched() => self.clear_search(),
            Act::Help if matches!(self.overlay, Some(Overlay::Help { .. })) => self.overlay = None,
            Act::Back | Act::Quit => self.overlay = None,
            Act::Open => self.help_enter(),
            Act::Last => {}
            _ => return false,
        }
        true
    }

    fn help_is_searched(&self) -> bool {
        matches!(&self.overlay, Some(Overlay::Help { search, .. }) if !search.is_empty())
    }

    fn clear_search(&mut self) {
        if let Some(Overlay::Help { search, scroll, .. }) = &mut self.overlay {
            search.clear();
            *scroll = 0;
        }
    }
}
