//! What the keys of the log pane do.

use chrono::TimeDelta;

use super::log::Stamps;
use super::{Overlay, Pane, View};
use crate::domain::{LogLevel, LogLine, json_line};
use crate::engine::Command;
use crate::ui::actions::Act;
use crate::ui::input::Action;

impl View {
    pub(super) fn log_act(&mut self, act: Act, now_ms: u64) {
        match act {
            Act::NextHit => self.step(true, now_ms),
            Act::PreviousHit => self.step(false, now_ms),
            Act::Wrap => {
                self.log.wrap = !self.log.wrap;
                self.say(if self.log.wrap { "long log lines are wrapped" } else { "long log lines are cut" }, now_ms);
            }
            Act::Timestamps => {
                let (next, text) = match self.log.stamps {
                    Stamps::Clock => (Stamps::Age, "log lines with their age"),
                    Stamps::Age => (Stamps::Off, "log lines without a time"),
                    Stamps::Off => (Stamps::Clock, "log lines with the clock, UTC"),
                };
                self.log.stamps = next;
                self.say(text, now_ms);
            }
            Act::Level => {
                let (next, text) = match self.log.least {
                    LogLevel::Info => (LogLevel::Warn, "log lines from WARN on"),
                    LogLevel::Warn => (LogLevel::Err, "log lines from ERR on"),
                    LogLevel::Err => (LogLevel::Info, "log lines of every level"),
                };
                self.log.least = next;
                self.say(text, now_ms);
            }
            _ => {}
        }
    }

    fn step(&mut self, forward: bool, now_ms: u64) {
        if self.log.filter.is_empty() {
            return self.say("nothing to look for: / says what", now_ms);
        }
        let so_far = if self.log.is_looking() { " so far" } else { "" };
        match self.log.step(forward, self.cursor) {
            Some((number, of)) => self.say(&format!("hit {number} of {of}{so_far}"), now_ms),
            None => self.say(if forward { "no newer hit" } else { "no older hit" }, now_ms),
        }
    }

    /// A mark is a note of the journal, so that it is in the record and in the log of every console.
    pub(super) fn mark(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        self.note("mark", now_ms, out);
    }

    /// A note; of a console that may only look, on its own screen alone.
    pub(super) fn note(&mut self, text: &str, now_ms: u64, out: &mut Vec<Action>) {
        let Some(time) = self.snapshot.as_ref().map(|snapshot| snapshot.status.time) else {
            return self.warn("note: nothing was read yet", now_ms);
        };
        if !self.may_only_look() {
            return self.ask(Command::Note { text: text.to_owned() }, None, now_ms, out);
        }
        let at = time + TimeDelta::milliseconds(now_ms.saturating_sub(self.received_ms) as i64);
        let source = self.options.me.name.clone();
        self.log.mark(LogLine {
            at,
            level: LogLevel::Info,
            source,
            text: format!("note: {text}, on this screen alone"),
        });
        self.say("noted on this screen alone: this console was started read-only", now_ms);
    }

    /// Enter: the whole of a log line, or why a gate has its state.
    pub(super) fn open_selected(&mut self) {
        if self.focus != Pane::Log {
            return self.open_gate();
        }
        let Some(row) = self.log.current(self.cursor) else { return };
        let title = format!("{}  {}  {}", row.source, row.at.format("%Y-%m-%d %H:%M:%S%.3fZ"), row.level.title());
        self.overlay = Some(Overlay::Record { title, lines: json_line::pretty(row.text), scroll: 0 });
    }
}
